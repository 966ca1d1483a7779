#include "lab/commands/ifconfig_status.h"

#include "lab/commands/lagg.h"
#include "lab/core/command.h"

#include <linux/if.h>

#include <array>
#include <iostream>
#include <optional>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

struct Bit {
    unsigned value;
    const char* name;
};

// sys/net/if.h in the order of the bits.
constexpr Bit interface_bits[] = {
    {0x1, "UP"},           {0x2, "BROADCAST"},      {0x4, "DEBUG"},        {0x8, "LOOPBACK"},
    {0x10, "POINTOPOINT"}, {0x40, "RUNNING"},       {0x80, "NOARP"},       {0x100, "PROMISC"},
    {0x200, "ALLMULTI"},   {0x400, "OACTIVE"},      {0x800, "SIMPLEX"},    {0x1000, "LINK0"},
    {0x2000, "LINK1"},     {0x4000, "LINK2"},       {0x8000, "MULTICAST"}, {0x20000, "PPROMISC"},
    {0x40000, "MONITOR"},  {0x1000000, "LOWER_UP"},
};

// sys/net/if_bridgevar.h IFBIFBITS, in its order.
constexpr Bit member_bits[] = {
    {0x1, "LEARNING"},  {0x2, "DISCOVER"}, {0x4, "STP"},       {0x8, "SPAN"}, {0x10, "STICKY"},
    {0x800, "PRIVATE"}, {0x20, "EDGE"},    {0x40, "AUTOEDGE"}, {0x80, "PTP"}, {0x100, "AUTOPTP"},
};

// sys/net/if.h IFCAPBITS; 13 has NOMAP where later releases have MEXTPG, and does not print HWSTATS.
constexpr Bit capability_bits[] = {
    {0x1, "RXCSUM"},
    {0x2, "TXCSUM"},
    {0x4, "NETCONS"},
    {0x8, "VLAN_MTU"},
    {0x10, "VLAN_HWTAGGING"},
    {0x20, "JUMBO_MTU"},
    {0x40, "POLLING"},
    {0x80, "VLAN_HWCSUM"},
    {0x100, "TSO4"},
    {0x200, "TSO6"},
    {0x400, "LRO"},
    {0x800, "WOL_UCAST"},
    {0x1000, "WOL_MCAST"},
    {0x2000, "WOL_MAGIC"},
    {0x4000, "TOE4"},
    {0x8000, "TOE6"},
    {0x10000, "VLAN_HWFILTER"},
    {0x40000, "VLAN_HWTSO"},
    {0x80000, "LINKSTATE"},
    {0x100000, "NETMAP"},
    {0x200000, "RXCSUM_IPV6"},
    {0x400000, "TXCSUM_IPV6"},
};

// sys/netinet6/nd6.h ND6_IFF_*, sbin/ifconfig/af_inet6.c ND6BITS
constexpr Bit nd6_bits[] = {
    {0x1, "PERFORMNUD"}, {0x2, "ACCEPT_RTADV"},      {0x4, "PREFER_SOURCE"},
    {0x8, "IFDISABLED"}, {0x10, "DONT_SET_IFROUTE"}, {0x20, "AUTO_LINKLOCAL"},
    {0x40, "NO_RADR"},   {0x80, "NO_PREFER_IFACE"},  {0x100, "NO_DAD"},
};

constexpr unsigned default_member_flags = 0x143;

template <std::size_t Size>
std::string bits(unsigned value, const Bit (&names)[Size]) {
    std::string text = fmt::format("{:x}<", value);
    bool first = true;
    for (const auto& bit : names) {
        if (!(value & bit.value))
            continue;
        text += (first ? "" : ",") + std::string(bit.name);
        first = false;
    }
    return text + '>';
}

void print_bridge(Interfaces& interfaces, const Interface& bridge) {
    std::cout << "\tid 00:00:00:00:00:00 priority 32768 hellotime 2 fwddelay 15\n"
                 "\tmaxage 20 holdcnt 6 proto rstp maxaddr 2000 timeout 1200\n"
                 "\troot id 00:00:00:00:00:00 priority 32768 ifcost 0 port 0\n";
    if (major_release() >= 15)
        std::cout << "\tbridge flags=0<>\n";
    for (const auto& member : bridge.members) {
        const auto* port = interfaces.find(member.index);
        if (!port || member.span)
            continue;
        const unsigned flags = default_member_flags | (member.is_private ? 0x800U : 0U);
        std::cout << fmt::format("\tmember: {} flags={}\n\t        ", port->name(), bits(flags, member_bits));
        if (major_release() < 15 || member.max_addresses)
            std::cout << fmt::format("ifmaxaddr {} ", member.max_addresses);
        std::cout << fmt::format("port {} priority 128 path cost {}\n", member.index & 0xfff,
                                 port->driver == "epair" ? 2000
                                 : port->driver == "tap" ? 2000000
                                                         : 20000);
    }
}

