#pragma once

#include "lab/commands/pf_rule.h"

#include <string>
#include <vector>

namespace bhype::lab {

/// What pf knows of one interface.
struct PfInterface {
    struct Address {
        PfNetwork host; ///< all bits
        unsigned prefix{};
    };
    std::string name;
    std::vector<std::string> groups;
    std::vector<Address> addresses;
};
using PfInterfaces = std::vector<PfInterface>;

/// An address behind "from", "to", "->" or in a table.
struct PfHost {
    PfAddress address;
    bool negated{false};

    int family() const {
        return address.kind == PfAddress::Kind::network || address.kind == PfAddress::Kind::range
                   ? address.network.family
                   : 0;
    }
};

/// The interfaces that a name in a rule means: the one of that name and the members of the group.
std::vector<std::string> pf_members(const PfInterfaces& interfaces, const std::string& name);

/// Addresses of an interface or a group now, of one family (0: both); sbin/pfctl/pfctl_parser.c ifa_lookup().
std::vector<PfNetwork> pf_addresses(const PfInterfaces& interfaces, const PfAddress& dynamic, int family);

/// host() there: an address, a network ("10/8" too), an interface, a name that can be resolved. Empty after a
/// message on standard error if it is none of them.
std::vector<PfHost> pf_host(const PfInterfaces& interfaces, const std::string& text);

/// Takes ":network", ":broadcast", ":peer" and ":0" off the end of a name. False if another modifier is
/// there.
bool take_modifiers(std::string& name, PfAddress& address);

} // namespace bhype::lab
