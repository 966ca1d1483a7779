// sbin/route/route.c; what fails is told as route.c tells it on 13, route_netlink.c from 14 on.

#include "lab/commands/commands.h"
#include "lab/commands/interfaces.h"
#include "lab/commands/text.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iostream>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

[[noreturn]] void usage(const std::string& bad_keyword) {
    if (!bad_keyword.empty())
        std::cerr << "route: bad keyword: " << bad_keyword << '\n';
    errx(64, fmt::format("usage: route {}[-46dnqtv] command [[modifiers] args]",
                         major_release() >= 14 ? "[-j jail] " : ""));
}

struct Call {
    std::string command;
    std::vector<std::string> words;
    bool numeric{false}, quiet{false}, v6{false};

    Route route{};
    std::string destination, gateway; ///< as given
    bool is_host{false}, force_host{false}, force_net{false}, interface_gateway{false}, prefix_given{false};

    std::string take(const std::string& keyword) {
        if (words.empty())
            usage("");
        (void)keyword;
        auto word = words.front();
        words.erase(words.begin());
        return word;
    }

    void set_prefix(const std::string& text) {
        const int length = std::atoi(text.c_str()), most = v6 ? 128 : 32;
        if (length < 0 || length > most)
            errx(64, text + ": invalid prefixlen");
        route.prefix = static_cast<unsigned>(length);
        prefix_given = true;
        (length == most ? is_host : force_net) = true;
    }

    void set_destination(const std::string& text) {
        destination = text;
        if (text == "default") {
            prefix_given = force_net = true;
            return;
        }
        const auto slash = text.find('/');
        route.destination = text.substr(0, slash);
        unsigned char bytes[16];
        if (v6 && inet_pton(AF_INET6, route.destination.c_str(), bytes) != 1)
            errx(71, route.destination + ": Name does not resolve");
        if (!v6 && inet_pton(AF_INET, route.destination.c_str(), bytes) != 1)
            errx(68, "bad address: " + route.destination);
        if (slash != std::string::npos) {
            const auto length = text.substr(slash + 1);
            const bool bad = length.empty() || length.find_first_not_of("0123456789") != std::string::npos ||
                             length.size() > 3 || std::stoi(length) > (v6 ? 128 : 32);
            if (bad)
                v6 ? errx(64, length + ": invalid prefixlen") : errx(68, "bad mask length: " + length);
            route.prefix = static_cast<unsigned>(std::stoi(length));
            prefix_given = true;
            return;
        }
        is_host = true;
    }

    void set_gateway(const std::string& text) {
        gateway = text;
        if (interface_gateway) {
            const auto link = find_link(text);
            if (!link)
                errx(65, fmt::format("interface '{}' does not exist", text));
            route.index = link->index;
            return;
        }
        std::string address = text;
        if (const auto scope = text.find('%'); v6 && scope != std::string::npos) {
            const auto link = find_link(text.substr(scope + 1));
            if (!link)
                errx(71, text + ": Name does not resolve");
            route.index = link->index;
            address = text.substr(0, scope);
        }
        unsigned char bytes[16];
        if (inet_pton(v6 ? AF_INET6 : AF_INET, address.c_str(), bytes) != 1)
            v6 ? errx(71, text + ": Name does not resolve") : errx(68, "bad address: " + text);
        route.gateway = address;
    }

    void parse();
    int get();
    int change();
    int flush();
    void print(const Route& found);
    std::string name(const std::string& address) const {
        return address.empty() ? numeric ? (v6 ? "::" : "0.0.0.0") : "default" : address;
    }
};

