#include "lab/commands/ifconfig_status.h"

#include "lab/core/command.h"

#include <linux/if.h>

#include <array>
#include <iostream>

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
                                 port->driver == "epair" ? 2000 : 2000000);
    }
}

/// sys/net/if_media.h words of each driver's media.
void print_media(const Interface& interface) {
    const bool old = major_release() < 14;
    if (interface.driver == "tap")
        std::cout << (old ? "\tmedia: Ethernet autoselect\n" : "\tmedia: Ethernet 1000baseT <full-duplex>\n")
                  << "\tstatus: " << (interface.link.carrier ? "active" : "no carrier") << '\n';
    else if (interface.driver == "epair")
        std::cout << "\tmedia: Ethernet 10Gbase-T (10Gbase-T <full-duplex>)\n\tstatus: active\n";
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

const char* capabilities(const Interface& interface) {
    if (interface.driver == "lo0")
        return "680003<RXCSUM,TXCSUM,LINKSTATE,RXCSUM_IPV6,TXCSUM_IPV6>";
    if (interface.driver == "tap")
        return "80000<LINKSTATE>";
    if (interface.driver == "epair")
        return "8<VLAN_MTU>";
    return major_release() < 14 ? nullptr : "0"; // 13 says nothing about none
}

} // namespace

unsigned freebsd_flags(const Interface& interface) {
    const bool up = interface.up(), carrier = interface.link.carrier;
    unsigned flags = interface.driver == "lo0" ? 0x8008 : 0x8802;
    if (up)
        flags |= flag_up;
    const bool running = interface.driver == "tap" ? carrier : interface.driver == "epair" ? true : up;
    if (running)
        flags |= 0x40;
    if (interface.bridge && interface.driver != "lo0")
        flags |= 0x100;
    if (interface.link0)
        flags |= 0x1000;
    if (major_release() >= 14 && (interface.driver == "tap" || interface.driver == "epair" ? carrier : up))
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
    if (const auto* caps = capabilities(interface))
        std::cout << "\toptions=" << caps << '\n';
    if ((all || format.family == "ether") && interface.driver != "lo0")
        std::cout << "\tether " << interface.link.ether << '\n';
    for (const auto& address : interface.addresses)
        if (all || format.family == (address.v6 ? "inet6" : "inet"))
            print_address(interface, address, format);
    if (!all)
        return;
    if (interface.driver == "bridge")
        print_bridge(interfaces, interface);
    if (!interface.groups.empty())
        std::cout << fmt::format("\tgroups: {}\n", fmt::join(interface.groups, " "));
    print_media(interface);
    if (interface.driver == "lo0")
        std::cout << "\tnd6 options=21<PERFORMNUD,AUTO_LINKLOCAL>\n";
    else if (interface.driver == "bridge")
        std::cout << "\tnd6 options=9<PERFORMNUD,IFDISABLED>\n";
    else
        std::cout << "\tnd6 options=29<PERFORMNUD,IFDISABLED,AUTO_LINKLOCAL>\n";
    if (interface.driver == "tap" && interface.link.carrier)
        if (const int pid = tap_opener(interface.name()))
            std::cout << "\tOpened by PID " << pid << '\n';
}

} // namespace bhype::lab
