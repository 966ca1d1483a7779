// arp(8) and ndp(8): usr.sbin/arp/arp.c, arp_netlink.c, usr.sbin/ndp/ndp.c, ndp_netlink.c.

#include "lab/commands/commands.h"
#include "lab/commands/interfaces.h"
#include "lab/commands/text.h"

#include <arpa/inet.h>
#include <linux/neighbour.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

constexpr unsigned arp_lifetime = 1200; // net.link.ether.inet.max_age

struct Entry {
    Neighbor neighbor;
    bool permanent; ///< an address of this host
    const Interface* interface;
};

/// The host's own addresses are entries too, first those of an interface that was made first.
std::vector<Entry> entries(Interfaces& interfaces, bool v6, const std::string& only_interface) {
    std::vector<Entry> result;
    const auto neighbors = dump_neighbors(v6);
    for (const auto& interface : interfaces.all) {
        if ((!only_interface.empty() && interface.name() != only_interface) || interface.driver == "lo0")
            continue;
        for (const auto& neighbor : neighbors)
            if (neighbor.index == interface.link.index && (v6 || neighbor.confirmed < arp_lifetime) &&
                (!v6 || !(neighbor.state & NUD_FAILED)))
                result.push_back({neighbor, bool(neighbor.state & NUD_PERMANENT), &interface});
        for (const auto& address : interface.addresses)
            if (address.v6 == v6)
                result.push_back(
                    {{v6, interface.link.index, address.address, interface.link.ether}, true, &interface});
    }
    return result;
}

const char* type_word(const Interface& interface) {
    return interface.driver == "bridge" ? "bridge" : interface.driver == "vlan" ? "vlan" : "ethernet";
}

void print_arp(const Entry& entry) {
    const auto& neighbor = entry.neighbor;
    std::cout << fmt::format("? ({}) at {} on {}", neighbor.address,
                             neighbor.ether.empty() ? "(incomplete)" : neighbor.ether,
                             entry.interface->name());
    if (entry.permanent)
        std::cout << " permanent";
    else if (neighbor.ether.empty())
        std::cout << " expired";
    else
        std::cout << fmt::format(" expires in {} seconds", arp_lifetime - neighbor.confirmed);
    std::cout << " [" << type_word(*entry.interface) << "]\n";
}

/// Without an entry the kernel of 13 says nothing; from 14 on netlink does.
int delete_one(const char* command, Interfaces& interfaces, bool v6, const std::string& host) {
    unsigned char bytes[16];
    if (inet_pton(v6 ? AF_INET6 : AF_INET, host.c_str(), bytes) != 1) {
        std::cerr << command << ": " << host << (v6 ? ": Name does not resolve\n" : ": Unknown host\n");
        return 1;
    }
    if (geteuid() != 0)
        errx(1, major_release() < 14 ? "writing to routing socket: Operation not permitted"
                                     : fmt::format("delete {}: Operation not permitted", host));
    const auto route = route_to(v6, host);
    if (!route || !route->gateway.empty()) {
        std::cerr << command << ": delete: cannot locate " << host << '\n';
        return major_release() < 14 ? 1 : 0;
    }
    for (const auto& entry : entries(interfaces, v6, ""))
        if (entry.neighbor.address == host && !entry.permanent) {
            delete_neighbor(entry.neighbor);
            std::cout << fmt::format("{} ({}) deleted\n", host, host);
            return 0;
        }
    if (major_release() < 14) {
        std::cout << fmt::format("{} ({}) deleted\n", host, host);
        return 0;
    }
    std::cerr << fmt::format("{}: delete {}: No such file or directory\n", command, host);
    return 1;
}

int delete_all(Interfaces& interfaces, bool v6, const std::string& only_interface) {
    for (const auto& entry : entries(interfaces, v6, only_interface))
        if (!entry.permanent && delete_neighbor(entry.neighbor) == 0)
            std::cout << fmt::format("{} ({}) deleted\n", entry.neighbor.address, entry.neighbor.address);
    return 0;
}

int arp_usage() {
    std::cerr << "usage: arp [-n] [-i interface] hostname\n"
                 "       arp [-n] [-i interface] -a\n"
                 "       arp -d hostname [pub]\n"
                 "       arp -d [-i interface] -a\n"
                 "       arp -s hostname ether_addr [temp] [reject | blackhole] [pub [only]]\n"
                 "       arp -S hostname ether_addr [temp] [reject | blackhole] [pub [only]]\n"
                 "       arp -f filename\n";
    return 1;
}

std::string seconds_text(unsigned total) {
    std::string text;
    const unsigned days = total / 86400, hours = total / 3600 % 24, minutes = total / 60 % 60;
    if (days)
        text += fmt::format("{}d", days);
    if (!text.empty() || hours)
        text += fmt::format("{}h", hours);
    if (!text.empty() || minutes)
        text += fmt::format("{}m", minutes);
    return text + fmt::format("{}s", total % 60);
}

