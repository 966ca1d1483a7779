#include "host/uplink_planner.h"

#include "host/address.h"
#include "host/text.h"

#include <fmt/format.h>

#include <ranges>

namespace bhype::host {

namespace {

/// As ifconfig(8) makes it of that very name: a driver's name and a number without leading zeros
/// (if_clone.c, ifc_name2unit). Without a number the kernel would choose one.
bool is_lagg_name(std::string_view name) {
    if (!name.starts_with("lagg"))
        return false;
    const auto unit = name.substr(4);
    const auto value = number<std::uint16_t>(unit);
    return value && *value <= 0x7fff && (unit == "0" || unit.front() != '0'); // IF_MAXUNIT
}

} // namespace

void UplinkPlanner::lagg() {
    if (!change_.name || !is_lagg_name(change_.name->str()))
        add("name", "name it lagg0 or with another number");
    if (!change_.protocol)
        add("protocol", "choose lacp, failover or loadbalance");
    const auto found = ports(2, 32);
    for (const auto* port : found)
        check_free(*port);
    if (change_.name && find(*change_.name))
        add("name", change_.name->str() + " exists");
    if (change_.name && network_.rc.contains("ifconfig_" + rc_word(change_.name->str())))
        add("name", "rc.conf has an ifconfig_" + rc_word(change_.name->str()) + " already");
    check();
    const auto& name = *change_.name;
    const Interface* carrier = nullptr;
    for (const auto* port : found) {
        if (port->mtu != found.front()->mtu)
            add("ports",
                fmt::format("{} has an MTU of {}, {} of {}: they must be alike", found.front()->name.str(),
                            found.front()->mtu, port->name.str(), port->mtu));
        if (given_addresses(*port).empty())
            continue;
        if (carrier)
            add("ports",
                carrier->name.str() + " and " + port->name.str() + " both have addresses; one of them may");
        carrier = port;
    }
    check();
    const auto rc_carrier = carrier ? saved(*carrier, "ports") : RcInterface{};
    if (!rc_carrier.dhcp.empty() && carrier != found.front())
        add("ports",
            "name " + carrier->name.str() +
                " first: the lagg takes the first port's MAC, by which the DHCP server knows the host");
    check();

    // Ports join one by one as they are named; MACs come from the first.
    const auto create = [&] {
        step(ifconfig_create_lagg(name, enum_name(*change_.protocol), change_.ports), ifconfig_destroy(name));
    };
    for (const auto* port : found)
        if (!port->up)
            step(ifconfig_up(port->name), ifconfig_down(port->name));
    if (carrier)
        move(*carrier, rc_carrier, name, false, create);
    else
        create();

    std::string arguments = "laggproto " + enum_name(*change_.protocol);
    for (const auto& port : change_.ports)
        arguments += " laggport " + port.str();
    auto moved = rc_carrier;
    moved.rest = fmt::format("{} group {} up", arguments, interface_group);
    settle(name.str(), moved);
    for (const auto* port : found)
        if (port != carrier)
            settle(port->name.str(), with_words(up_with(rc_interface(network_.rc, port->name.str()).rest)));
    set("cloned_interfaces", with_word(rc("cloned_interfaces"), name.str()));
    if (carrier)
        settle(carrier->name.str(), with_words(up_with(rc_carrier.rest)));
}

void UplinkPlanner::unlagg() {
    const auto* lagg = change_.name ? find(*change_.name) : nullptr;
    if (!lagg || lagg->laggproto.empty() || !in_group(*lagg, interface_group))
        add("name", "name a lagg(4) that bHype made");
    check();
    const auto& name = lagg->name;
    for (const auto& other : network_.interfaces)
        if (std::ranges::count(other.members, name.str()) > 0 || other.parent == name.str())
            add("name", name.str() + " is used by " + other.name.str());
    if (lagg->laggports.empty())
        add("name", name.str() + " has no port for its addresses");
    const auto rc_lagg = saved(*lagg, "name");
    check();
    // ifconfig shows them by their numbers; the first that was named gave the lagg its MAC.
    std::vector<InterfaceName> members;
    for (const auto word : words(rc_lagg.rest))
        if (std::ranges::count(lagg->laggports, word) > 0)
            members.push_back(InterfaceName::from(word));
    if (members.size() != lagg->laggports.size())
        add("name", "rc.conf's ifconfig_" + rc_word(name.str()) + " names other ports than it has");
    check();
    const auto& first = members.front();
    const auto rc_first = rc_interface(network_.rc, first.str());

    move(*lagg, rc_lagg, first, true,
         [&] { step(ifconfig_destroy(name), ifconfig_create_lagg(name, lagg->laggproto, members)); });

    auto moved = rc_lagg;
    moved.rest = rc_first.rest == "up" ? "" : rc_first.rest;
    settle(first.str(), moved);
    for (const auto& member : members) // "up" is what the lagg put there
        if (const auto rc_member = rc_interface(network_.rc, member.str());
            member != first && rc_member.rest == "up" && rc_member.addresses.empty() &&
            rc_member.dhcp.empty() && rc_member.inet6.empty())
            forget(member.str());
    take_out("cloned_interfaces", name.str());
    forget(name.str());
}

const Interface& UplinkPlanner::tagged_port() {
    const auto found = ports(1, 1);
    if (!change_.vlan)
        add("vlan", "name the tag, 1 to 4094");
    check();
    return *found.front();
}

void UplinkPlanner::vlan() {
    const auto& port = tagged_port();
    const auto name = port.name.str() + '.' + std::to_string(change_.vlan->value);
    const auto parsed = InterfaceName::parse(name);
    if (!parsed)
        add("ports", name + " is too long for an interface's name");
    else if (find(*parsed))
        add("vlan", name + " exists");
    for (const auto& other : network_.interfaces)
        if (other.parent == port.name.str() && other.vlan == change_.vlan->value)
            add("vlan", other.name.str() + " has that tag");
    // A bridge takes a member's tagged frames as well (if_ethersubr.c).
    for (const auto& other : network_.interfaces)
        if (std::ranges::count(other.laggports, port.name.str()) > 0)
            add("ports",
                fmt::format("{0} is a port of {1}: make the VLAN on {1}", port.name.str(), other.name.str()));
        else if (std::ranges::count(other.members, port.name.str()) > 0)
            add("ports",
                fmt::format("{} is a member of {}, which takes tagged frames as well: the VLAN would "
                            "get nothing",
                            port.name.str(), other.name.str()));
    if (change_.address) {
        if (const auto why = unusable(change_.address->str()); !why.empty())
            add("address", change_.address->str() + ' ' + why);
        for (const auto& other : network_.interfaces)
            for (const auto& address : given_addresses(other))
                if (overlap(address, change_.address->str()))
                    add("address", fmt::format("overlaps {} of {}", address, other.name.str()));
    }
    check();
    const auto& made = *parsed;
    step(ifconfig_create_vlan_of(port.name, change_.vlan->value), ifconfig_destroy(made));
    if (change_.address)
        step(ifconfig_add_address(made, change_.address->str()), std::nullopt);
    if (!port.up)
        step(ifconfig_up(port.name), ifconfig_down(port.name));

    auto words = with_words(change_.address ? "" : "up");
    if (change_.address)
        words.addresses.push_back("inet " + change_.address->str());
    settle(name, words);
    if (!network_.rc.contains("ifconfig_" + rc_word(port.name.str())))
        set("ifconfig_" + rc_word(port.name.str()), "up");
    const auto vlans = "vlans_" + rc_word(port.name.str());
    set(vlans, with_word(rc(vlans), std::to_string(change_.vlan->value)));
}

void UplinkPlanner::unvlan() {
    const auto& port = tagged_port();
    const auto name = port.name.str() + '.' + std::to_string(change_.vlan->value);
    const auto parsed = InterfaceName::parse(name);
    const auto* made = parsed ? find(*parsed) : nullptr;
    const auto vlans = "vlans_" + rc_word(port.name.str());
    const auto tag = std::to_string(change_.vlan->value);
    const auto listed = rc(vlans);
    if (!made || std::ranges::count(words(listed), tag) == 0)
        add("vlan", "there is no " + name + " that rc.conf's " + vlans + " makes");
    check();
    for (const auto& other : network_.interfaces)
        if (std::ranges::count(other.members, name) > 0)
            add("vlan", name + " is a member of " + other.name.str());
    check();
    const auto routes = routes_of(made->name);
    for (const auto& route : routes)
        step(route_delete(route), route_add(route));
    for (const auto& address : std::views::reverse(made->inet)) // the way back gives the first one first
        step(ifconfig_remove_address(made->name, address), ifconfig_add_address(made->name, address));
    step(ifconfig_destroy(made->name), ifconfig_create_vlan_of(port.name, change_.vlan->value));

    take_out(vlans, tag);
    forget(name);
}

} // namespace bhype::host
