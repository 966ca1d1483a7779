#include "lab/commands/interfaces.h"

#include "lab/commands/sysctl_table.h"
#include "lab/commands/text.h"
#include "lab/core/command.h"

#include <fcntl.h>
#include <linux/if.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include <fmt/format.h>

namespace bhype::lab {

namespace fs = std::filesystem;

namespace {

fs::path state_file() {
    return run_dir() / "interfaces";
}

void take_down(Interface& tap) {
    for (const auto& address : tap.addresses)
        change_address(tap.link.index, address, false);
    set_link_up(tap.link.index, false);
}

} // namespace

std::string generated_ether(const std::string& name) {
    unsigned hash = 2166136261U;
    for (const char c : sysctl_value("kern.hostuuid") + '-' + name + "-0")
        hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    return fmt::format("58:9c:fc:10:{:02x}:{:02x}", (hash >> 16 ^ hash >> 24) & 0xff, hash & 0xff);
}

unsigned default_nd6(const std::string& driver) {
    return driver == "bridge" ? 0x9 : 0x29;
}

void apply_nd6(const Interface& interface) {
    const auto set = [&](const char* file, bool value) {
        std::ofstream(fmt::format("/proc/sys/net/ipv6/conf/{}/{}", interface.name(), file))
            << (value ? 1 : 0);
    };
    constexpr unsigned accept_rtadv = 0x2, ifdisabled = 0x8, auto_linklocal = 0x20;
    set("accept_ra", interface.nd6 & accept_rtadv);
    set("autoconf", interface.nd6 & accept_rtadv);
    set("accept_dad", false); // the lab does not wait a second for nobody's answer
    set("addr_gen_mode", !(interface.nd6 & auto_linklocal));
    set("disable_ipv6", interface.nd6 & ifdisabled);
}

unsigned default_capabilities(const Interface& interface) {
    return interface.driver != "em" ? 0 : major_release() < 14 ? 0x481249b : 0x4e504bb;
}

unsigned all_capabilities(const Interface& interface) {
    return interface.driver != "em" ? 0
           : major_release() < 14   ? default_capabilities(interface) | 0x143900
                                    : default_capabilities(interface) | 0x103b00;
}

bool Interface::up() const {
    return link.flags & IFF_UP;
}

Interfaces::Interfaces(bool write)
    : lock_(open((run_dir() / "interfaces.lock").c_str(), (write ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC,
                 0644)) {
    if (lock_ >= 0)
        flock(lock_, write ? LOCK_EX : LOCK_SH);
    refresh();
}

Interfaces::~Interfaces() {
    close(lock_);
}

void Interfaces::refresh() {
    all.clear();
    for (auto& link : dump_links()) {
        Interface interface;
        interface.link = link;
        if (link.name == "lo0" || link.name == "lo") {
            interface.driver = interface.original = "lo0";
            interface.groups = {"lo"};
            interface.nd6 = 0x21;
        }
        all.push_back(interface);
    }
    for (const auto& address : dump_addresses())
        if (auto* interface = find(address.index))
            interface->addresses.push_back(address);
    // Records: KIND INDEX REST.
    std::ifstream in(state_file());
    for (std::string line; std::getline(in, line);) {
        std::istringstream fields(line);
        std::string kind;
        int index = 0;
        fields >> kind >> index;
        Interface* interface = find(index);
        if (!interface)
            continue;
        if (kind == "interface") {
            fields >> interface->driver >> interface->original >> interface->link0 >>
                interface->capabilities >> interface->nd6;
        } else if (kind == "group") {
            std::string group;
            if (fields >> group)
                interface->groups.push_back(group);
        } else if (kind == "description") {
            std::getline(fields.ignore(), interface->description, '\0');
        } else if (kind == "member") {
            BridgeMember member;
            fields >> member.index >> member.is_private >> member.max_addresses >> member.span >>
                member.saved_capabilities;
            if (auto* port = find(member.index)) {
                port->bridge = index;
                interface->members.push_back(member);
            }
        } else if (kind == "forwarder") {
            fields >> interface->forwarder;
        } else if (kind == "vlan") {
            fields >> interface->parent >> interface->tag >> interface->priority;
            if (!find(interface->parent))
                interface->parent = 0;
        } else if (kind == "lagg") {
            fields >> interface->protocol;
        } else if (kind == "port") {
            int port_index = 0;
            std::string ether;
            fields >> port_index >> ether;
            if (auto* port = find(port_index)) {
                port->lagg = index;
                port->hardware_ether = ether;
                interface->ports.push_back(port_index);
            }
        }
    }
    for (auto& interface : all) {
        if (interface.driver == "lagg" && interface.ports.empty())
            interface.link.ether = "00:00:00:00:00:00";
        if (interface.lagg)
            interface.link.ether = find(interface.lagg)->link.ether;
    }
    // Network cards are there before the loopback.
    std::stable_partition(all.begin(), all.end(), [](const auto& i) { return i.driver == "em"; });
}

void Interfaces::save() {
    std::ofstream out(state_file(), std::ios::trunc);
    for (const auto& interface : all) {
        const int index = interface.link.index;
        if (interface.driver.empty() || interface.driver == "lo0")
            continue;
        out << fmt::format("interface {} {} {} {:d} {} {}\n", index, interface.driver, interface.original,
                           interface.link0, interface.capabilities, interface.nd6);
        for (const auto& group : interface.groups)
            out << fmt::format("group {} {}\n", index, group);
        if (!interface.description.empty())
            out << fmt::format("description {} {}\n", index, interface.description);
    }
    for (const auto& interface : all) {
        const int index = interface.link.index;
        if (interface.forwarder)
            out << fmt::format("forwarder {} {}\n", index, interface.forwarder);
        if (interface.driver == "vlan")
            out << fmt::format("vlan {} {} {} {}\n", index, interface.parent, interface.tag,
                               interface.priority);
        if (interface.driver == "lagg")
            out << fmt::format("lagg {} {}\n", index, interface.protocol);
        for (const int port : interface.ports)
            if (const auto* found = find(port))
                out << fmt::format("port {} {} {}\n", index, port, found->hardware_ether);
    }
    for (const auto& interface : all)
        for (const auto& member : interface.members)
            out << fmt::format("member {} {} {:d} {} {:d} {}\n", interface.link.index, member.index,
                               member.is_private, member.max_addresses, member.span,
                               member.saved_capabilities);
}

Interface* Interfaces::find(const std::string& name) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& i) { return i.name() == name; });
    return found == all.end() ? nullptr : &*found;
}

