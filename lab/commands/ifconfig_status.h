#pragma once

#include "lab/commands/interfaces.h"

#include <string>

namespace bhype::lab {

/// What ifconfig prints about an interface. `family`: "", "inet", "inet6" or "ether"; `cidr` are the families
/// for which -f asked for prefix lengths.
struct StatusFormat {
    std::string family;
    bool inet_cidr{false}, inet6_cidr{false};
    bool supported{false}; ///< -m: what the hardware could do
};
void print_status(Interfaces& interfaces, const Interface& interface, const StatusFormat& format);

/// if_flags and what ifconfig shows with them (14: netlink's bits as well).
unsigned freebsd_flags(const Interface& interface);

constexpr unsigned flag_up = 0x1;

} // namespace bhype::lab
