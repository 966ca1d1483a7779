#include "lab/commands/interfaces.h"

#include "lab/commands/forwarder.h"
#include "lab/commands/modules.h"
#include "lab/commands/sysctl_table.h"
#include "lab/commands/text.h"
#include "lab/core/command.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <random>
#include <set>
#include <thread>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

constexpr int max_unit = 32767; // sys/net/if.h IF_MAXUNIT
constexpr uid_t uucp = 66;
constexpr gid_t dialer = 68;

std::string random_epair_ether(char side) {
    std::random_device random;
    return fmt::format("02:{:02x}:{:02x}:{:02x}:{:02x}:0{}", random() & 0xff, random() & 0xff,
                       random() & 0xff, random() & 0xff, side);
}

void make_tap_node(const std::string& name) {
    const auto path = "/dev/" + name;
    // A name to look at: nobody but bhyve opens it, and the lab's bhyve goes another way.
    mknod(path.c_str(), S_IFCHR | 0600, makedev(240, 128));
    chmod(path.c_str(), 0600);
    [[maybe_unused]] const auto given = chown(path.c_str(), uucp, dialer);
}

/// Removes /dev/tapN and the names that renames have given it.
void remove_tap_node(const Interface& tap) {
    unlink(("/dev/" + tap.original).c_str());
    unlink(("/dev/" + tap.name()).c_str());
}

} // namespace

std::string create_interface(const std::string& given, const VlanRequest& vlan) {
    const auto digits = given.find_last_not_of("0123456789") + 1;
    const bool dotted = given.find('.') != std::string::npos;
    const std::string driver = dotted ? "vlan" : given.substr(0, digits),
                      unit_text = dotted ? "" : given.substr(digits);
    const auto refuse = [&](int error) { err(1, fmt::format("SIOCIFCREATE2 ({})", given), error); };
    if (driver == "wg" || driver == "vxlan" || driver == "gif" || driver == "tun" || driver == "lo")
        throw std::runtime_error("interfaces of kind " + driver + " are not provided by the lab");
    static constexpr const char* drivers[] = {"bridge", "tap", "epair", "vlan", "lagg"};
    if (std::find(std::begin(drivers), std::end(drivers), driver) == std::end(drivers))
        refuse(EINVAL);
    if (geteuid() != 0)
        refuse(EPERM);
    if (unit_text.size() > 1 && unit_text[0] == '0')
        refuse(EINVAL);
    load_module(driver == "tap" ? "if_tuntap" : "if_" + driver);
    if (driver == "bridge")
        apply_bridge_filtering();
    Interfaces interfaces(true);
    std::set<int> taken; // a renamed interface keeps its unit
    for (const auto& interface : interfaces.all)
        if (interface.driver == driver && interface.original.starts_with(driver))
            taken.insert(std::atoi(interface.original.c_str() + driver.size()));
    long unit = 0;
    if (unit_text.empty()) {
        while (taken.contains(static_cast<int>(unit)))
            ++unit;
    } else {
        unit = unit_text.size() > 9 ? LONG_MAX : std::atol(unit_text.c_str());
        if (unit > max_unit) {
            if (driver == "bridge")
                refuse(ENOSPC);
            errx(1, fmt::format("interface {} already exists", given));
        }
        if (taken.contains(static_cast<int>(unit)))
            errx(1, fmt::format("interface {} already exists", given));
    }
    const std::string name = dotted ? given : driver + std::to_string(unit);
    if (!vlan.parent.empty())
        if (const int error = check_vlan(interfaces, vlan)) {
            if (error == EEXIST)
                errx(1, fmt::format("interface {} already exists", given));
            refuse(error);
        }
    const std::string first = driver == "epair" ? name + "a" : name;
    const bool by_process = driver == "vlan" || driver == "lagg";
    const int error = driver == "tap" || by_process ? create_tap(name)
                      : driver == "epair"           ? create_veth(first, name + "b")
                                                    : create_link(name, "bridge");
    if (error == EEXIST || (error == EBUSY && driver != "epair"))
        errx(1, fmt::format("interface {} already exists", given));
    if (error)
        refuse(error);
    interfaces.refresh();
    for (const char side : {'a', 'b'}) {
        if (driver != "epair" && side == 'b')
            break;
        auto* made = interfaces.find(driver == "epair" ? name + side : name);
        made->driver = driver;
        made->original = made->name();
        made->groups = {driver};
        made->nd6 = default_nd6(driver);
        apply_nd6(*made);
        if (by_process) {
            if (driver == "lagg") {
                made->protocol = "failover";
                made->forwarder = start_lagg_forwarder(name);
            } else if (!vlan.parent.empty()) {
                configure_vlan(interfaces, *made, vlan);
            }
            break;
        }
        const bool random = driver == "epair" && sysctl_value("net.link.epair.ether_gen_addr") != "1";
        made->link.ether = random ? random_epair_ether(side) : generated_ether(made->name());
        set_link_ether(made->link.index, made->link.ether);
    }
    interfaces.save();
    if (driver == "tap" && !slow()) {
        make_tap_node(name);
    } else if (driver == "tap") {
        if (fork() == 0) {
            setsid();
            std::this_thread::sleep_for(std::chrono::milliseconds(300));
            make_tap_node(name);
            _exit(0);
        }
    }
    return first;
}

void destroy_interface(const std::string& name) {
    if (geteuid() != 0)
        err(1, "SIOCIFDESTROY", EPERM);
    if (major_release() == 13) {
        // tun_destroy() of 13 waits without PCATCH: no signal but the last ends it.
        sigset_t all_signals;
        sigfillset(&all_signals);
        sigprocmask(SIG_BLOCK, &all_signals, nullptr);
    }
    while (true) {
        Interfaces interfaces(true);
        auto* interface = interfaces.find(name);
        if (!interface)
            err(1, "SIOCIFDESTROY", ENXIO);
        if (!interface->is_clone())
            err(1, "SIOCIFDESTROY", EINVAL);
        if (interface->driver != "tap" || !interface->link.carrier) {
            if (interface->driver == "tap")
                remove_tap_node(*interface);
            for (auto& vlan : interfaces.all)
                if (vlan.driver == "vlan" && vlan.parent == interface->link.index)
                    unconfigure_vlan(vlan);
            for (const auto& member : interface->members)
                if (auto* port = interfaces.find(member.index))
                    port->capabilities = member.saved_capabilities;
            while (!interface->ports.empty())
                remove_lagg_port(interfaces, *interface, *interfaces.find(interface->ports.back()));
            if (interface->lagg)
                remove_lagg_port(interfaces, *interfaces.find(interface->lagg), *interface);
            stop_forwarder(interface->forwarder);
            interfaces.save();
            if (const int error = delete_link(interface->link.index))
                err(1, "SIOCIFDESTROY", error);
            interfaces.refresh();
            interfaces.save();
            return;
        }
        // sys/net/if_tuntap.c tun_destroy(): until the holder closes it.
        interfaces.save();
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
}

} // namespace bhype::lab
