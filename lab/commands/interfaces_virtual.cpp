// vlan(4) and lagg(4): what is asked of the kernel about them.

#include "lab/commands/forwarder.h"
#include "lab/commands/interfaces.h"
#include "lab/core/command.h"

#include <algorithm>
#include <cerrno>
#include <fstream>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

/// The machine's own address of a port: nobody speaks to it, so that the port's frames are the lagg's alone.
std::string silent_ether(const std::string& hardware) {
    return "02:4c" + hardware.substr(5);
}

/// A port answers nobody by itself.
void set_silent(const Interface& port, bool silent) {
    std::ofstream(fmt::format("/proc/sys/net/ipv4/conf/{}/arp_ignore", port.name())) << (silent ? 8 : 0);
    std::ofstream(fmt::format("/proc/sys/net/ipv6/conf/{}/disable_ipv6", port.name()))
        << (silent || port.nd6 & 0x8 ? 1 : 0);
    set_link_ether(port.link.index, silent ? silent_ether(port.hardware_ether) : port.hardware_ether);
}

/// The lagg and the vlans above it have the address of its first port.
void take_ether(Interfaces& interfaces, Interface& interface, const std::string& ether) {
    interface.link.ether = ether;
    set_link_ether(interface.link.index, ether);
    for (auto& other : interfaces.all)
        if (other.driver == "vlan" && other.parent == interface.link.index)
            take_ether(interfaces, other, ether);
}

} // namespace

/// sys/net/if_vlan.c vlan_config()
int check_vlan(Interfaces& interfaces, const VlanRequest& request) {
    const auto* parent = interfaces.find(request.parent);
    if (!parent)
        return ENXIO;
    if (parent->lagg || parent->driver == "lo0" || (parent->driver == "bridge" && major_release() < 15))
        return EPROTONOSUPPORT;
    if (parent->driver == "tap" || parent->driver == "vlan")
        throw std::runtime_error("a vlan on a " + parent->driver + " is not provided by the lab");
    if (request.tag < 1 || request.tag > 4094)
        return EINVAL;
    const bool taken = std::any_of(interfaces.all.begin(), interfaces.all.end(), [&](const auto& other) {
        return other.driver == "vlan" && other.parent == parent->link.index && other.tag == request.tag;
    });
    return taken ? EEXIST : 0;
}

int configure_vlan(Interfaces& interfaces, Interface& vlan, const VlanRequest& request) {
    if (vlan.parent)
        return EBUSY;
    if (const int error = check_vlan(interfaces, request))
        return error;
    const auto* parent = interfaces.find(request.parent);
    vlan.parent = parent->link.index;
    vlan.tag = request.tag;
    vlan.priority = request.priority;
    take_ether(interfaces, vlan, parent->link.ether);
    set_link_mtu(vlan.link.index, parent->link.mtu);
    vlan.forwarder = start_vlan_forwarder(vlan.name(), vlan.parent, vlan.tag);
    return 0;
}

void unconfigure_vlan(Interface& vlan) {
    stop_forwarder(vlan.forwarder);
    vlan.forwarder = vlan.parent = 0;
    vlan.tag = 0;
}

/// sys/net/if_lagg.c lagg_port_create()
int add_lagg_port(Interfaces& interfaces, Interface& lagg, Interface& port) {
    constexpr std::size_t most_ports = 32;
    if (lagg.ports.size() >= most_ports)
        return ENOSPC;
    if (port.lagg)
        return port.lagg == lagg.link.index ? EEXIST : EBUSY;
    if (port.driver == "lo0" || port.driver == "bridge")
        return EPROTONOSUPPORT;
    if (port.driver != "em" && port.driver != "epair")
        throw std::runtime_error("a " + port.driver + " as a port is not provided by the lab");
    if (port.bridge)
        throw std::runtime_error("a bridge's member as a port is not provided by the lab");
    port.hardware_ether = port.link.ether;
    port.lagg = lagg.link.index;
    set_silent(port, true);
    if (lagg.ports.empty()) {
        take_ether(interfaces, lagg, port.hardware_ether);
        set_link_mtu(lagg.link.index, port.link.mtu);
        lagg.link.mtu = port.link.mtu;
    } else {
        set_link_mtu(port.link.index, lagg.link.mtu);
    }
    port.link.ether = lagg.link.ether;
    lagg.ports.push_back(port.link.index);
    return 0;
}

int remove_lagg_port(Interfaces& interfaces, Interface& lagg, Interface& port) {
    if (port.lagg != lagg.link.index)
        return ENOENT;
    const bool first = lagg.ports.front() == port.link.index;
    std::erase(lagg.ports, port.link.index);
    set_silent(port, false);
    port.link.ether = port.hardware_ether;
    port.hardware_ether.clear();
    port.lagg = 0;
    if (first && !lagg.ports.empty())
        take_ether(interfaces, lagg, interfaces.find(lagg.ports.front())->hardware_ether);
    return 0;
}

} // namespace bhype::lab
