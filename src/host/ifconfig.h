#pragma once

// ifconfig(8), bridge(4), tap(4).

#include "host/command.h"
#include "host/operations.h"

namespace bhype::host {

/// Group of all that bHype makes; a group's name may not end in a digit (ifconfig.8).
inline constexpr std::string_view interface_group = "bhype";

InterfaceName bridge_name(const SwitchName& name);                    ///< "bh-nat"
std::string tap_description(const VmName& vm, const DeviceName& nic); ///< "bhype vm/web1/net0"

Command ifconfig_list();
std::vector<Interface> parse_ifconfig_list(const Command& command, const Output& output);

/// Creates bridgeN, renamed, in the group. When one keyword fails the interface stays and its last name is
/// printed all the same: made_interface() tells what there is to destroy.
Command ifconfig_create_bridge(const SwitchName& name);
/// Creates tapN in the group with its description.
Command ifconfig_create_tap(const VmName& vm, const DeviceName& nic);
/// The name that was printed, also by a command that failed; none when nothing was made.
std::optional<InterfaceName> made_interface(const Output& output);

Command
ifconfig_destroy(const InterfaceName& name); ///< waits while a tap is open: never before its bhyve ended
Command ifconfig_up(const InterfaceName& name);
Command ifconfig_mtu(const InterfaceName& name, std::int64_t mtu);
Command ifconfig_add_address(const InterfaceName& name, const Ipv4Prefix& address);
Command ifconfig_remove_address(const InterfaceName& name, const Ipv4Prefix& address);
Command ifconfig_add_member(const InterfaceName& bridge, const InterfaceName& member);
Command ifconfig_remove_member(const InterfaceName& bridge, const InterfaceName& member);

} // namespace bhype::host