void Call::parse() {
    while (!words.empty()) {
        const auto word = take("");
        const std::string key = word.starts_with('-') ? word.substr(1) : "";
        if (key.empty()) {
            if (destination.empty())
                set_destination(word);
            else if (gateway.empty())
                set_gateway(word);
            else
                throw std::runtime_error("a netmask without -netmask is not provided by the lab");
        } else if (key == "inet" || key == "4" || key == "inet6" || key == "6") {
            v6 = key.ends_with('6');
        } else if (key == "iface" || key == "interface") {
            interface_gateway = true;
        } else if (key == "host") {
            force_host = true;
        } else if (key == "net") {
            force_net = true;
        } else if (key == "reject") {
            route.reject = true;
        } else if (key == "blackhole") {
            route.blackhole = true;
        } else if (key == "static" || key == "nostatic") {
        } else if (key == "gateway") {
            set_gateway(take(key));
        } else if (key == "dst") {
            set_destination(take(key));
        } else if (key == "prefixlen") {
            set_prefix(take(key));
        } else if (key == "mtu") {
            route.mtu = static_cast<unsigned>(std::atoi(take(key).c_str()));
        } else if (key == "netmask") {
            in_addr mask{};
            const auto text = take(key);
            if (v6 || inet_aton(text.c_str(), &mask) == 0)
                errx(68, "bad address: " + text);
            route.prefix = static_cast<unsigned>(__builtin_popcount(mask.s_addr));
            prefix_given = force_net = true;
        } else if (key == "fib") {
            if (const auto fib = take(key); fib != "0" && fib != "default" && fib != "all")
                errx(64, "invalid fib number: " + fib);
        } else if (key == "ifp" || key == "ifa" || key == "genmask" || key == "proto1" || key == "proto2" ||
                   key == "proxy" || key == "link" || key == "sticky" || key == "weight" || key == "metric" ||
                   key == "expire" || key == "lock" || key == "lockrest") {
            throw std::runtime_error("-" + key + " is not provided by the lab");
        } else {
            usage(key);
        }
    }
    if (destination.empty()) {
        std::cerr << "route: destination parameter required\n";
        usage("");
    }
    is_host = (is_host || force_host) && !force_net;
    if (is_host || !prefix_given)
        route.prefix = v6 ? 128 : 32;
}

/// Linux wants the bits below the prefix to be none; FreeBSD masks them.
std::string masked(const std::string& address, unsigned prefix, bool v6) {
    unsigned char bytes[16]{};
    inet_pton(v6 ? AF_INET6 : AF_INET, address.c_str(), bytes);
    for (unsigned bit = prefix; bit < (v6 ? 128U : 32U); ++bit)
        bytes[bit / 8] &= static_cast<unsigned char>(~(0x80U >> bit % 8));
    char text[INET6_ADDRSTRLEN];
    return inet_ntop(v6 ? AF_INET6 : AF_INET, bytes, text, sizeof text);
}

void Call::print(const Route& found) {
    const unsigned most = v6 ? 128 : 32;
    const auto link = [&]() -> std::optional<Link> {
        if (found.local || found.reject || found.blackhole)
            return find_link("lo0");
        for (auto& candidate : dump_links())
            if (candidate.index == found.index)
                return candidate;
        return std::nullopt;
    }();
    std::cout << "   route to: " << name(route.destination) << '\n'
              << "destination: " << name(found.destination) << '\n';
    if (found.prefix < most) {
        std::string mask =
            masked(v6 ? "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" : "255.255.255.255", found.prefix, v6);
        std::cout << "       mask: " << (found.prefix ? mask : name("")) << '\n';
    }
    std::string flags = "UP";
    if (!found.gateway.empty()) {
        std::cout << "    gateway: " << found.gateway << '\n';
        flags += ",GATEWAY";
    }
    flags += found.prefix == most ? ",HOST" : "";
    flags += found.reject ? ",REJECT" : "";
    flags += ",DONE";
    flags += found.of_address && !found.local ? "" : ",STATIC";
    flags += found.blackhole ? ",BLACKHOLE" : "";
    flags += found.of_address || found.local ? ",PINNED" : "";
    std::cout << "        fib: 0\n";
    if (link)
        std::cout << "  interface: " << link->name << '\n';
    const unsigned mtu = found.mtu ? found.mtu : link && link->name == "lo0" ? 16384 : link ? link->mtu : 0;
    std::cout << "      flags: <" << flags
              << ">\n recvpipe  sendpipe  ssthresh  rtt,msec    mtu        weight    expire\n"
              << fmt::format("{:8}  {:8}  {:8}  {:8}  {:8}  {:8}  {:8} \n", 0, 0, 0, 0, mtu, 1, 0);
}

