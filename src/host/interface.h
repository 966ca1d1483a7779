#pragma once

// Questions about what ifconfig(8) lists.

#include "host/network_operations.h"

#include <algorithm>

namespace bhype::host {

/// Null when there is none of that name.
inline const Interface* named(const std::vector<Interface>& interfaces, const InterfaceName& name) {
    const auto found = std::ranges::find(interfaces, name, &Interface::name);
    return found == interfaces.end() ? nullptr : &*found;
}

inline bool in_group(const Interface& interface, std::string_view group) {
    return std::ranges::count(interface.groups, group) > 0;
}

/// Of an address as ifconfig(8) shows it: it came by itself.
inline bool link_local(std::string_view address) {
    return address.starts_with("fe80:");
}

/// Addresses of both families that somebody gave it.
inline std::vector<std::string> given_addresses(const Interface& interface) {
    auto found = interface.inet;
    std::ranges::copy_if(interface.inet6, std::back_inserter(found),
                         [](const auto& address) { return !link_local(address); });
    return found;
}

} // namespace bhype::host
