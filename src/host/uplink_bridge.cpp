#include "host/uplink_planner.h"

#include "host/facts.h"
#include "host/text.h"

#include <fmt/format.h>

namespace bhype::host {

namespace {

/// A bridge's own again, when it no longer has the NIC's: locally administered, the same for the same name.
std::string own_ether(const InterfaceName& bridge) {
    std::uint32_t sum = 2166136261; // FNV-1a
    for (const char c : bridge.str())
        sum = (sum ^ static_cast<unsigned char>(c)) * 16777619;
    return fmt::format("02:62:68:{:02x}:{:02x}:{:02x}", sum >> 16 & 0xff, sum >> 8 & 0xff, sum & 0xff);
}

/// "bridge0", or the first that neither rc.conf nor the host has.
std::string free_unit(const HostNetwork& network, const std::string& driver) {
    const auto cloned = network.rc.find("cloned_interfaces");
    const auto listed = words(cloned == network.rc.end() ? std::string_view() : cloned->second);
    for (int unit = 0;; ++unit) {
        auto name = driver + std::to_string(unit);
        if (!named(network.interfaces, InterfaceName::from(name)) && std::ranges::count(listed, name) == 0 &&
            !network.rc.contains("ifconfig_" + name + "_name"))
            return name;
    }
}

/// The interface of cloned_interfaces that rc renames like that; empty when there is none.
std::string unit_named(const HostNetwork& network, const std::string& name) {
    const auto cloned = network.rc.find("cloned_interfaces");
    for (const auto word : words(cloned == network.rc.end() ? std::string_view() : cloned->second)) {
        const auto renamed = network.rc.find("ifconfig_" + rc_word(word) + "_name");
        if (renamed != network.rc.end() && renamed->second == name)
            return std::string(word);
    }
    return {};
}

} // namespace

void UplinkPlanner::bridge() {
    if (!change_.switch_)
        add("switch", "name the switch whose bridge it joins");
    const auto found = ports(1, 1);
    check();
    const auto& port = *found.front();
    check_free(port);
    const auto name = bridge_name(*change_.switch_);
    const auto* bridge = find(name);
    if (!bridge || !in_group(*bridge, interface_group))
        add("switch", "there is no bridge " + name.str() + " of bHype's");
    check();
    for (const auto& member : bridge->members)
        if (!member.starts_with("tap"))
            add("switch", name.str() + " has a member " + member + " already");
    for (const auto& address : given_addresses(*bridge))
        add("switch", name.str() + " has an address of its own, " + address);
    if (bridge->mtu != port.mtu && !bridge->members.empty())
        add("switch", fmt::format("its guests have an MTU of {}, {} has {}: stop them first", bridge->mtu,
                                  port.name.str(), port.mtu));
    if (given_addresses(port).empty())
        add("ports", port.name.str() + " has no address of the host: bhype switch set " +
                         change_.switch_->str() + " uplink=" + port.name.str() + " needs no guard");
    const auto rc_port = saved(port, "ports");
    const auto word = rc_word(name.str());
    if (network_.rc.contains("ifconfig_" + word))
        add("switch", "rc.conf has an ifconfig_" + word + " already");
    check();

    if (bridge->mtu != port.mtu)
        step(ifconfig_mtu(name, port.mtu), ifconfig_mtu(name, bridge->mtu));
    // The network, and who lets only known MACs through, see the one they know.
    if (!port.ether.empty() && bridge->ether != port.ether)
        step(ifconfig_ether(name, port.ether), ifconfig_ether(name, bridge->ether));
    move(port, rc_port, name, true, [&] {
        step(ifconfig_add_member(name, port.name), ifconfig_remove_member(name, port.name));
        step(ifconfig_up(name), std::nullopt);
    });

    auto moved = rc_port;
    // A bridge has no link-local address by itself (nd6.c), by which routers are reached.
    if (!moved.inet6.empty())
        moved.inet6 += " auto_linklocal";
    moved.rest = fmt::format("ether {} addm {} group {}", port.ether, port.name.str(), interface_group);
    settle(name.str(), moved);
    set("ifconfig_" + word + "_descr", switch_description(*change_.switch_));
    const auto unit = free_unit(network_, "bridge");
    set("ifconfig_" + unit + "_name", name.str());
    set("cloned_interfaces", with_word(rc("cloned_interfaces"), unit));
    settle(port.name.str(), with_words(up_with(rc_port.rest)));
}

void UplinkPlanner::unbridge() {
    if (!change_.switch_)
        add("switch", "name the switch whose uplink is taken back");
    const auto found = ports(1, 1);
    check();
    const auto& port = *found.front();
    const auto name = bridge_name(*change_.switch_);
    const auto* bridge = find(name);
    if (!bridge || std::ranges::count(bridge->members, port.name.str()) == 0)
        add("ports", port.name.str() + " is no member of " + name.str());
    check();
    const auto word = rc_word(name.str());
    const auto rc_bridge = saved(*bridge, "switch");
    const auto rc_port = rc_interface(network_.rc, port.name.str());
    const auto unit = unit_named(network_, name.str());
    if (unit.empty())
        add("switch", "rc.conf does not make " + name.str());
    check();

    move(*bridge, rc_bridge, port.name, true, [&] {
        step(ifconfig_remove_member(name, port.name), ifconfig_add_member(name, port.name));
        if (bridge->ether == port.ether)
            step(ifconfig_ether(name, own_ether(name)), ifconfig_ether(name, port.ether));
    });

    auto moved = rc_bridge;
    moved.rest = rc_port.rest == "up" ? "" : rc_port.rest;
    moved.inet6 = without_word(moved.inet6, "auto_linklocal");
    settle(port.name.str(), moved);
    take_out("cloned_interfaces", unit);
    set("ifconfig_" + unit + "_name", std::nullopt);
    set("ifconfig_" + word + "_descr", std::nullopt);
    forget(name.str());
}

} // namespace bhype::host
