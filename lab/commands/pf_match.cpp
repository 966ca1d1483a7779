#include "lab/commands/pf_match.h"

#include <netinet/in.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace bhype::lab {

namespace {

/// The last address of a network.
PfNetwork end_of(PfNetwork network) {
    for (unsigned bit = network.prefix; bit < network.width(); ++bit)
        network.bytes[bit / 8] |= static_cast<std::uint8_t>(0x80U >> bit % 8);
    network.prefix = network.width();
    return network;
}

bool next_address(PfNetwork& network) {
    for (std::size_t i = network.width() / 8; i-- > 0;)
        if (++network.bytes[i] != 0)
            return true;
    return false;
}

/// Ranges without overlap: of several entries that cover an address, the most specific one decides.
std::vector<std::string> decided_ranges(const std::vector<PfTableEntry>& entries) {
    std::vector<std::string> ranges;
    std::set<PfNetwork> starts;
    for (const auto& entry : entries) {
        auto start = entry.network;
        start.prefix = start.width();
        starts.insert(start);
        auto after = end_of(entry.network);
        if (next_address(after))
            starts.insert(after);
    }
    for (auto start = starts.begin(); start != starts.end(); ++start) {
        const PfTableEntry* decides = nullptr;
        for (const auto& entry : entries)
            if (entry.network.contains(*start) &&
                (!decides || entry.network.prefix > decides->network.prefix))
                decides = &entry;
        if (!decides || decides->negated)
            continue;
        auto end = end_of(decides->network);
        if (const auto following = std::next(start); following != starts.end() && *following <= end) {
            end = *following;
            for (std::size_t i = end.width() / 8; i-- > 0;)
                if (end.bytes[i]-- != 0)
                    break;
        }
        ranges.push_back(*start == end ? end.address() : start->address() + "-" + end.address());
    }
    return ranges;
}

std::string port_match(const PfPort& port, const char* side) {
    const auto first = port.first, second = port.second;
    switch (port.op) {
    case PfOperator::none:
        return "";
    case PfOperator::equal:
        return fmt::format("th {} {} ", side, first);
    case PfOperator::unequal:
        return fmt::format("th {} != {} ", side, first);
    case PfOperator::less:
        return fmt::format("th {} < {} ", side, first);
    case PfOperator::less_equal:
        return fmt::format("th {} <= {} ", side, first);
    case PfOperator::greater:
        return fmt::format("th {} > {} ", side, first);
    case PfOperator::greater_equal:
        return fmt::format("th {} >= {} ", side, first);
    case PfOperator::span:
        return fmt::format("th {0} >= {1} th {0} <= {2} ", side, first, second);
    case PfOperator::in_range:
        return fmt::format("th {0} > {1} th {0} < {2} ", side, first, second);
    case PfOperator::except_range:
        if (first > second)
            return "";
        return fmt::format("th {} != {}-{} ", side, first, second);
    }
    return "";
}

} // namespace

unsigned PfMatcher::tag_number(const std::string& tag) {
    auto found = std::find(tags_.begin(), tags_.end(), tag);
    if (found == tags_.end())
        found = tags_.insert(found, tag);
    if (tags_.size() > 255)
        throw std::runtime_error("more than 255 tags are not provided by the lab");
    return static_cast<unsigned>(found - tags_.begin()) + 1;
}

std::optional<std::string> PfMatcher::interface_match(const std::string& name, bool negated,
                                                      char direction) const {
    if (name.empty())
        return "";
    auto names = pf_members(interfaces_, name);
    // One that is not there yet, unless nft(8) would take it for something else.
    const bool ordinary = name.find_first_of("\"*\\ \t") == std::string::npos && name.size() < 16;
    if (names.empty() && ordinary)
        names = {name};
    if (names.empty())
        return negated ? std::optional<std::string>("") : std::nullopt;
    for (auto& one : names)
        one = '"' + one + '"';
    return fmt::format("{}ifname {}{{ {} }} ", direction, negated ? "!= " : "", fmt::join(names, ", "));
}

