#include "lab/commands/pf_parser.h"

#include <netdb.h>

#include <algorithm>
#include <iostream>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

bool has_ports(const PfRule& rule) {
    return rule.source.port.op != PfOperator::none || rule.destination.port.op != PfOperator::none;
}

bool over_tcp_or_udp(const PfRule& rule) {
    return rule.protocol == IPPROTO_TCP || rule.protocol == IPPROTO_UDP;
}

/// filter_consistent(); false after a complaint.
bool filter_consistent(const PfRule& rule, PfLexer& lexer) {
    bool good = true;
    const auto refuse_if = [&](bool wrong, const std::string& text) {
        if (wrong)
            lexer.complain(text);
        good = good && !wrong;
    };
    const bool icmp = rule.protocol == IPPROTO_ICMP || rule.protocol == IPPROTO_ICMPV6;
    const bool translates = !rule.nat_to.addresses.empty() || !rule.rdr_to.addresses.empty();
    refuse_if(!over_tcp_or_udp(rule) && has_ports(rule), "port only applies to tcp/udp");
    refuse_if(!icmp && rule.icmp_type >= 0, "icmp-type/code only applies to icmp");
    refuse_if(!rule.family && rule.icmp_type >= 0, "must indicate address family with icmp-type/code");
    refuse_if((rule.protocol == IPPROTO_ICMP && rule.family == 6) ||
                  (rule.protocol == IPPROTO_ICMPV6 && rule.family == 4),
              fmt::format("proto {} doesn't match address family {}",
                          rule.protocol == IPPROTO_ICMP ? "icmp" : "icmp6",
                          rule.family == 4 ? "inet" : "inet6"));
    refuse_if(rule.allow_options && rule.action != PfAction::pass,
              "allow-opts can only be specified for pass rules");
    refuse_if(rule.answer == PfReturn::reset && rule.protocol != IPPROTO_TCP,
              "return-rst can only be applied to TCP rules");
    refuse_if(rule.action != PfAction::pass && rule.state != PfState::none,
              lexer.release() >= 14 ? "keep state is great, but only for pass rules"
                                    : "keep state on block rules doesn't make sense");
    refuse_if(rule.sloppy && (rule.state == PfState::modulate || rule.state == PfState::synproxy),
              "sloppy state matching cannot be used with synproxy state or modulate state");
    refuse_if(translates && rule.action != PfAction::match && rule.state == PfState::none,
              "nat-to and rdr-to require keep state");
    refuse_if(!rule.nat_to.addresses.empty() && rule.direction != 'o', "nat-to can only be used outbound");
    refuse_if(!rule.rdr_to.addresses.empty() && rule.direction != 'i', "rdr-to can only be used inbound");
    return good;
}

/// rdr_consistent()
bool rdr_consistent(const PfRule& rule, PfLexer& lexer) {
    bool good = true;
    const auto refuse_if = [&](bool wrong, const std::string& text) {
        if (wrong)
            lexer.complain(text);
        good = good && !wrong;
    };
    const auto op = rule.destination.port.op;
    if (!over_tcp_or_udp(rule)) {
        refuse_if(rule.source.port.op != PfOperator::none, "src port only applies to tcp/udp");
        refuse_if(op != PfOperator::none, "dst port only applies to tcp/udp");
        refuse_if(rule.pool.low != 0, "rpool port only applies to tcp/udp");
    }
    refuse_if(op != PfOperator::none && op != PfOperator::equal && op != PfOperator::span,
              "invalid port operator for rdr destination port");
    return good;
}

bool consistent(const PfRule& rule, PfLexer& lexer) {
    switch (part_of(rule.action)) {
    case PfPart::scrub:
    case PfPart::filter:
        return filter_consistent(rule, lexer);
    case PfPart::rdr:
        return rdr_consistent(rule, lexer);
    default:
        return true;
    }
}

/// check_netmask() of "(em0)/64" in a rule for IPv4.
bool mask_fits(const PfHost& host, int family) {
    const int prefix = host.address.interface_prefix;
    if (family != 4 || host.address.kind != PfAddress::Kind::dynamic || prefix <= 32)
        return true;
    std::cerr << fmt::format("netmask {} invalid for IPv4 address\n", prefix);
    return false;
}

std::string port_label(const PfPort& port) {
    switch (port.op) {
    case PfOperator::none:
    case PfOperator::span: // expand_label_port() knows no range
        return {};
    case PfOperator::in_range:
        return fmt::format("{}><{}", port.first, port.second);
    case PfOperator::except_range:
        return fmt::format("{}<>{}", port.first, port.second);
    default:
        static constexpr const char* signs[] = {"", "", "", "", "!=", "<", "<=", ">", ">="};
        return signs[static_cast<int>(port.op)] + std::to_string(port.first);
    }
}

