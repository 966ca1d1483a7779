#pragma once

// ifconfig(8), bridge(4), tap(4).

#include "host/command.h"
#include "host/operations.h"

namespace bhype::host {

/// Group of all that bHype makes; a group's name may not end in a digit (ifconfig.8).
inline constexpr std::string_view interface_group = "bhype";

InterfaceName bridge_name(const SwitchName& name);                    ///< "bh-nat"
InterfaceName vlan_name(const SwitchName& name);                      ///< "bhv-dmz"
std::string switch_description(const SwitchName& name);               ///< "bhype switch/nat"
std::string tap_description(const VmName& vm, const DeviceName& nic); ///< "bhype vm/web1/net0"
/// The VM of such a description; nothing for any other.
std::optional<VmName> vm_of_tap(std::string_view description);

Command ifconfig_list();
std::vector<Interface> parse_ifconfig_list(const Command& command, const Output& output);

/// Creates bridgeN, renamed, in the group. When one keyword fails the interface stays and its last name is
/// printed all the same: made_interface() tells what there is to destroy.
Command ifconfig_create_bridge(const SwitchName& name);
/// Creates a vlan(4), renamed, in the group; the same holds.
Command ifconfig_create_vlan(const SwitchName& name, const InterfaceName& parent, std::int64_t tag);
/// Creates tapN in the group with its description.
Command ifconfig_create_tap(const VmName& vm, const DeviceName& nic);
/// The name that was printed, also by a command that failed; none when nothing was made.
std::optional<InterfaceName> made_interface(const Output& output);

Command
ifconfig_destroy(const InterfaceName& name); ///< waits while a tap is open: never before its bhyve ended
Command ifconfig_up(const InterfaceName& name);
Command ifconfig_down(const InterfaceName& name);
Command ifconfig_mtu(const InterfaceName& name, std::int64_t mtu);
/// `address` with its prefix length, of either family, as parse_ifconfig_list() gives it or from a type that
/// has checked it.
Command ifconfig_add_address(const InterfaceName& name, std::string_view address);
Command ifconfig_remove_address(const InterfaceName& name, std::string_view address);
/// A bridge has IPv6 disabled and no link-local address from its making on (ifconfig(8), nd6 options).
Command ifconfig_enable_inet6(const InterfaceName& name);
/// No IPv6 on an interface from here on; an address that is there stays.
/// Router advertisements give it addresses.
Command ifconfig_accept_rtadv(const InterfaceName& name);
Command ifconfig_disable_inet6(const InterfaceName& name);
Command ifconfig_ether(const InterfaceName& name, std::string_view ether);
/// A lagg(4) of that name, in the group. A port that is refused is a warning and exit status 1.
Command ifconfig_create_lagg(const InterfaceName& name, std::string_view protocol,
                             const std::vector<InterfaceName>& ports);
/// A vlan(4) called "em0.20", as rc.conf's vlans_em0 has it.
Command ifconfig_create_vlan_of(const InterfaceName& parent, std::int64_t tag);
Command ifconfig_add_member(const InterfaceName& bridge, const InterfaceName& member);
/// `private` members of a bridge do not reach each other.
Command ifconfig_isolate(const InterfaceName& bridge, const InterfaceName& member, bool isolated);
Command ifconfig_remove_member(const InterfaceName& bridge, const InterfaceName& member);

} // namespace bhype::host
