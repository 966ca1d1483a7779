#include "lab/commands/pf_hosts.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <charconv>
#include <iostream>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

/// "10.77" of "10.77/16" as inet_net_pton(3) completes it.
std::string with_all_octets(std::string text) {
    for (auto dots = std::count(text.begin(), text.end(), '.'); dots < 3; ++dots)
        text += ".0";
    return text;
}

PfHost host_of(const PfNetwork& network) {
    PfHost host;
    host.address.kind = PfAddress::Kind::network;
    host.address.network = network;
    return host;
}

std::vector<PfHost> interface_host(const PfInterfaces& interfaces, std::string name, int prefix) {
    PfAddress dynamic;
    if (!take_modifiers(name, dynamic))
        return {};
    if (dynamic.of_network + dynamic.broadcast + dynamic.peer > 1) {
        std::cerr << "illegal combination of interface modifiers\n";
        return {};
    }
    if ((dynamic.of_network || dynamic.broadcast) && prefix >= 0) {
        std::cerr << "network or broadcast lookup, but extra netmask given\n";
        return {};
    }
    dynamic.name = name;
    std::vector<PfHost> hosts;
    if (name != "self" && pf_members(interfaces, name).empty())
        return {};
    for (auto network : pf_addresses(interfaces, dynamic, 0)) {
        if (prefix >= 0 && prefix <= static_cast<int>(network.width())) {
            network.prefix = static_cast<unsigned>(prefix);
            network.mask();
        }
        hosts.push_back(host_of(network));
    }
    return hosts;
}

std::vector<PfHost> resolved_host(const std::string& name, int prefix) {
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0)
        return {};
    std::vector<PfHost> hosts;
    for (const auto* entry = found; entry; entry = entry->ai_next) {
        char text[INET6_ADDRSTRLEN];
        const void* bytes =
            entry->ai_family == AF_INET
                ? static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(entry->ai_addr)->sin_addr)
                : &reinterpret_cast<sockaddr_in6*>(entry->ai_addr)->sin6_addr;
        if (const auto network =
                PfNetwork::parse(inet_ntop(entry->ai_family, bytes, text, sizeof text), prefix))
            hosts.push_back(host_of(*network));
    }
    freeaddrinfo(found);
    return hosts;
}

} // namespace

bool take_modifiers(std::string& name, PfAddress& address) {
    for (std::size_t colon = 0; (colon = name.rfind(':')) != std::string::npos; name.erase(colon)) {
        const auto modifier = name.substr(colon + 1);
        if (modifier == "network")
            address.of_network = true;
        else if (modifier == "broadcast")
            address.broadcast = true;
        else if (modifier == "peer")
            address.peer = true;
        else if (modifier == "0")
            address.no_alias = true;
        else
            return false;
    }
    return true;
}

std::vector<std::string> pf_members(const PfInterfaces& interfaces, const std::string& name) {
    std::vector<std::string> names;
    for (const auto& interface : interfaces)
        if (interface.name == name ||
            std::find(interface.groups.begin(), interface.groups.end(), name) != interface.groups.end())
            names.push_back(interface.name);
    return names;
}

std::vector<PfNetwork> pf_addresses(const PfInterfaces& interfaces, const PfAddress& dynamic, int family) {
    std::vector<PfNetwork> networks;
    const auto names = pf_members(interfaces, dynamic.name);
    for (const auto& interface : interfaces) {
        if (dynamic.name != "self" && std::find(names.begin(), names.end(), interface.name) == names.end())
            continue;
        bool had_v4 = false, had_v6 = false;
        for (const auto& [host, prefix] : interface.addresses) {
            const bool v4 = host.family == 4,
                       link_local = !v4 && host.bytes[0] == 0xfe && host.bytes[1] == 0x80;
            if ((family && family != host.family) || (dynamic.broadcast && !v4) || dynamic.peer)
                continue;
            bool& had = v4 ? had_v4 : had_v6;
            if (dynamic.no_alias && (had || link_local))
                continue;
            had = true;
            auto network = host;
            if (dynamic.of_network) {
                network.prefix = prefix;
                network.mask();
            }
            if (dynamic.broadcast)
                for (unsigned bit = prefix; bit < 32; ++bit)
                    network.bytes[bit / 8] |= static_cast<std::uint8_t>(0x80U >> bit % 8);
            if (dynamic.interface_prefix >= 0 &&
                dynamic.interface_prefix < static_cast<int>(network.prefix)) {
                network.prefix = static_cast<unsigned>(dynamic.interface_prefix);
                network.mask();
            }
            networks.push_back(network);
        }
    }
    return networks;
}

std::vector<PfHost> pf_host(const PfInterfaces& interfaces, const std::string& text) {
    const auto slash = text.rfind('/');
    const auto name = text.substr(0, slash);
    int prefix = -1;
    if (slash != std::string::npos) {
        const char *begin = text.data() + slash + 1, *end = text.data() + text.size();
        const auto [last, error] = std::from_chars(begin, end, prefix);
        if (error != std::errc() || last != end || prefix > 128 || prefix < 0) {
            std::cerr << fmt::format("invalid netmask '{}'\n", text.substr(slash));
            return {};
        }
    }
    const bool partial = prefix >= 0 && name.find_first_not_of("0123456789.") == std::string::npos;
    if (const auto network = PfNetwork::parse(partial ? with_all_octets(name) : name, prefix))
        return {host_of(*network)};
    auto hosts = interface_host(interfaces, name, prefix);
    if (hosts.empty())
        hosts = resolved_host(name, prefix);
    if (hosts.empty())
        std::cerr << fmt::format("no IP address found for {}\n", text);
    return hosts;
}

} // namespace bhype::lab