std::string expand_label(std::string text, const PfRule& rule, std::size_t number) {
    const auto peer = [&](const PfPeer& p) {
        return (p.negated ? "! " : "") + text_of(p.address, rule.family);
    };
    const auto* protocol = getprotobynumber(static_cast<int>(rule.protocol));
    const std::pair<const char*, std::string> values[] = {
        {"$if", rule.interface.empty() ? "any" : rule.interface},
        {"$srcaddr", peer(rule.source)},
        {"$dstaddr", peer(rule.destination)},
        {"$srcport", port_label(rule.source.port)},
        {"$dstport", port_label(rule.destination.port)},
        {"$proto", protocol ? protocol->p_name : std::to_string(rule.protocol)},
        {"$nr", std::to_string(number)},
    };
    for (const auto& [name, value] : values)
        for (std::size_t at = 0; (at = text.find(name, at)) != std::string::npos; at += value.size())
            text.replace(at, std::string_view(name).size(), value);
    return text;
}

/// One step of the multiplication: no list stands for one element that says nothing.
template <class List, class Work>
void for_each_or_once(const List& list, Work work) {
    if (list.empty())
        return work(typename List::value_type{});
    for (const auto& element : list)
        work(element);
}

} // namespace

void expand(const PfRule& base, PfLists lists, PfLexer& lexer, std::vector<PfRule>& rules) {
    bool added = false, wrong_mask = false;
    const auto add = [&](const PfLists::Interface& interface, unsigned protocol, const PfLists::Icmp& icmp,
                         const PfHost& source, const PfPort& source_port, const PfHost& destination,
                         const PfPort& destination_port) {
        PfRule rule = base;
        const int from = source.family(), to = destination.family();
        if ((rule.family && from && rule.family != from) || (rule.family && to && rule.family != to) ||
            (from && to && from != to))
            return;
        if (!rule.family)
            rule.family = from ? from : to;
        wrong_mask = !mask_fits(source, rule.family) || wrong_mask;
        wrong_mask = !mask_fits(destination, rule.family) || wrong_mask;
        rule.interface = interface.name;
        rule.interface_not = interface.negated;
        rule.protocol = protocol;
        rule.source = {source.address, source.negated, source_port};
        rule.destination = {destination.address, destination.negated, destination_port};
        rule.icmp_type = icmp.type;
        rule.icmp_code = icmp.code;
        if (protocol && protocol != IPPROTO_TCP) {
            rule.flags = rule.flag_mask = 0;
            if (rule.state == PfState::modulate || rule.state == PfState::synproxy)
                rule.state = PfState::keep;
        }
        if (icmp.protocol && protocol != icmp.protocol) {
            lexer.complain("icmp-type mismatch");
            wrong_mask = true;
        }
        if (!consistent(rule, lexer) || wrong_mask) {
            lexer.complain("skipping rule due to errors");
            return;
        }
        for (auto& label : rule.labels)
            label = expand_label(label, rule, rules.size());
        rule.tag = expand_label(rule.tag, rule, rules.size());
        rule.tagged = expand_label(rule.tagged, rule, rules.size());
        rules.push_back(rule);
        added = true;
    };
    for_each_or_once(lists.interfaces, [&](const auto& interface) {
        for_each_or_once(lists.protocols, [&](unsigned protocol) {
            for_each_or_once(lists.icmp, [&](const auto& icmp) {
                for_each_or_once(lists.source.hosts, [&](const auto& source) {
                    for_each_or_once(lists.source.ports, [&](const auto& source_port) {
                        for_each_or_once(lists.destination.hosts, [&](const auto& destination) {
                            for_each_or_once(lists.destination.ports, [&](const auto& port) {
                                add(interface, protocol, icmp, source, source_port, destination, port);
                            });
                        });
                    });
                });
            });
        });
    });
    if (!added)
        lexer.complain("rule expands to no valid combination");
}

// sbin/pfctl/pfctl_parser.c pf_timeouts[] with the values of sys/netpfil/pf/pf.h, and pfctl.c pf_limits[].
const std::vector<std::pair<std::string, unsigned long>> pf_timeouts{
    {"tcp.first", 120},  {"tcp.opening", 30},       {"tcp.established", 86400}, {"tcp.closing", 900},
    {"tcp.finwait", 45}, {"tcp.closed", 90},        {"tcp.tsdiff", 30},         {"udp.first", 60},
    {"udp.single", 30},  {"udp.multiple", 60},      {"icmp.first", 20},         {"icmp.error", 10},
    {"other.first", 60}, {"other.single", 30},      {"other.multiple", 60},     {"frag", 60},
    {"interval", 10},    {"adaptive.start", 60000}, {"adaptive.end", 120000},   {"src.track", 0},
};
const std::vector<std::pair<std::string, unsigned long>> pf_limits{
    {"states", 100000}, {"src-nodes", 10000}, {"frags", 5000}, {"table-entries", 200000}};

} // namespace bhype::lab
