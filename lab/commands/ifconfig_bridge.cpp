#include "lab/commands/ifconfig_call.h"

#include "lab/commands/sysctl_table.h"

#include <algorithm>
#include <iostream>

#include <fmt/format.h>

namespace bhype::lab::ifconfig {

namespace {

/// sys/net/if_bridge.c bridge_mutecaps(): no member sends what another one could not.
void mute_capabilities(Interfaces& interfaces, const Interface& bridge) {
    constexpr unsigned together = 0x2 | 0x300 | 0xc000 | 0x400000, never = 0x400;
    unsigned common = together;
    for (const auto& member : bridge.members)
        common &= member.saved_capabilities;
    for (const auto& member : bridge.members)
        if (auto* port = interfaces.find(member.index))
            port->capabilities =
                ((port->capabilities & ~never & ~together) | common) & all_capabilities(*port);
}

} // namespace

void Call::add_member(const std::string& member) {
    const std::string what = "BRDGADD " + member;
    change(what, [&](Interfaces& interfaces, Interface& bridge) {
        auto* port = interfaces.find(member);
        if (bridge.driver != "bridge")
            refuse(what, EINVAL);
        if (!port)
            refuse(what, ENOENT, "No such interface");
        if (port->bridge) {
            const auto entry = std::find_if(bridge.members.begin(), bridge.members.end(),
                                            [&](const auto& m) { return m.index == port->link.index; });
            if (entry != bridge.members.end() && !entry->span)
                refuse(what, EEXIST, "Interface is already a member of this bridge");
            refuse(what, EBUSY,
                   entry != bridge.members.end() ? "Span interface cannot be a member"
                                                 : "Interface is already a member of another bridge");
        }
        if (port->driver == "lo0" || port->driver == "bridge" || port->lagg)
            refuse(what, EINVAL, "Unsupported interface type");
        if (sysctl_value("net.link.bridge.member_ifaddrs") == "0" && !port->addresses.empty())
            refuse(what, EINVAL, "Member interface may not have an IP address assigned");
        const bool first =
            std::none_of(bridge.members.begin(), bridge.members.end(), [](auto& m) { return !m.span; });
        const unsigned mtu = first ? port->link.mtu : bridge.link.mtu;
        if (port->link.mtu != mtu) {
            if (major_release() < 14)
                refuse(what, EINVAL);
            if (set_link_mtu(port->link.index, mtu) != 0)
                refuse(what, EINVAL, "Failed to set MTU on new member");
        }
        check(what, set_link_master(port->link.index, bridge.link.index));
        set_link_mtu(bridge.link.index, mtu);
        set_link_ether(bridge.link.index, bridge.link.ether); // Linux would take the lowest of the members'
        bridge.members.insert(bridge.members.begin(), BridgeMember{port->link.index});
        bridge.members.front().saved_capabilities = port->capabilities;
        mute_capabilities(interfaces, bridge);
    });
}

void Call::delete_member(const std::string& member) {
    const std::string what = "BRDGDEL " + member;
    change(what, [&](Interfaces& interfaces, Interface& bridge) {
        auto* port = interfaces.find(member);
        const auto is_it = [&](const auto& m) { return port && m.index == port->link.index && !m.span; };
        if (std::none_of(bridge.members.begin(), bridge.members.end(), is_it))
            refuse(what, ENOENT, "Interface is not a bridge member");
        check(what, set_link_master(port->link.index, 0));
        set_link_ether(bridge.link.index, bridge.link.ether);
        port->capabilities =
            std::find_if(bridge.members.begin(), bridge.members.end(), is_it)->saved_capabilities;
        std::erase_if(bridge.members, is_it);
        mute_capabilities(interfaces, bridge);
    });
}

void Call::add_span(const std::string& member) {
    throw std::runtime_error("'span " + member + "' is not provided by the lab");
}

void Call::delete_span(const std::string& member) {
    refuse("BRDGDELS " + member, ENOENT, "Interface is not a span port");
}

void Call::change_member(const std::string& member, const std::function<void(BridgeMember&)>& change_it) {
    const std::string what = "unable to get bridge flags";
    change(what, [&](Interfaces& interfaces, Interface& bridge) {
        auto* port = interfaces.find(member);
        for (auto& entry : bridge.members) {
            if (!port || entry.index != port->link.index)
                continue;
            change_it(entry);
            check("unable to set bridge flags", set_port_isolated(entry.index, entry.is_private));
            return;
        }
        refuse(what, ENOENT, "Interface is not a bridge member");
    });
}

void Call::set_member_limit(const std::string& member) {
    if (words_.empty())
        errx(1, "'ifmaxaddr' requires 2 arguments");
    const auto limit = take();
    if (limit.empty() || limit.find_first_not_of("0123456789") != std::string::npos)
        errx(1, "invalid value: " + limit);
    change("BRDGSIFAMAX " + limit, [&](Interfaces& interfaces, Interface& bridge) {
        auto* port = interfaces.find(member);
        for (auto& entry : bridge.members)
            if (port && entry.index == port->link.index) {
                entry.max_addresses = static_cast<unsigned>(std::stoul(limit));
                return;
            }
        refuse("BRDGSIFAMAX " + limit, ENOENT, "Interface is not a bridge member");
    });
}

void Call::list_addresses(const std::string&) {
    constexpr unsigned lifetime = 1200;
    Interfaces interfaces(false);
    const auto* bridge = interfaces.find(name_);
    for (const auto& entry : dump_bridge_entries(bridge->link.index)) {
        const auto* port = interfaces.find(entry.port);
        if (port && entry.age < lifetime)
            std::cout << fmt::format("{} Vlan{} {} {} flags=0<>\n", entry.ether,
                                     major_release() >= 15 ? 0 : 1, port->name(), lifetime - entry.age);
    }
}

} // namespace bhype::lab::ifconfig
