#include "lab/commands/lagg.h"

#include <linux/if.h>

#include <algorithm>

namespace bhype::lab {

namespace {

constexpr auto memory_of_senders = std::chrono::seconds(30);
constexpr std::size_t most_senders = 4096;

std::uint64_t ether_number(const unsigned char* bytes) {
    std::uint64_t value = 0;
    for (int i = 0; i < 6; ++i)
        value = value << 8 | bytes[i];
    return value;
}

/// By addresses: the same two speakers always use the same port (lagghash l2,l3).
std::size_t flow_hash(const unsigned char* frame, std::size_t size) {
    std::size_t hash = 14695981039346656037U;
    const auto add = [&](std::size_t begin, std::size_t end) {
        for (auto i = begin; i < end && i < size; ++i)
            hash = (hash ^ frame[i]) * 1099511628211U;
    };
    add(0, 12);
    if (size > 34 && frame[12] == 0x08 && frame[13] == 0x00)
        add(26, 34);
    if (size > 54 && frame[12] == 0x86 && frame[13] == 0xdd)
        add(22, 54);
    return hash >> 16;
}

} // namespace

LaggPorts lagg_ports(Interfaces& interfaces, const Interface& lagg) {
    LaggPorts ports;
    ports.protocol = lagg.protocol;
    for (const int index : lagg.ports) {
        const auto* port = interfaces.find(index);
        if (!port)
            continue;
        ports.all.push_back({index, 0});
        if (port->link.carrier && port->up())
            ports.active.push_back(index);
    }
    if (ports.protocol == "failover") {
        if (!ports.all.empty())
            ports.all.front().flags |= lagg_master;
        ports.active.resize(std::min<std::size_t>(ports.active.size(), 1));
    }
    for (auto& port : ports.all)
        if (std::find(ports.active.begin(), ports.active.end(), port.index) != ports.active.end())
            port.flags |=
                ports.protocol == "lacp" ? lagg_active | lagg_collecting | lagg_distributing : lagg_active;
    return ports;
}

std::vector<int> LaggTraffic::outgoing(const LaggPorts& ports, const unsigned char* frame, std::size_t size) {
    if (ports.active.empty())
        return {};
    if (senders_.size() >= most_senders)
        senders_.clear();
    senders_[ether_number(frame + 6)] = Clock::now();
    if (ports.protocol == "broadcast")
        return ports.active;
    const auto choice = ports.protocol == "roundrobin" ? turn_++ : flow_hash(frame, size);
    return {ports.active[choice % ports.active.size()]};
}

bool LaggTraffic::incoming(const LaggPorts& ports, int port, const unsigned char* frame) {
    const auto place = std::find(ports.active.begin(), ports.active.end(), port);
    if (place == ports.active.end())
        return false;
    const auto sender = senders_.find(ether_number(frame + 6));
    if (sender != senders_.end() && Clock::now() - sender->second < memory_of_senders)
        return false;
    return !(frame[0] & 1) || place == ports.active.begin();
}

} // namespace bhype::lab
