// usr.bin/netstat: the tables of interfaces (if.c) and of routes (route.c).

#include "lab/commands/commands.h"
#include "lab/commands/interfaces.h"
#include "lab/commands/text.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iostream>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

struct Options {
    bool bytes, drops, wide;
    std::string interface;
    std::optional<bool> v6; ///< the one family that is asked for
};

std::string network_name(bool v6, const std::string& address, unsigned prefix) {
    std::array<unsigned char, 16> bytes{};
    inet_pton(v6 ? AF_INET6 : AF_INET, address.c_str(), bytes.data());
    for (unsigned bit = prefix; bit < (v6 ? 128U : 32U); ++bit)
        bytes[bit / 8] &= static_cast<unsigned char>(~(0x80U >> bit % 8));
    char text[INET6_ADDRSTRLEN];
    return fmt::format("{}/{}", inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof text), prefix);
}

/// One line of the table of interfaces: the link itself, or one of its addresses, which has no counters of
/// errors.
struct Row {
    std::string name, network, address;
    const Link* link;
    bool is_link;
};

std::vector<Row> interface_rows(const Interfaces& interfaces, const Options& options) {
    std::vector<Row> rows;
    for (const auto& interface : interfaces.all) {
        if (!options.interface.empty() && interface.name() != options.interface)
            continue;
        const std::string name = interface.name() + (interface.up() ? "" : "*");
        if (!options.v6)
            rows.push_back({name, fmt::format("<Link#{}>", interface.link.index),
                            interface.driver == "lo0" ? "lo0" : interface.link.ether, &interface.link, true});
        for (const auto& address : interface.addresses) {
            if (options.v6 && *options.v6 != address.v6)
                continue;
            const bool local = address.address.starts_with("fe80:");
            const auto scope = local ? '%' + interface.name() : "";
            auto network = network_name(address.v6, address.address, address.prefix);
            network.insert(network.find('/'), scope);
            rows.push_back({name, network, address.address + scope, &interface.link, false});
        }
    }
    return rows;
}

std::size_t number_width(std::size_t least, std::uint64_t value) {
    std::size_t width = 2;
    for (; value > 10; ++width)
        value /= 10;
    return std::max(least, width);
}

int print_interfaces(const Options& options) {
    Interfaces interfaces(false);
    const auto rows = interface_rows(interfaces, options);
    // 13 has fixed columns that cut, later releases measure.
    const bool fixed = major_release() < 14;
    std::size_t name = 5, network = fixed ? 13 : 8, address = fixed ? 17 : 8, packets = 8, errors = 5,
                bytes = 10;
    bool any_v6 = false;
    for (const auto& row : rows) {
        name = std::max(name, row.name.size());
        any_v6 = any_v6 || (!row.is_link && row.address.find(':') != std::string::npos);
        if (fixed)
            continue;
        network = std::max(network, row.network.size());
        address = std::max(address, row.address.size());
        for (const auto value : {row.link->received.packets, row.link->sent.packets})
            packets = number_width(packets, row.is_link ? value : 0);
        for (const auto value : {row.link->received.bytes, row.link->sent.bytes})
            bytes = number_width(bytes, options.bytes && row.is_link ? value : 0);
        for (const auto value : {row.link->received.errors, row.link->received.dropped})
            errors = number_width(errors, row.is_link ? value : 0);
    }
    if (fixed && options.wide && any_v6) {
        network = 24;
        address = 39;
    }
    const char* gap = fixed ? " " : "  ";
    std::cout << fmt::format("{:<{}} {:>5} {:<{}}{}{:<{}} {:>{}} {:>{}} {:>{}}", "Name", name, "Mtu",
                             "Network", network, gap, "Address", address, "Ipkts", packets, "Ierrs", errors,
                             "Idrop", errors);
    if (options.bytes)
        std::cout << fmt::format(" {:>{}}", "Ibytes", bytes);
    std::cout << fmt::format(" {:>{}} {:>{}}", "Opkts", packets, "Oerrs", errors);
    if (options.bytes)
        std::cout << fmt::format(" {:>{}}", "Obytes", bytes);
    std::cout << fmt::format(" {:>{}}", "Coll", errors);
    if (options.drops)
        std::cout << fmt::format(" {:>{}}", "Drop", errors);
    std::cout << '\n';
    for (const auto& row : rows) {
        const auto number = [&](std::uint64_t value) { return row.is_link ? std::to_string(value) : "-"; };
        // Linux does not count an address's packets.
        const auto count = [&](std::uint64_t value) { return row.is_link ? std::to_string(value) : "0"; };
        const unsigned mtu = row.name.starts_with("lo0") ? 16384 : row.link->mtu;
        const bool cut = fixed && !options.wide;
        std::cout << fmt::format(
            "{:<{}}{:>6} {:<{}}{}{:<{}} {:>{}} {:>{}} {:>{}} ", row.name, name, number(mtu),
            cut ? row.network.substr(0, network) : row.network, network, gap,
            cut ? row.address.substr(0, address) : row.address, address, count(row.link->received.packets),
            packets, number(row.link->received.errors), errors, number(row.link->received.dropped), errors);
        if (options.bytes)
            std::cout << fmt::format("{:>{}} ", count(row.link->received.bytes), bytes);
        std::cout << fmt::format("{:>{}} {:>{}} ", count(row.link->sent.packets), packets,
                                 number(row.link->sent.errors), errors);
        if (options.bytes)
            std::cout << fmt::format("{:>{}} ", count(row.link->sent.bytes), bytes);
        std::cout << fmt::format("{:>{}}", number(row.link->collisions), errors);
        if (options.drops)
            std::cout << fmt::format(" {:>{}}", number(row.link->sent.dropped), errors);
        std::cout << '\n';
    }
    return 0;
}