/// sys/net/if_vlan.c vlan_capabilities(), sys/net/if_lagg.c lagg_capabilities()
unsigned capabilities_now(Interfaces& interfaces, const Interface& interface) {
    if (interface.driver == "vlan") {
        constexpr unsigned inherited = 0x4600403; // checksums, LRO and unmapped buffers
        const auto* parent = interfaces.find(interface.parent);
        return parent ? capabilities_now(interfaces, *parent) & inherited : 0;
    }
    if (interface.driver != "lagg")
        return interface.capabilities;
    unsigned common = interface.ports.empty() ? 0 : ~0U;
    for (const int port : interface.ports)
        common &= interfaces.find(port)->capabilities;
    return common;
}

void print_lagg(Interfaces& interfaces, const Interface& lagg) {
    constexpr Bit port_bits[] = {
        {0x1, "MASTER"}, {0x2, "STACK"}, {0x4, "ACTIVE"}, {0x8, "COLLECTING"}, {0x10, "DISTRIBUTING"}};
    std::cout << fmt::format("\tlaggproto {} lagghash l2,l3,l4\n", lagg.protocol);
    for (const auto& port : lagg_ports(interfaces, lagg).all)
        std::cout << fmt::format("\tlaggport: {} flags={}\n", interfaces.find(port.index)->name(),
                                 bits(port.flags, port_bits));
}

std::string capability_text(unsigned value) {
    auto text = bits(value, capability_bits);
    text.pop_back();
    const std::string separator = text.ends_with('<') ? "" : ",";
    if (major_release() >= 14 && value & 0x800000)
        text += separator + "HWSTATS";
    if (value & 0x4000000)
        text += major_release() >= 14 ? ",MEXTPG" : ",NOMAP";
    return text + '>';
}

/// sys/net/if_media.h words of each driver's media.
void print_media(Interfaces& interfaces, const Interface& interface, bool supported) {
    if (interface.driver == "vlan") { // its parent's
        if (const auto* parent = interfaces.find(interface.parent))
            print_media(interfaces, *parent, false);
        return;
    }
    if (interface.driver == "lagg")
        std::cout << "\tmedia: Ethernet autoselect\n\tstatus: "
                  << (interface.link.carrier ? "active" : "no carrier") << '\n';
    const bool old = major_release() < 14;
    if (interface.driver == "tap")
        std::cout << (old ? "\tmedia: Ethernet autoselect\n" : "\tmedia: Ethernet 1000baseT <full-duplex>\n")
                  << "\tstatus: " << (interface.link.carrier ? "active" : "no carrier") << '\n';
    else if (interface.driver == "epair")
        std::cout << "\tmedia: Ethernet 10Gbase-T (10Gbase-T <full-duplex>)\n\tstatus: active\n";
    else if (interface.driver == "em")
        std::cout << "\tmedia: Ethernet autoselect"
                  << (interface.link.carrier ? " (1000baseT <full-duplex>)\n\tstatus: active\n"
                                             : "\n\tstatus: no carrier\n");
    // sys/dev/e1000/if_em.c em_setup_interface()
    if (interface.driver == "em" && supported)
        std::cout
            << "\tsupported media:\n\t\tmedia autoselect\n\t\tmedia 1000baseT\n"
               "\t\tmedia 1000baseT mediaopt full-duplex\n\t\tmedia 100baseTX mediaopt full-duplex\n"
               "\t\tmedia 100baseTX\n\t\tmedia 10baseT/UTP mediaopt full-duplex\n\t\tmedia 10baseT/UTP\n";
}

std::string dotted_mask(unsigned prefix) {
    return fmt::format("{:#x}", prefix ? ~0U << (32 - prefix) : 0U);
}

std::string broadcast_of(const LinkAddress& address) {
    std::array<unsigned, 4> bytes{};
    std::sscanf(address.address.c_str(), "%u.%u.%u.%u", &bytes[0], &bytes[1], &bytes[2], &bytes[3]);
    const unsigned value = bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
    const unsigned last =
        value | (address.prefix ? (address.prefix >= 32 ? 0U : ~0U >> address.prefix) : ~0U);
    return fmt::format("{}.{}.{}.{}", last >> 24, last >> 16 & 0xff, last >> 8 & 0xff, last & 0xff);
}

