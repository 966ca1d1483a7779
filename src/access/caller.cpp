#include "access/caller.h"

#include <algorithm>

namespace bhype::access {

bool Caller::may(Privilege privilege) const {
    switch (privilege) {
    case Privilege::open:
        return true;
    case Privilege::session:
        return !user.empty();
    case Privilege::look:
        return role != Role::none;
    case Privilege::use:
    case Privilege::make:
        return role == Role::member || role == Role::administrator;
    case Privilege::administer:
        return role == Role::administrator;
    }
    return false;
}

bool Caller::in_group(std::string_view name) const {
    return !name.empty() && std::find(groups.begin(), groups.end(), name) != groups.end();
}

bool may_see(const Caller& caller, const Ownership& ownership) {
    return caller.role == Role::administrator || caller.role == Role::viewer || may_use(caller, ownership);
}

bool may_use(const Caller& caller, const Ownership& ownership) {
    return may_change(caller, ownership) || (caller.role == Role::member && caller.in_group(ownership.group));
}

bool may_change(const Caller& caller, const Ownership& ownership) {
    return caller.role == Role::administrator ||
           (caller.role == Role::member && !caller.user.empty() && caller.user.str() == ownership.owner);
}

} // namespace bhype::access
