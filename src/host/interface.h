#pragma once

// Questions about what ifconfig(8) lists.

#include "host/network_operations.h"

#include <algorithm>
#include <array>

namespace bhype::host {

/// Null when there is none of that name.
inline const Interface* named(const std::vector<Interface>& interfaces, const InterfaceName& name) {
    const auto found = std::ranges::find(interfaces, name, &Interface::name);
    return found == interfaces.end() ? nullptr : &*found;
}

inline bool in_group(const Interface& interface, std::string_view group) {
    return std::ranges::count(interface.groups, group) > 0;
}

/// Nothing goes out there: the host itself, its guests, or a tap of the packet filter's.
inline bool leads_nowhere(const Interface& interface) {
    static constexpr std::array groups{"lo", "tap", "epair", "pflog", "pfsync", "enc"};
    return std::ranges::any_of(groups, [&](const char* group) { return in_group(interface, group); });
}

/// Carries Ethernet to the outside, as a bridge's uplink and a lagg's port must: no tunnel, no bridge, none
/// of bHype's VLANs.
inline bool carries_outside(const Interface& interface) {
    static constexpr std::array groups{"bridge", "tun", "wg", "gif", "gre", "ipsec"};
    return !leads_nowhere(interface) && !interface.ether.empty() &&
           !interface.name.str().starts_with("bhv-") &&
           std::ranges::none_of(groups, [&](const char* group) { return in_group(interface, group); });
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