void print_address(const Interface& interface, const LinkAddress& address, const StatusFormat& format) {
    if (address.v6) {
        const bool local = address.address.starts_with("fe80:");
        std::cout << "\tinet6 " << address.address << (local ? "%" + interface.name() : "")
                  << (format.inet6_cidr ? "/" : " prefixlen ") << address.prefix;
        if (local)
            std::cout << fmt::format(" scopeid {:#x}", interface.link.index);
        std::cout << '\n';
        return;
    }
    std::cout << "\tinet " << address.address;
    if (format.inet_cidr)
        std::cout << '/' << address.prefix;
    else
        std::cout << " netmask " << dotted_mask(address.prefix);
    if (interface.driver != "lo0")
        std::cout << " broadcast " << broadcast_of(address);
    std::cout << '\n';
}

std::optional<std::string> capabilities(Interfaces& interfaces, const Interface& interface) {
    if (const unsigned now = capabilities_now(interfaces, interface))
        return capability_text(now);
    if (interface.driver == "lo0")
        return "680003<RXCSUM,TXCSUM,LINKSTATE,RXCSUM_IPV6,TXCSUM_IPV6>";
    if (interface.driver == "tap")
        return "80000<LINKSTATE>";
    if (interface.driver == "epair")
        return "8<VLAN_MTU>";
    if (major_release() < 14)
        return std::nullopt; // 13 says nothing about none
    return "0";
}

} // namespace

unsigned freebsd_flags(const Interface& interface) {
    const bool up = interface.up(), carrier = interface.link.carrier;
    unsigned flags = interface.driver == "lo0" ? 0x8008 : 0x8802;
    if (interface.driver == "em" && major_release() < 14)
        flags |= 0x20; // IFF_KNOWSEPOCH, which has no name
    if (up)
        flags |= flag_up;
    const bool running = interface.driver == "tap" ? carrier : interface.driver == "epair" ? true : up;
    if (running)
        flags |= 0x40;
    if (interface.bridge && interface.driver != "lo0")
        flags |= 0x100;
    if (interface.link0)
        flags |= 0x1000;
    if (major_release() >= 14 && (interface.driver == "bridge" || interface.driver == "lo0" ? up : carrier))
        flags |= 0x1000000;
    return flags;
}

void print_status(Interfaces& interfaces, const Interface& interface, const StatusFormat& format) {
    const bool all = format.family.empty();
    std::cout << fmt::format("{}: flags={} metric 0 mtu {}\n", interface.name(),
                             bits(freebsd_flags(interface), interface_bits),
                             interface.driver == "lo0" ? 16384 : interface.link.mtu);
    if (!interface.description.empty())
        std::cout << "\tdescription: " << interface.description << '\n';
    if (const auto caps = capabilities(interfaces, interface))
        std::cout << "\toptions=" << *caps << '\n';
    if (format.supported && all_capabilities(interface))
        std::cout << "\tcapabilities=" << capability_text(all_capabilities(interface)) << '\n';
    if ((all || format.family == "ether") && interface.driver != "lo0")
        std::cout << "\tether " << interface.link.ether << '\n';
    if (all && interface.lagg && interface.hardware_ether != interface.link.ether)
        std::cout << "\thwaddr " << interface.hardware_ether << '\n';
    for (const auto& address : interface.addresses)
        if (all || format.family == (address.v6 ? "inet6" : "inet"))
            print_address(interface, address, format);
    if (!all)
        return;
    if (interface.driver == "bridge")
        print_bridge(interfaces, interface);
    if (interface.driver == "lagg")
        print_lagg(interfaces, interface);
    if (!interface.groups.empty())
        std::cout << fmt::format("\tgroups: {}\n", fmt::join(interface.groups, " "));
    if (interface.driver == "vlan") {
        const auto* parent = interfaces.find(interface.parent);
        std::cout << fmt::format("\tvlan: {} vlanproto: 802.1q vlanpcp: {} parent interface: {}\n",
                                 interface.tag, interface.priority, parent ? parent->name() : "<none>");
    }
    print_media(interfaces, interface, format.supported);
    std::cout << "\tnd6 options=" << bits(interface.nd6, nd6_bits) << '\n';
    if (interface.driver == "tap" && interface.link.carrier)
        if (const int pid = tap_opener(interface.name()))
            std::cout << "\tOpened by PID " << pid << '\n';
}

} // namespace bhype::lab