struct Line {
    std::string key; ///< sorts as the kernel's tree does
    std::string destination, gateway, flags, interface;
    unsigned mtu;
};

std::string sort_key(bool v6, const std::string& address, unsigned prefix) {
    std::string bytes(16, '\0');
    if (!address.empty())
        inet_pton(v6 ? AF_INET6 : AF_INET, address.c_str(), bytes.data());
    return bytes + static_cast<char>(prefix);
}

std::vector<Line> route_lines(Interfaces& interfaces, bool v6) {
    std::vector<Line> lines;
    const unsigned most = v6 ? 128 : 32;
    const auto* loopback = interfaces.find("lo0");
    for (const auto& route : dump_routes()) {
        const auto* interface = route.reject || route.blackhole ? loopback : interfaces.find(route.index);
        // What Linux has for the loopback, FreeBSD has as a host's route.
        if (route.v6 != v6 || !interface || (interface == loopback && route.of_address))
            continue;
        const bool local = route.destination.starts_with("fe80:");
        const std::string scope = local ? '%' + interface->name() : "";
        std::string destination = "default";
        if (route.prefix == most)
            destination = route.destination;
        else if (!route.destination.empty()) {
            destination = network_name(v6, route.destination, route.prefix);
            destination.insert(destination.find('/'), scope);
        }
        std::string flags = "U";
        flags += route.gateway.empty() ? "" : "G";
        flags += route.prefix == most ? "H" : "";
        flags += route.reject ? "R" : "";
        flags += route.of_address ? "" : "S";
        flags += route.blackhole ? "B" : "";
        const std::string gateway_scope = route.gateway.starts_with("fe80:") ? '%' + interface->name() : "";
        lines.push_back({sort_key(v6, route.destination, route.prefix), destination,
                         route.gateway.empty() ? fmt::format("link#{}", interface->link.index)
                                               : route.gateway + gateway_scope,
                         flags, interface->name(), route.mtu ? route.mtu : interface->link.mtu});
    }
    for (const auto& interface : interfaces.all)
        for (const auto& address : interface.addresses) {
            if (address.v6 != v6)
                continue;
            const bool own = &interface == loopback;
            const int number = own || major_release() < 14 ? interface.link.index : loopback->link.index;
            const bool local = address.address.starts_with("fe80:");
            lines.push_back({sort_key(v6, address.address, most),
                             address.address + (local ? '%' + interface.name() : ""),
                             fmt::format("link#{}", number), own && !v6 ? "UH" : "UHS", "lo0", 16384});
        }
    std::stable_sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
    return lines;
}

int print_routes(const Options& options) {
    Interfaces interfaces(false);
    std::cout << "Routing tables\n";
    for (const bool v6 : {false, true}) {
        if (options.v6 && *options.v6 != v6)
            continue;
        const auto lines = route_lines(interfaces, v6);
        if (lines.empty())
            continue;
        const int destination = v6 ? 33 : 18, gateway = v6 ? 29 : 18, name = !v6 && options.wide ? 10 : 8;
        std::cout << fmt::format("\nInternet{}:\n{:<{}} {:<{}} {:<6} ", v6 ? "6" : "", "Destination",
                                 destination, "Gateway", gateway, "Flags");
        if (options.wide)
            std::cout << fmt::format("{:>6} {:>6} ", "Nhop#", "Mtu");
        std::cout << fmt::format("{:>{}} Expire\n", "Netif", name);
        int nexthop = 0;
        for (const auto& line : lines) {
            const int out = std::max(0, static_cast<int>(line.destination.size()) - destination);
            const int out2 = std::max(0, static_cast<int>(line.gateway.size()) - std::max(0, gateway - out));
            std::cout << fmt::format("{:<{}} {:<{}} {:<{}} ", line.destination, destination, line.gateway,
                                     std::max(0, gateway - out), line.flags, std::max(0, 6 - out2));
            if (options.wide)
                std::cout << fmt::format("{:>6} {:>6} ", ++nexthop, line.mtu);
            std::cout << fmt::format("{:>{}}\n", options.wide ? line.interface : line.interface.substr(0, 8),
                                     name);
        }
    }
    return 0;
}

} // namespace

int netstat_main(const Arguments& arguments) {
    return with_failures("netstat", [&]() -> int {
        refuse_libxo(arguments);
        const auto options = parse_options(arguments, "46AaBbCcdF:f:ghI:iLlM:mN:nPp:Qq:RrSTsuWw:xz");
        if (options.bad()) {
            complain("netstat", options);
            return 64;
        }
        for (const auto& option : options.options)
            if (std::string("46bdfIinrW").find(option.letter) == std::string::npos)
                throw std::runtime_error(std::string("-") + option.letter + " is not provided by the lab");
        Options wanted{options.has('b'), options.has('d'), options.has('W'), "", std::nullopt};
        if (options.has('4') || options.has('6'))
            wanted.v6 = options.has('6');
        if (const auto* family = options.value('f')) {
            if (*family != "inet" && *family != "inet6")
                throw std::runtime_error("-f " + *family + " is not provided by the lab");
            wanted.v6 = *family == "inet6";
        }
        if (const auto* interface = options.value('I'))
            wanted.interface = *interface;
        if (!options.rest.empty())
            throw std::runtime_error("an interval is not provided by the lab");
        if (options.has('r'))
            return print_routes(wanted);
        if (options.has('i') || options.has('I'))
            return print_interfaces(wanted);
        throw std::runtime_error("the table of sockets is not provided by the lab");
    });
}

} // namespace bhype::lab