int Call::get() {
    std::optional<Route> found;
    if (is_host) {
        found = route_to(v6, route.destination);
    } else {
        for (const auto& candidate : dump_routes())
            if (!found && candidate.v6 == v6 && candidate.prefix == route.prefix &&
                (route.prefix == 0 || candidate.destination == masked(route.destination, route.prefix, v6)))
                found = candidate;
    }
    if (!found) {
        std::cerr << "route: route has not been found\n";
        return 255; // exit(-1)
    }
    print(*found);
    return 0;
}

int Call::change() {
    if (geteuid() != 0)
        errx(77, "must be root to alter routing table");
    if (!route.destination.empty())
        route.destination = masked(route.destination, route.prefix, v6);
    if (route.prefix == 0)
        route.destination.clear();
    route.v6 = v6;
    int error = 0;
    const bool remove = command == "delete" || command == "del";
    const auto routes = dump_routes();
    const auto same = [&](const Route& other, bool with_gateway) {
        return other.v6 == v6 && other.prefix == route.prefix && other.destination == route.destination &&
               (!with_gateway || other.gateway == route.gateway);
    };
    const bool present =
        std::any_of(routes.begin(), routes.end(), [&](const auto& other) { return same(other, false); });
    const bool identical =
        std::any_of(routes.begin(), routes.end(), [&](const auto& other) { return same(other, true); });
    if (remove)
        error = (gateway.empty() ? present : identical) ? change_route(route, RouteChange::remove) : ESRCH;
    else if (command == "change")
        error = present ? change_route(route, RouteChange::replace) : ESRCH;
    else
        error = identical ? EEXIST : change_route(route, RouteChange::append);
    if (error == EHOSTUNREACH || error == EINVAL || error == ENETDOWN)
        error = ENETUNREACH; // sys/net/route/route_ctl.c: no interface for the gateway
    const auto line = fmt::format("{} {} {}{}", command, is_host ? "host" : "net", destination,
                                  gateway.empty() ? "" : ": gateway " + gateway);
    if (!error) {
        if (!quiet)
            std::cout << line << '\n';
        return 0;
    }
    if (error == ESRCH)
        std::cerr << "route: route has not been found\n";
    else if (major_release() >= 14)
        std::cerr << "route: message indicates error: " << error_text(error) << '\n';
    else if (error != EEXIST)
        std::cerr << "route: writing to routing socket: " << error_text(error) << '\n';
    if (!quiet)
        std::cout << line << " fib 0: "
                  << (error == ESRCH    ? "not in table"
                      : error == EEXIST ? "route already in table"
                                        : error_text(error))
                  << '\n';
    return 1;
}

int Call::flush() {
    if (geteuid() != 0)
        errx(77, "must be root to alter routing table");
    bool only = false;
    for (const auto& word : words) {
        if (word != "-inet" && word != "-inet6" && word != "-4" && word != "-6")
            usage(word);
        only = true;
        v6 = word.ends_with('6');
    }
    for (const auto& route_now : dump_routes()) {
        if (route_now.gateway.empty() || (only && route_now.v6 != v6))
            continue;
        if (change_route(route_now, RouteChange::remove) == 0 && !quiet)
            std::cout << fmt::format("{:<20.20} {:<20.20} -fib 0   done\n",
                                     route_now.destination.empty() ? "default" : route_now.destination,
                                     route_now.gateway);
    }
    return 0;
}

} // namespace

int route_main(const Arguments& arguments) {
    return with_failures("route", [&]() -> int {
        const auto options = parse_options(arguments, "46nqdtvj:");
        if (options.bad()) {
            complain("route", options);
            usage("");
        }
        for (const char letter : {'d', 't', 'v', 'j'})
            if (options.has(letter))
                throw std::runtime_error(std::string("-") + letter + " is not provided by the lab");
        if (options.rest.empty())
            usage("");
        Call call{options.rest[0],
                  {options.rest.begin() + 1, options.rest.end()},
                  options.has('n'),
                  options.has('q'),
                  options.has('6')};
        if (call.command == "flush")
            return call.flush();
        if (call.command == "monitor")
            throw std::runtime_error("monitor is not provided by the lab");
        static constexpr const char* commands[] = {"add", "change", "del", "delete", "get", "show"};
        if (std::find(std::begin(commands), std::end(commands), call.command) == std::end(commands))
            usage(call.command);
        call.parse();
        return call.command == "get" || call.command == "show" ? call.get() : call.change();
    });
}

} // namespace bhype::lab