void print_ndp(const Entry& entry) {
    const auto& neighbor = entry.neighbor;
    const auto left = [](unsigned lifetime, unsigned past) { return lifetime > past ? lifetime - past : 1; };
    std::string expire = "permanent", state = "R";
    if (!entry.permanent) {
        // sys/netinet6/nd6.c: reachable for half a minute, then stale for a day (nd6_gctimer)
        if (neighbor.state & NUD_REACHABLE) {
            expire = seconds_text(left(30, neighbor.confirmed));
        } else if (neighbor.state & NUD_STALE) {
            expire = seconds_text(left(86400, neighbor.updated));
            state = "S";
        } else {
            expire = "1s";
            state = neighbor.state & NUD_DELAY ? "D" : neighbor.state & NUD_PROBE ? "P" : "I";
        }
    }
    std::string address = neighbor.address;
    if (address.starts_with("fe80:"))
        address += '%' + entry.interface->name();
    std::cout << fmt::format("{:<36} {:<17} {:>6} {:<9} {} {}\n", address,
                             neighbor.ether.empty() ? "(incomplete)" : neighbor.ether,
                             entry.interface->name(), expire, state, neighbor.router ? "R" : "");
}

int ndp_usage() {
    std::cout << "usage: ndp [-nt] hostname\n"
                 "       ndp [-nt] -a | -c | -p | -r | -H | -P | -R\n"
                 "       ndp [-nt] -A wait\n"
                 "       ndp [-nt] -d hostname\n"
                 "       ndp [-nt] -f filename\n"
                 "       ndp [-nt] -i interface [flags...]\n"
                 "       ndp [-nt] -I [interface|delete]\n"
                 "       ndp [-nt] -s nodename etheraddr [temp] [proxy]\n";
    return 1;
}

} // namespace

int arp_main(const Arguments& arguments) {
    return with_failures("arp", [&]() -> int {
        refuse_libxo(arguments);
        const auto options = parse_options(arguments, "andfsSi:");
        if (options.bad()) {
            complain("arp", options);
            return arp_usage();
        }
        for (const char letter : {'f', 's', 'S'})
            if (options.has(letter))
                throw std::runtime_error(std::string("-") + letter + " is not provided by the lab");
        const bool all = options.has('a'), remove = options.has('d');
        const std::string only = options.value('i') ? *options.value('i') : "";
        Interfaces interfaces(false);
        if (!only.empty() && remove && !all)
            errx(1, "-i not applicable to this operation");
        if (!only.empty() && !interfaces.find(only))
            errx(1, fmt::format("interface {} does not exist", only));
        if (options.rest.size() != (all ? 0 : 1))
            return arp_usage();
        if (remove)
            return all ? delete_all(interfaces, false, only)
                       : delete_one("arp", interfaces, false, options.rest[0]);
        bool found = all;
        for (const auto& entry : entries(interfaces, false, only)) {
            if (!all && entry.neighbor.address != options.rest[0])
                continue;
            print_arp(entry);
            found = true;
        }
        if (!found)
            std::cout << fmt::format("{} ({}) -- no entry{}\n", options.rest[0], options.rest[0],
                                     only.empty() ? "" : " on " + only);
        return found ? 0 : 1;
    });
}

int ndp_main(const Arguments& arguments) {
    return with_failures("ndp", [&]() -> int {
        const auto options = parse_options(arguments, "acd:f:Ii:nprstA:HPR");
        if (options.bad()) {
            complain("ndp", options);
            return ndp_usage();
        }
        for (const char letter : {'f', 'I', 'i', 'p', 'r', 's', 't', 'A', 'H', 'P', 'R'})
            if (options.has(letter))
                throw std::runtime_error(std::string("-") + letter + " is not provided by the lab");
        Interfaces interfaces(false);
        if (options.has('d'))
            return delete_one("ndp", interfaces, true, *options.value('d'));
        if (options.has('c'))
            return delete_all(interfaces, true, "");
        if (options.rest.size() != (options.has('a') ? 0 : 1))
            return ndp_usage();
        std::cout << fmt::format("{:<36} {:<17} {:>6} {:<9} 1s 5s\n", "Neighbor", "Linklayer Address",
                                 "Netif", "Expire");
        bool found = options.has('a');
        for (const auto& entry : entries(interfaces, true, ""))
            if (options.has('a') || entry.neighbor.address == options.rest[0]) {
                print_ndp(entry);
                found = true;
            }
        if (!found)
            errx(1, fmt::format("{} ({}) -- no entry", options.rest[0], options.rest[0]));
        return 0;
    });
}

} // namespace bhype::lab
