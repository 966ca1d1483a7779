#pragma once

#include "base/json.h"

#include <string>
#include <vector>

namespace bhype::access {

/// What an endpoint asks for. Roles: wheel has all, group bhype has `look`, `use` and `make`, bhype-view has
/// `look`.
enum class Privilege {
    open,       ///< before log-in: the log-in itself, the OpenAPI document, the version
    session,    ///< anybody who is logged in, for what is their own
    look,       ///< see objects that the caller may see
    use,        ///< start, stop, consoles of objects that the caller owns or may use
    make,       ///< make VMs; change and delete own ones
    administer, ///< the host
};

enum class Role { none, viewer, member, administrator };

/// Who asks, from where.
struct Caller {
    UserName user;
    Role role = Role::none;
    std::vector<std::string> groups; ///< names
    std::string source;              ///< address, or "cli"
    std::string session;             ///< hash of the session, empty for cli

    bool may(Privilege privilege) const;
    bool in_group(std::string_view name) const;
};

/// Who owns an object and which group may use it.
struct Ownership {
    std::string owner;
    std::string group; ///< empty: nobody else
    bool operator==(const Ownership&) const = default;
};
BOOST_DESCRIBE_STRUCT(Ownership, (), (owner, group))

/// Administrators and viewers see everything; others what they own or whose group they are in.
bool may_see(const Caller& caller, const Ownership& ownership);
/// Start, stop, console: administrators, the owner, members of the group (viewers never).
bool may_use(const Caller& caller, const Ownership& ownership);
/// Edit, delete, give away: administrators and the owner.
bool may_change(const Caller& caller, const Ownership& ownership);

} // namespace bhype::access
