#include "lab/commands/ifconfig_call.h"

#include "lab/commands/modules.h"
#include "lab/commands/sysctl_table.h"

#include <algorithm>
#include <iostream>
#include <span>

#include <fmt/format.h>

namespace bhype::lab::ifconfig {

void refuse(const std::string& what, int error, const std::string& explanation) {
    const bool explain = major_release() >= 15 && !explanation.empty();
    errx(1, what + ": " + error_text(error) + (explain ? " (" + explanation + ")" : ""));
}

void check(const std::string& what, int error) {
    if (error)
        refuse(what, error);
}

// clang-format off
const std::vector<Call::Keyword> Call::keywords = {
    {"up", &Call::set_up, false, "sbin/ifconfig/ifconfig.c"},
    {"down", &Call::set_up, false, "sbin/ifconfig/ifconfig.c"},
    {"link0", &Call::set_link0, false, "sbin/ifconfig/ifconfig.c"},
    {"-link0", &Call::set_link0, false, "sbin/ifconfig/ifconfig.c"},
    {"promisc", &Call::set_nothing, false, "sbin/ifconfig/ifconfig.c"},
    {"-promisc", &Call::set_nothing, false, "sbin/ifconfig/ifconfig.c"},
    {"mtu", &Call::set_mtu, true, "sbin/ifconfig/ifconfig.c"},
    {"name", &Call::set_name, true, "sbin/ifconfig/ifconfig.c"},
    {"description", &Call::set_description, true, "sbin/ifconfig/ifconfig.c"},
    {"descr", &Call::set_description, true, "sbin/ifconfig/ifconfig.c"},
    {"-description", &Call::unset_description, false, "sbin/ifconfig/ifconfig.c"},
    {"-descr", &Call::unset_description, false, "sbin/ifconfig/ifconfig.c"},
    {"group", &Call::set_group, true, "sbin/ifconfig/ifgroup.c"},
    {"-group", &Call::unset_group, true, "sbin/ifconfig/ifgroup.c"},
    {"destroy", &Call::destroy, false, "sbin/ifconfig/ifclone.c"},
    {"addm", &Call::add_member, true, "sbin/ifconfig/ifbridge.c"},
    {"deletem", &Call::delete_member, true, "sbin/ifconfig/ifbridge.c"},
    {"span", &Call::add_span, true, "sbin/ifconfig/ifbridge.c"},
    {"-span", &Call::delete_span, true, "sbin/ifconfig/ifbridge.c"},
    {"private", &Call::set_private, true, "sbin/ifconfig/ifbridge.c"},
    {"-private", &Call::unset_private, true, "sbin/ifconfig/ifbridge.c"},
    {"ifmaxaddr", &Call::set_member_limit, true, "sbin/ifconfig/ifbridge.c"},
    {"addr", &Call::list_addresses, false, "sbin/ifconfig/ifbridge.c"},
    {"vlan", &Call::set_vlan_tag, true, "sbin/ifconfig/ifvlan.c"},
    {"vlandev", &Call::set_vlan_parent, true, "sbin/ifconfig/ifvlan.c"},
    {"-vlandev", &Call::unset_vlan_parent, false, "sbin/ifconfig/ifvlan.c"},
    {"vlanproto", &Call::set_vlan_protocol, true, "sbin/ifconfig/ifvlan.c"},
    {"vlanpcp", &Call::set_vlan_priority, true, "sbin/ifconfig/ifvlan.c"},
    {"laggproto", &Call::set_lagg_protocol, true, "sbin/ifconfig/iflagg.c"},
    {"laggport", &Call::add_lagg_port, true, "sbin/ifconfig/iflagg.c"},
    {"-laggport", &Call::remove_lagg_port, true, "sbin/ifconfig/iflagg.c"},
    {"netmask", &Call::set_netmask, true, "sbin/ifconfig/ifconfig.c"},
    {"broadcast", &Call::set_broadcast, true, "sbin/ifconfig/ifconfig.c"},
    {"alias", &Call::alias, false, "sbin/ifconfig/ifconfig.c"},
};

const char* const Call::known_words[] = {
    "arp", "-arp", "debug", "-debug", "metric", "tunnel", "-tunnel", "vnet", "-vnet", "monitor", "-monitor",
    "discover", "-discover", "learn", "-learn", "sticky", "-sticky", "stp", "-stp", "edge", "-edge", "autoedge",
    "-autoedge", "ptp", "-ptp", "autoptp", "-autoptp", "flush", "flushall", "static", "deladdr", "maxaddr",
    "hellotime", "fwddelay", "maxage", "priority", "proto", "holdcnt", "ifpriority", "ifpathcost", "timeout",
    "vlanfilter", "-vlanfilter", "defuntagged", "ifuntagged", "iftagged", "laggtype", "lagghash",
    "use_flowid", "-use_flowid", "flowid_shift", "lacp_strict", "-lacp_strict", "rr_limit", "media", "mediaopt", "vhid", "plumb", nullptr};
// clang-format on

void Call::set_mtu(const std::string& text) {
    const std::string what = "ioctl SIOCSIFMTU (set mtu)";
    const int mtu = std::atoi(text.c_str());
    change(what, [&](Interfaces& interfaces, Interface& interface) {
        if (mtu < 72 || mtu > 65535)
            refuse(what, EINVAL);
        if (interface.lagg)
            refuse(what, EINVAL); // sys/net/if_lagg.c lagg_port_ioctl()
        const auto* parent = interface.parent ? interfaces.find(interface.parent) : nullptr;
        if (parent && parent->link.mtu < static_cast<unsigned>(mtu))
            refuse(what, EINVAL);
        for (const int port : interface.ports)
            check(what, set_link_mtu(port, static_cast<unsigned>(mtu)));
        if (interface.bridge && major_release() >= 14)
            refuse(what, EOPNOTSUPP);
        if (interface.driver == "bridge") {
            for (const auto& member : interface.members) {
                const auto* port = interfaces.find(member.index);
                if (major_release() < 14 && port->link.mtu != static_cast<unsigned>(mtu))
                    refuse(what, EINVAL);
                if (major_release() >= 14 && set_link_mtu(member.index, static_cast<unsigned>(mtu)) != 0) {
                    for (const auto& back : interface.members)
                        set_link_mtu(back.index, interface.link.mtu);
                    refuse(what, EINVAL, "Failed to set MTU on member interface");
                }
            }
        }
        check(what, set_link_mtu(interface.link.index, static_cast<unsigned>(mtu)));
    });
}

void Call::set_name(const std::string& text) {
    const std::string what = "ioctl SIOCSIFNAME (set name)";
    change(what, [&](Interfaces& interfaces, Interface& interface) {
        if (text.size() > max_name)
            refuse(what, ENAMETOOLONG);
        if (text.empty())
            refuse(what, EINVAL);
        if (interfaces.find(text))
            refuse(what, EEXIST);
        int error = set_link_name(interface.link.index, text);
        if (error == EBUSY) { // kernels before 6.2 rename only what is down
            set_link_up(interface.link.index, false);
            error = set_link_name(interface.link.index, text);
            set_link_up(interface.link.index, true);
        }
        check(what, error);
        if (interface.driver == "tap") [[maybe_unused]]
            const int linked = symlink(interface.original.c_str(), ("/dev/" + text).c_str());
        interface.link.name = name_ = to_print_ = text;
    });
}

void Call::set_description(const std::string& text) {
    const std::string what = "ioctl SIOCSIFDESCR (set descr)";
    if (text.size() + 1 > std::stoul(sysctl_value("net.ifdescr_maxlen")))
        refuse(what, ENAMETOOLONG);
    change(what, [&](auto&, auto& interface) { interface.description = text; });
}

void Call::set_group(const std::string& group) {
    if (!group.empty() && std::isdigit(static_cast<unsigned char>(group.back())))
        errx(1, "setifgroup: group names may not end in a digit");
    if (group.size() > max_name)
        errx(1, "setifgroup: group name too long");
    change(" SIOCAIFGROUP", [&](auto&, auto& interface) {
        if (std::find(interface.groups.begin(), interface.groups.end(), group) == interface.groups.end())
            interface.groups.push_back(group);
    });
}

void Call::unset_group(const std::string& group) {
    if (!group.empty() && std::isdigit(static_cast<unsigned char>(group.back())))
        errx(1, "unsetifgroup: group names may not end in a digit");
    if (group.size() > max_name)
        errx(1, "unsetifgroup: group name too long");
    change("SIOCDIFGROUP", [&](auto&, auto& interface) { std::erase(interface.groups, group); });
}

namespace {

struct Bit {
    const char* word;
    unsigned bits;
};

Bit find_bit(std::span<const Bit> table, const std::string& word) {
    const auto name = word.starts_with('-') ? word.substr(1) : word;
    for (const auto& bit : table)
        if (name == bit.word)
            return bit;
    return {};
}

} // namespace

/// sbin/ifconfig/ifconfig.c setifcap(): what the interface cannot do is passed over in silence.
bool Call::capability(const std::string& word) {
    // sbin/ifconfig/ifconfig.c basic_cmds[], sys/net/if.h IFCAP_*
    static constexpr Bit words[] = {
        {"rxcsum", 0x1},        {"txcsum", 0x2},       {"vlanmtu", 0x8},      {"vlanhwtag", 0x10},
        {"polling", 0x40},      {"vlanhwcsum", 0x80},  {"tso4", 0x100},       {"tso6", 0x200},
        {"tso", 0x300},         {"lro", 0x400},        {"wol_ucast", 0x800},  {"wol_mcast", 0x1000},
        {"wol_magic", 0x2000},  {"wol", 0x3800},       {"toe", 0xc000},       {"vlanhwfilter", 0x10000},
        {"vlanhwtso", 0x40000}, {"rxcsum6", 0x200000}, {"txcsum6", 0x400000},
    };
    const auto found = find_bit(words, word);
    if (!found.word)
        return false;
    change(word, [&](auto&, auto& interface) {
        const unsigned able = all_capabilities(interface), now = interface.capabilities;
        unsigned toggled = ((word.starts_with('-') ? now & ~found.bits : now | found.bits) & able) ^ now;
        constexpr unsigned receive_checksums = 0x200001;
        if (toggled & receive_checksums) // sys/net/iflib.c: those two change together
            toggled |= able & receive_checksums;
        interface.capabilities = now ^ toggled;
    });
    return true;
}

/// sbin/ifconfig/af_inet6.c inet6_cmds[], sys/netinet6/nd6.h ND6_IFF_*
bool Call::nd6_option(const std::string& word) {
    static constexpr Bit words[] = {
        {"nud", 0x1},
        {"accept_rtadv", 0x2},
        {"prefer_source", 0x4},
        {"ifdisabled", 0x8},
        {"auto_linklocal", 0x20},
        {"no_radr", 0x40},
        {"no_prefer_iface", 0x80},
        {"no_dad", 0x100},
    };
    const auto found = find_bit(words, word);
    if (!found.word || family_ != "inet6")
        return false;
    change(word, [&](auto&, auto& interface) {
        interface.nd6 = word.starts_with('-') ? interface.nd6 & ~found.bits : interface.nd6 | found.bits;
        apply_nd6(interface);
    });
    return true;
}

} // namespace bhype::lab::ifconfig