Interface* Interfaces::find(int index) {
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& i) { return i.link.index == index; });
    return found == all.end() ? nullptr : &*found;
}

/// The bhyve that has started this machine; the process itself if it is none of bhyve's.
static int bhyve_of(int pid) {
    const auto status = read_file(fmt::format("/proc/{}/status", pid));
    const auto at = status.find("\nPPid:\t");
    const int parent = at == std::string::npos ? 0 : std::atoi(status.c_str() + at + 7);
    return parent > 1 && read_file(fmt::format("/proc/{}/cmdline", parent)).starts_with("bhyve:") ? parent
                                                                                                  : pid;
}

int tap_opener(const std::string& name) {
    // The tap driver names the device in each holder's fdinfo.
    for (const auto& process : fs::directory_iterator("/proc")) {
        const auto id = process.path().filename().string();
        if (id.find_first_not_of("0123456789") != std::string::npos)
            continue;
        std::error_code gone;
        for (const auto& fd : fs::directory_iterator(process.path() / "fd", gone)) {
            const auto target = fs::read_symlink(fd.path(), gone);
            if (target != "/dev/net/tun")
                continue;
            const auto info = read_file(process.path() / "fdinfo" / fd.path().filename());
            if (info.find("iff:\t" + name + '\n') != std::string::npos)
                return bhyve_of(std::stoi(id));
        }
    }
    return 0;
}

void tap_opened(const std::string& name) {
    Interfaces interfaces(true);
    const auto* tap = interfaces.find(name);
    if (tap && sysctl_value("net.link.tap.up_on_open") != "0")
        set_link_up(tap->link.index, true);
}

void tap_closed(const std::string& name) {
    Interfaces interfaces(true);
    auto* tap = interfaces.find(name);
    if (tap && tap->driver == "tap" && !tap->link0 && !tap->link.carrier)
        take_down(*tap);
}

void watch_taps() {
    const int monitor = open_link_monitor();
    std::set<int> open_taps;
    while (true) {
        {
            Interfaces interfaces(true);
            std::set<int> now;
            for (auto& interface : interfaces.all) {
                if (interface.driver != "tap")
                    continue;
                if (interface.link.carrier)
                    now.insert(interface.link.index);
                else if (open_taps.contains(interface.link.index) && !interface.link0 && interface.up())
                    take_down(interface);
            }
            open_taps = now;
        }
        char buffer[65536];
        if (recv(monitor, buffer, sizeof buffer, 0) < 0 && errno != EINTR && errno != ENOBUFS)
            std::this_thread::sleep_for(std::chrono::seconds(1));
    }
}
} // namespace bhype::lab
