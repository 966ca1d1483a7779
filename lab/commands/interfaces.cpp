#include "lab/commands/interfaces.h"

#include "lab/commands/modules.h"
#include "lab/commands/sysctl_table.h"
#include "lab/commands/text.h"
#include "lab/core/command.h"

#include <fcntl.h>
#include <linux/if.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include <fmt/format.h>

namespace bhype::lab {

namespace fs = std::filesystem;

namespace {

constexpr int max_unit = 32767; // sys/net/if.h IF_MAXUNIT
constexpr uid_t uucp = 66;
constexpr gid_t dialer = 68;

fs::path state_file() {
    return run_dir() / "interfaces";
}

/// 58:9c:fc and the rest out of the host's id and the name: sys/net/if_ethersubr.c ether_gen_addr(). Another
/// hash than the kernel's, with the same properties.
std::string generated_ether(const std::string& name) {
    unsigned hash = 2166136261U;
    for (const char c : sysctl_value("kern.hostuuid") + '-' + name + "-0")
        hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    return fmt::format("58:9c:fc:10:{:02x}:{:02x}", (hash >> 16 ^ hash >> 24) & 0xff, hash & 0xff);
}

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

void take_down(Interface& tap) {
    for (const auto& address : tap.addresses)
        change_address(tap.link.index, address, false);
    set_link_up(tap.link.index, false);
}

} // namespace

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
            fields >> interface->driver >> interface->original >> interface->link0;
        } else if (kind == "group") {
            std::string group;
            if (fields >> group)
                interface->groups.push_back(group);
        } else if (kind == "description") {
            std::getline(fields.ignore(), interface->description, '\0');
        } else if (kind == "member") {
            BridgeMember member;
            fields >> member.index >> member.is_private >> member.max_addresses >> member.span;
            if (auto* port = find(member.index)) {
                port->bridge = index;
                interface->members.push_back(member);
            }
        }
    }
}

void Interfaces::save() {
    std::ofstream out(state_file(), std::ios::trunc);
    for (const auto& interface : all) {
        const int index = interface.link.index;
        if (interface.driver.empty() || interface.driver == "lo0")
            continue;
        out << fmt::format("interface {} {} {} {:d}\n", index, interface.driver, interface.original,
                           interface.link0);
        for (const auto& group : interface.groups)
            out << fmt::format("group {} {}\n", index, group);
        if (!interface.description.empty())
            out << fmt::format("description {} {}\n", index, interface.description);
    }
    for (const auto& interface : all)
        for (const auto& member : interface.members)
            out << fmt::format("member {} {} {:d} {} {:d}\n", interface.link.index, member.index,
                               member.is_private, member.max_addresses, member.span);
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

std::string create_interface(const std::string& given) {
    const auto digits = given.find_last_not_of("0123456789") + 1;
    const std::string driver = given.substr(0, digits), unit_text = given.substr(digits);
    const auto refuse = [&](int error) { err(1, fmt::format("SIOCIFCREATE2 ({})", given), error); };
    if (driver == "vlan" || driver == "lagg" || driver == "wg" || driver == "vxlan" || driver == "gif" ||
        driver == "tun" || driver == "lo")
        throw std::runtime_error("interfaces of kind " + driver + " are not provided by the lab");
    if (driver != "bridge" && driver != "tap" && driver != "epair")
        refuse(EINVAL);
    if (geteuid() != 0)
        refuse(EPERM);
    if (unit_text.size() > 1 && unit_text[0] == '0')
        refuse(EINVAL);
    load_module(driver == "tap" ? "if_tuntap" : "if_" + driver);
    Interfaces interfaces(true);
    std::set<int> taken; // a renamed interface keeps its unit
    for (const auto& interface : interfaces.all)
        if (interface.driver == driver)
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
    const std::string name = driver + std::to_string(unit);
    const std::string first = driver == "epair" ? name + "a" : name;
    const int error = driver == "tap"     ? create_tap(name)
                      : driver == "epair" ? create_veth(first, name + "b")
                                          : create_link(name, "bridge");
    if (error == EEXIST || (error == EBUSY && driver == "tap"))
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
        if (interface->driver.empty() || interface->driver == "lo0")
            err(1, "SIOCIFDESTROY", EINVAL);
        if (interface->driver != "tap" || !interface->link.carrier) {
            if (interface->driver == "tap")
                remove_tap_node(*interface);
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
