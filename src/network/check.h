#pragma once

// What a switch may be on this host, and how the host differs from what is wanted. No calls: from what was
// read before.

#include "host/interface.h"
#include "network/switch.h"

namespace bhype::network {

/// "web1's net0"
std::string called(const SwitchNic& nic);

/// Its bridge: "bh-NAME", or the one that a manual switch uses.
InterfaceName bridge_of(const Wanted& wanted);

/// Every problem of a switch beside the others and on this host. `others` may hold the switch itself, as it
/// was.
std::vector<FieldProblem> problems_of(const Wanted& wanted, const std::vector<Wanted>& others,
                                      const std::vector<host::Interface>& interfaces);

/// What bHype's dnsmasq listens on.
inline const std::vector<Ranged<1, 65535>> dhcp_ports{53, 67};
/// Who would keep bHype's dnsmasq from serving this switch; none when it has no DHCP.
std::vector<FieldProblem> clashes_of(const Wanted& wanted, const std::vector<host::Listener>& listeners);

/// How the host differs, a line each; none when it is as wanted.
std::vector<std::string> drift_of(const Wanted& wanted, const std::vector<host::Interface>& interfaces);

SwitchState state_of(const Wanted& wanted, const std::vector<host::Interface>& interfaces);

/// The first of 10.77.0.1/24, 10.77.1.1/24, ... that no interface and no switch overlaps. Throws
/// Error(switch_refused) when there is none.
Ipv4Prefix free_network(const std::vector<Wanted>& wanted, const std::vector<host::Interface>& interfaces);

/// What its guests are served, for a switch with an address and DHCP.
host::DhcpRange dhcp_range(const Wanted& wanted);

/// What makes a bridge of bHype's as wanted; none for a manual switch.
std::optional<host::BridgeEnsure> bridge_operation(const Wanted& wanted);

/// What making or changing it does to the host, a line each.
std::vector<std::string> steps_of(const Wanted& wanted, const Wanted* before);

/// What its removal does.
std::vector<std::string> removal_of(const Wanted& wanted);

} // namespace bhype::network