std::vector<std::string> PfMatcher::ranges(const PfAddress& address, const std::string& path,
                                           int family) const {
    if (address.kind == PfAddress::Kind::network)
        return {address.network.text()};
    if (address.kind == PfAddress::Kind::range)
        return {address.network.address() + "-" + address.last.address()};
    std::vector<PfTableEntry> entries;
    if (address.kind == PfAddress::Kind::dynamic) {
        for (const auto& network : pf_addresses(interfaces_, address, family))
            entries.push_back({network, false});
    } else if (const auto* table = kernel_.find_table(path, address.name)) {
        for (const auto& entry : table->entries)
            if (entry.network.family == family)
                entries.push_back(entry);
    }
    return decided_ranges(entries);
}

std::vector<std::string> PfMatcher::targets(const PfPool& pool, const std::string& path, int family) const {
    std::vector<std::string> texts;
    const auto add = [&](const PfNetwork& network) {
        if (network.family != family)
            return;
        if (network.prefix != network.width())
            throw std::runtime_error("translation to a network is not provided by the lab");
        texts.push_back(network.address());
    };
    for (const auto& address : pool.addresses) {
        if (address.kind == PfAddress::Kind::network)
            add(address.network);
        else if (address.kind == PfAddress::Kind::range)
            throw std::runtime_error("translation to a range is not provided by the lab");
        else if (address.kind == PfAddress::Kind::dynamic)
            for (const auto& network : pf_addresses(interfaces_, address, family))
                add(network);
        else if (const auto* table = kernel_.find_table(path, address.name))
            for (const auto& entry : table->entries)
                add(entry.network);
    }
    return texts;
}

/// Absent if nothing can match.
std::optional<std::string> PfMatcher::peer_match(const PfPeer& peer, const std::string& path, int family,
                                                 const char* side) const {
    const auto& address = peer.address;
    if (address.is_any())
        return peer.negated ? std::nullopt : std::optional<std::string>("");
    const bool literal = address.kind == PfAddress::Kind::network || address.kind == PfAddress::Kind::range;
    if (literal && address.network.family != family)
        return {};
    const auto texts = ranges(address, path, family);
    if (texts.empty())
        return peer.negated ? std::optional<std::string>("") : std::nullopt;
    const char *protocol = family == 4 ? "ip" : "ip6", *sign = peer.negated ? "!= " : "";
    if (texts.size() == 1)
        return fmt::format("{} {} {}{} ", protocol, side, sign, texts[0]);
    return fmt::format("{} {} {}{{ {} }} ", protocol, side, sign, fmt::join(texts, ", "));
}

std::vector<PfMatcher::Match> PfMatcher::matches(const PfRule& rule, const std::string& path,
                                                 char direction) {
    const auto interface = interface_match(rule.interface, rule.interface_not, direction);
    if (!interface)
        return {};
    std::string common = *interface;
    if (!rule.tagged.empty())
        common += fmt::format("meta mark and 0xff000000 {} {:#010x} ",
                              rule.tagged_not ? "!=" : "==", tag_number(rule.tagged) << 24);
    std::string transport;
    if (rule.protocol)
        transport += fmt::format("meta l4proto {} ", rule.protocol);
    transport += port_match(rule.source.port, "sport") + port_match(rule.destination.port, "dport");
    if (rule.icmp_type >= 0) {
        const char* kind = rule.protocol == IPPROTO_ICMPV6 ? "icmpv6" : "icmp";
        transport += fmt::format("{} type {} ", kind, rule.icmp_type);
        if (rule.icmp_code >= 0)
            transport += fmt::format("{} code {} ", kind, rule.icmp_code);
    }
    std::vector<std::string> transports{transport};
    if (rule.flag_mask) {
        const auto flags = fmt::format("tcp flags and {:#x} == {:#x} ", rule.flag_mask, rule.flags);
        if (rule.protocol)
            transports = {transport + flags};
        else
            transports = {"meta l4proto != 6 ", "meta l4proto 6 " + flags};
    }
    const bool plain = rule.source.address.is_any() && rule.destination.address.is_any();
    std::vector<Match> result;
    for (const int family : rule.family ? std::vector{rule.family}
                            : plain     ? std::vector{0}
                                        : std::vector{4, 6}) {
        const auto source = peer_match(rule.source, path, family, "saddr");
        const auto destination = peer_match(rule.destination, path, family, "daddr");
        if (!source || !destination)
            continue;
        const auto protocol = family && source->empty() && destination->empty()
                                  ? fmt::format("meta nfproto ipv{} ", family)
                                  : std::string();
        for (const auto& words : transports)
            result.push_back({family, common + protocol + *source + *destination + words});
    }
    return result;
}

} // namespace bhype::lab
