#pragma once

// Arithmetic on addresses and prefixes of both families.

#include "base/types.h"

#include <cstdint>

namespace bhype::host {

struct Ipv4Network {
    std::uint32_t address; ///< the prefix's own, in host order
    std::uint32_t first;   ///< the network's
    std::uint32_t last;    ///< broadcast
    std::uint32_t mask;
    bool contains(std::uint32_t other) const { return other >= first && other <= last; }
    std::string str() const; ///< "10.77.0.0/24"
};
Ipv4Network ipv4_network(const Ipv4Prefix& prefix);
std::uint32_t ipv4_number(const Ipv4Address& address);
std::string dotted(std::uint32_t address);

/// "fd00:77::/64" of "fd00:77::1/64".
std::string ipv6_network(const Ipv6Prefix& prefix);

/// Why an interface cannot have this address, with or without a prefix's length: "is a multicast address"
/// (RFC 6890, and the network's own and its broadcast address). Empty when it can.
std::string unusable(std::string_view address);
/// Whether two prefixes ("10.77.0.1/24", "fe80::1%em0/64"; without a length: one address) share an address.
/// False for what is no prefix.
bool overlap(std::string_view a, std::string_view b);

} // namespace bhype::host
