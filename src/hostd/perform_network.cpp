#include "hostd/context.h"

#include "host/ifconfig.h"
#include "host/interface.h"
#include "host/neighbors.h"
#include "host/rc_conf.h"
#include "host/traffic.h"

#include <algorithm>

namespace bhype::hostd {

namespace {

bool ours(const host::Interface& interface) {
    return host::in_group(interface, host::interface_group) && interface.description.starts_with("bhype ");
}

void ifconfig(Context& context, const host::Command& command) {
    host::expect_success(command, context.command(command));
}

InterfaceName make(Context& context, const host::Command& create) {
    const auto output = context.command(create);
    const auto made = host::made_interface(output);
    if (output.exit_status != 0 && made)
        context.command(host::ifconfig_destroy(*made)); // it stays half made otherwise
    host::expect_success(create, output);
    if (!made)
        host::unexpected(create.program, "the new interface's name", output.out);
    return *made;
}

} // namespace

BHYPE_PERFORM(InterfaceList) {
    static_cast<void>(operation);
    return context.interfaces();
}

BHYPE_PERFORM(NeighborList) {
    static_cast<void>(operation);
    const auto arp = host::arp_list();
    auto found = host::parse_arp(arp, context.command(arp));
    const auto ndp = host::ndp_list();
    auto inet6 = host::parse_ndp(ndp, context.command(ndp));
    found.insert(found.end(), inet6.begin(), inet6.end());
    return found;
}

BHYPE_PERFORM(TrafficList) {
    static_cast<void>(operation);
    const auto list = host::netstat_interfaces();
    return host::parse_traffic(list, context.command(list));
}

namespace {

/// A bridge's MTU can change while it has no members, on every release (sys/net/if_bridge.c).
void set_mtu(Context& context, const host::Interface& bridge, std::int64_t mtu) {
    for (const auto& member : bridge.members)
        ifconfig(context, host::ifconfig_remove_member(bridge.name, InterfaceName::from(member)));
    ifconfig(context, host::ifconfig_mtu(bridge.name, mtu));
    for (const auto& member : bridge.members) {
        const auto name = InterfaceName::from(member);
        ifconfig(context, host::ifconfig_mtu(name, mtu));
        ifconfig(context, host::ifconfig_add_member(bridge.name, name));
        if (std::ranges::count(bridge.isolated, member) > 0)
            ifconfig(context, host::ifconfig_isolate(bridge.name, name, true));
    }
}

/// A boot gives the host's own addresses to such a bridge: bHype's alone are those that rc.conf does not
/// know.
void refuse_if_in_rc_conf(Context& context, const InterfaceName& bridge) {
    const auto variable = "ifconfig_" + host::rc_word(bridge.str());
    if (context.rc_conf().contains(variable))
        throw Error(Code::policy, "rc.conf's " + variable + " gives " + bridge.str() +
                                      " addresses of the host: bhype uplink unbridge gives them back");
}

void set_addresses(Context& context, const host::Interface& bridge, const host::BridgeEnsure& wanted) {
    const auto mend = [&](const std::vector<std::string>& present, const std::string& address) {
        for (const auto& other : present)
            if (other != address && !host::link_local(other)) {
                refuse_if_in_rc_conf(context, bridge.name);
                ifconfig(context, host::ifconfig_remove_address(bridge.name, other));
            }
        if (!address.empty() && std::ranges::count(present, address) == 0)
            ifconfig(context, host::ifconfig_add_address(bridge.name, address));
    };
    mend(bridge.inet, wanted.address ? wanted.address->str() : "");
    if (wanted.address6 && std::ranges::none_of(bridge.inet6, host::link_local))
        ifconfig(context, host::ifconfig_enable_inet6(bridge.name));
    mend(bridge.inet6, wanted.address6 ? wanted.address6->str() : "");
}

/// The interface that joins the bridge: the uplink, or a vlan(4) on it.
InterfaceName uplink_port(Context& context, const std::vector<host::Interface>& all,
                          const host::BridgeEnsure& wanted) {
    const auto* uplink = named(all, *wanted.uplink);
    if (!uplink)
        throw Error(Code::interface_missing, wanted.uplink->str());
    if (!wanted.vlan) {
        if (!host::given_addresses(*uplink).empty())
            throw Error(Code::interface_busy, uplink->name.str() + " has addresses of the host");
        if (!uplink->up)
            ifconfig(context, host::ifconfig_up(uplink->name));
        return uplink->name;
    }
    auto name = host::vlan_name(wanted.switch_);
    const auto* present = named(all, name);
    if (present && !ours(*present))
        throw Error(Code::policy, name.str() + " is not bHype's");
    if (present && (present->vlan != wanted.vlan->value || present->parent != uplink->name.str())) {
        ifconfig(context, host::ifconfig_destroy(name));
        present = nullptr;
    }
    if (!present)
        make(context, host::ifconfig_create_vlan(wanted.switch_, uplink->name, wanted.vlan->value));
    if (!uplink->up)
        ifconfig(context, host::ifconfig_up(uplink->name));
    if (!present || !present->up)
        ifconfig(context, host::ifconfig_up(name));
    return name;
}

void join(Context& context, const std::vector<host::Interface>& all, const host::Interface& bridge,
          const InterfaceName& port) {
    if (std::ranges::count(bridge.members, port.str()) > 0)
        return;
    for (const auto& other : all)
        if (std::ranges::count(other.members, port.str()) > 0)
            throw Error(Code::interface_busy, port.str() + " is a member of " + other.name.str());
    ifconfig(context, host::ifconfig_add_member(bridge.name, port));
}

} // namespace

BHYPE_PERFORM(BridgeEnsure) {
    const auto name = host::bridge_name(operation.switch_);
    if (context.house.guard.holds(operation.switch_))
        throw Error(Code::uplink_busy, name.str());
    if (!operation.hosts_addresses && context.house.guard.carries(operation.switch_))
        throw Error(Code::policy, name.str() + " has the host's own addresses");
    auto all = context.interfaces();
    const auto* bridge = named(all, name);
    if (bridge && !ours(*bridge))
        throw Error(Code::policy, name.str() + " is not bHype's");
    if (!bridge) {
        make(context, host::ifconfig_create_bridge(operation.switch_));
        all = context.interfaces();
        bridge = named(all, name);
    }
    if (!bridge)
        throw Error(Code::command_failed, name.str() + " did not appear");
    if (operation.mtu && bridge->mtu != operation.mtu->value)
        set_mtu(context, *bridge, operation.mtu->value);
    if (!operation.hosts_addresses)
        set_addresses(context, *bridge, operation);
    if (operation.uplink && !operation.hosts_addresses)
        join(context, all, *bridge, uplink_port(context, all, operation));
    if (const auto vlan = host::vlan_name(operation.switch_); !operation.vlan)
        if (const auto* left = named(all, vlan); left && ours(*left))
            ifconfig(context, host::ifconfig_destroy(vlan));
    if (!bridge->up)
        ifconfig(context, host::ifconfig_up(name));
    return {};
}

BHYPE_PERFORM(BridgeDetach) {
    const auto name = host::bridge_name(operation.switch_);
    if (context.house.guard.holds(operation.switch_) || context.house.guard.carries(operation.switch_))
        throw Error(Code::uplink_busy, name.str());
    const auto all = context.interfaces();
    const auto* bridge = named(all, name);
    if (bridge && !ours(*bridge))
        throw Error(Code::policy, name.str() + " is not bHype's");
    if (!bridge || std::ranges::count(bridge->members, operation.uplink.str()) == 0)
        return {};
    refuse_if_in_rc_conf(context, name);
    ifconfig(context, host::ifconfig_remove_member(name, operation.uplink));
    return {};
}

BHYPE_PERFORM(BridgeRemove) {
    const auto name = host::bridge_name(operation.switch_);
    const auto vlan = host::vlan_name(operation.switch_);
    const auto all = context.interfaces();
    if (const auto* bridge = named(all, name)) {
        if (!ours(*bridge))
            throw Error(Code::policy, name.str() + " is not bHype's");
        for (const auto& member : bridge->members)
            if (member != vlan.str())
                throw Error(Code::switch_in_use, member + " is a member of " + name.str());
        ifconfig(context, host::ifconfig_destroy(name));
    }
    if (const auto* left = named(all, vlan); left && ours(*left))
        ifconfig(context, host::ifconfig_destroy(vlan));
    return {};
}

BHYPE_PERFORM(TapCreate) {
    const auto all = context.interfaces();
    const auto* bridge = named(all, operation.bridge);
    if (!bridge || !host::in_group(*bridge, "bridge"))
        throw Error(Code::vm_no_switch, "there is no bridge " + operation.bridge.str() +
                                            "; if it is bHype's own, it is made again in a few seconds");
    const auto description = host::tap_description(operation.vm, operation.nic);
    const auto found = std::ranges::find_if(
        all, [&](const auto& one) { return one.description == description && ours(one); });
    const bool exists = found != all.end();
    const auto tap =
        exists ? found->name : make(context, host::ifconfig_create_tap(operation.vm, operation.nic));
    try {
        const bool joined = std::ranges::count(bridge->members, tap.str()) > 0;
        for (const auto& other : all)
            if (exists && other.name != bridge->name && std::ranges::count(other.members, tap.str()) > 0)
                ifconfig(context, host::ifconfig_remove_member(other.name, tap));
        // In a bridge a member's MTU is the bridge's (14.0 and later) and cannot be set.
        if (!joined && bridge->mtu > 0 && (!exists || found->mtu != bridge->mtu))
            ifconfig(context, host::ifconfig_mtu(tap, bridge->mtu));
        if (!joined)
            ifconfig(context, host::ifconfig_add_member(bridge->name, tap));
        if (const bool isolated = joined && std::ranges::count(bridge->isolated, tap.str()) > 0;
            isolated != operation.isolated)
            ifconfig(context, host::ifconfig_isolate(bridge->name, tap, operation.isolated));
        ifconfig(context, host::ifconfig_up(tap));
    } catch (...) {
        if (!exists)
            context.command(host::ifconfig_destroy(tap));
        throw;
    }
    return {tap};
}

BHYPE_PERFORM(TapsRemove) {
    if (context.house.guests.alive(operation.vm))
        throw Error(Code::vm_running, operation.vm.str());
    const auto prefix = "bhype vm/" + operation.vm.str() + "/";
    for (const auto& interface : context.interfaces())
        if (ours(interface) && interface.description.starts_with(prefix) &&
            interface.name.str().starts_with("tap"))
            ifconfig(context, host::ifconfig_destroy(interface.name));
    return {};
}

} // namespace bhype::hostd
