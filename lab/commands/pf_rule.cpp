#include "lab/commands/pf_rule.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace bhype::lab {

std::optional<PfNetwork> PfNetwork::parse(const std::string& address, int prefix) {
    PfNetwork network;
    if (inet_pton(AF_INET, address.c_str(), network.bytes.data()) == 1)
        network.family = 4;
    else if (inet_pton(AF_INET6, address.c_str(), network.bytes.data()) == 1)
        network.family = 6;
    else
        return {};
    if (prefix > static_cast<int>(network.width()))
        return {};
    network.prefix = prefix < 0 ? network.width() : static_cast<unsigned>(prefix);
    network.mask();
    return network;
}

std::string PfNetwork::address() const {
    char text[INET6_ADDRSTRLEN] = "?";
    inet_ntop(family == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
    return text;
}

std::string PfNetwork::text() const {
    return prefix == width() ? address() : fmt::format("{}/{}", address(), prefix);
}

void PfNetwork::mask() {
    for (unsigned bit = prefix; bit < 128; ++bit)
        bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> bit % 8));
}

bool PfNetwork::contains(const PfNetwork& other) const {
    if (family != other.family || prefix > other.prefix)
        return false;
    PfNetwork cut = other;
    cut.prefix = prefix;
    cut.mask();
    return cut == *this;
}

bool PfAddress::several() const {
    // parse.y DYNIF_MULTIADDR
    return kind == Kind::table ||
           (kind == Kind::dynamic &&
            (!no_alias || name.empty() || !std::isdigit(static_cast<unsigned char>(name.back()))));
}

PfPart part_of(PfAction action) {
    switch (action) {
    case PfAction::scrub:
    case PfAction::no_scrub:
        return PfPart::scrub;
    case PfAction::nat:
    case PfAction::no_nat:
        return PfPart::nat;
    case PfAction::binat:
    case PfAction::no_binat:
        return PfPart::binat;
    case PfAction::rdr:
    case PfAction::no_rdr:
        return PfPart::rdr;
    default:
        return PfPart::filter;
    }
}

namespace {

struct Named {
    const char* name;
    int type;
};
constexpr Named icmp_types[] = {
    {"echoreq", 8},    {"echorep", 0},    {"unreach", 3},    {"squench", 4},   {"redir", 5},
    {"althost", 6},    {"routeradv", 9},  {"routersol", 10}, {"timex", 11},    {"paramprob", 12},
    {"timereq", 13},   {"timerep", 14},   {"inforeq", 15},   {"inforep", 16},  {"maskreq", 17},
    {"maskrep", 18},   {"trace", 30},     {"dataconv", 31},  {"mobredir", 32}, {"ipv6-where", 33},
    {"ipv6-here", 34}, {"mobregreq", 35}, {"mobregrep", 36}, {"skip", 39},     {"photuris", 40},
};
constexpr Named icmp6_types[] = {
    {"unreach", 1},      {"toobig", 2},       {"timex", 3},        {"paramprob", 4},   {"echoreq", 128},
    {"echorep", 129},    {"groupqry", 130},   {"listqry", 130},    {"grouprep", 131},  {"listenrep", 131},
    {"groupterm", 132},  {"listendone", 132}, {"routersol", 133},  {"routeradv", 134}, {"neighbrsol", 135},
    {"neighbradv", 136}, {"redir", 137},      {"routrrenum", 138}, {"fqdnreq", 139},   {"niqry", 139},
    {"wrureq", 139},     {"fqdnrep", 140},    {"nirep", 140},      {"wrurep", 140},    {"mtraceresp", 200},
    {"mtrace", 201},
};
struct NamedCode {
    const char* name;
    int type, code;
};
constexpr NamedCode icmp_codes[] = {
    {"net-unr", 3, 0},    {"host-unr", 3, 1},       {"proto-unr", 3, 2},     {"port-unr", 3, 3},
    {"needfrag", 3, 4},   {"srcfail", 3, 5},        {"net-unk", 3, 6},       {"host-unk", 3, 7},
    {"isolate", 3, 8},    {"net-prohib", 3, 9},     {"host-prohib", 3, 10},  {"net-tos", 3, 11},
    {"host-tos", 3, 12},  {"filter-prohib", 3, 13}, {"host-preced", 3, 14},  {"cutoff-preced", 3, 15},
    {"redir-net", 5, 0},  {"redir-host", 5, 1},     {"redir-tos-net", 5, 2}, {"redir-tos-host", 5, 3},
    {"normal-adv", 9, 0}, {"common-adv", 9, 16},    {"transit", 11, 0},      {"reassemb", 11, 1},
    {"badhead", 12, 0},   {"optmiss", 12, 1},       {"badlen", 12, 2},
};
constexpr NamedCode icmp6_codes[] = {
    {"admin-unr", 1, 1}, {"noroute-unr", 1, 0}, {"notnbr-unr", 1, 2},    {"beyond-unr", 1, 2},
    {"addr-unr", 1, 3},  {"port-unr", 1, 4},    {"transit", 3, 0},       {"reassemb", 3, 1},
    {"badhead", 4, 0},   {"nxthdr", 4, 1},      {"redironlink", 137, 0}, {"redirrouter", 137, 1},
};

template <class Table, class Accept>
auto find_in(const Table& table, Accept accept) -> decltype(std::begin(table)) {
    const auto found = std::find_if(std::begin(table), std::end(table), accept);
    return found == std::end(table) ? nullptr : found;
}

std::string name_text(const std::string& name, const PfPrintOptions& options) {
    if (!options.quoted)
        return name;
    std::string text = "\"";
    for (const char c : name)
        text += (c == '"' ? "\\" : "") + std::string(1, c);
    return text + '"';
}

std::string operator_text(PfOperator op, const std::string& a, const std::string& b) {
    switch (op) {
    case PfOperator::in_range:
        return fmt::format(" {} >< {}", a, b);
    case PfOperator::except_range:
        return fmt::format(" {} <> {}", a, b);
    case PfOperator::equal:
        return " = " + a;
    case PfOperator::unequal:
        return " != " + a;
    case PfOperator::less:
        return " < " + a;
    case PfOperator::less_equal:
        return " <= " + a;
    case PfOperator::greater:
        return " > " + a;
    case PfOperator::greater_equal:
        return " >= " + a;
    case PfOperator::span:
        return fmt::format(" {}:{}", a, b);
    case PfOperator::none:
        break;
    }
    return {};
}

std::string port_text(const PfPort& port, unsigned protocol, bool numeric) {
    auto first = std::to_string(port.first);
    if (!numeric && (port.op == PfOperator::equal || port.op == PfOperator::unequal))
        if (const auto* service = getservbyport(htons(port.first), protocol == IPPROTO_TCP ? "tcp" : "udp"))
            first = service->s_name;
    return " port" + operator_text(port.op, first, std::to_string(port.second));
}

std::string peer_text(const PfPeer& peer, const PfRule& rule, const PfPrintOptions& options) {
    std::string text = peer.negated ? "! " : "";
    text += text_of(peer.address, rule.family, options);
    if (peer.port.op != PfOperator::none)
        text += port_text(peer.port, rule.protocol, options.numeric);
    return text;
}

std::string flags_text(unsigned flags) {
    std::string text;
    for (unsigned i = 0; pf_tcp_flags[i]; ++i)
        if (flags & (1U << i))
            text += pf_tcp_flags[i];
    return text;
}

std::string pool_text(const PfPool& pool, int family, const PfPrintOptions& options, bool nat, bool rdr) {
    std::string text;
    for (const auto& address : pool.addresses)
        text += (text.empty() ? "" : ", ") + text_of(address, family, {.quoted = options.quoted});
    if (pool.addresses.size() > 1)
        text = "{ " + text + " }";
    if (nat && (pool.low != pf_nat_low || pool.high != pf_nat_high) && (pool.low || pool.high))
        text += pool.low == pool.high ? fmt::format(" port {}", pool.low)
                                      : fmt::format(" port {}:{}", pool.low, pool.high);
    if (rdr && pool.low) {
        text += fmt::format(" port {}", pool.low);
        if (pool.high && pool.high != pool.low)
            text += fmt::format(":{}", pool.high);
    }
    static constexpr const char* kinds[] = {"", " bitmask", " random", " source-hash", " round-robin"};
    text += kinds[static_cast<int>(pool.kind)];
    if (pool.sticky)
        text += " sticky-address";
    if (nat && !pool.low && !pool.high)
        text += " static-port";
    return text;
}

std::string action_text(const PfRule& rule, const PfPrintOptions& options) {
    static constexpr const char* actions[] = {"pass",   "block", "match",    "scrub", "no scrub", "nat",
                                              "no nat", "binat", "no binat", "rdr",   "no rdr"};
    static constexpr const char* anchors[] = {"anchor", "nat-anchor", "binat-anchor", "rdr-anchor"};
    if (!rule.anchor.empty()) {
        const auto part = part_of(rule.action);
        const std::string word = anchors[part == PfPart::nat     ? 1
                                         : part == PfPart::binat ? 2
                                         : part == PfPart::rdr   ? 3
                                                                 : 0];
        const auto slash = rule.anchor.rfind('/');
        const bool unnamed = rule.anchor[slash == std::string::npos ? 0 : slash + 1] == '_';
        return unnamed && !options.quoted ? word : fmt::format("{} \"{}\"", word, rule.anchor);
    }
    std::string text = actions[static_cast<int>(rule.action)];
    if (rule.nat_pass)
        text += " pass";
    if (rule.action == PfAction::block) {
        static constexpr const char* answers[] = {" drop", " return", " return-rst", " return-icmp"};
        text += answers[static_cast<int>(rule.answer)];
        if (rule.answer == PfReturn::unreachable)
            text = rule.family == 6   ? "block return-icmp6(port-unr)"
                   : rule.family == 4 ? "block return-icmp(port-unr)"
                                      : "block return-icmp(port-unr, port-unr)";
    }
    return text;
}

std::string state_text(const PfRule& rule) {
    static constexpr const char* states[] = {"", " keep state", " modulate state", " synproxy state"};
    std::string text = states[static_cast<int>(rule.state)];
    if (rule.state == PfState::none && rule.action == PfAction::pass && rule.anchor.empty())
        text = " no state";
    std::string options;
    for (const auto& [set, word] :
         {std::pair{rule.no_sync, "no-sync"}, {rule.if_bound, "if-bound"}, {rule.sloppy, "sloppy"}})
        if (set)
            options += (options.empty() ? "" : ", ") + std::string(word);
    return options.empty() ? text : text + " (" + options + ")";
}

std::string icmp_text(const PfRule& rule) {
    const bool v6 = rule.family == 6;
    const auto type_is = [&](const auto& entry) { return entry.type == rule.icmp_type; };
    const auto code_is = [&](const auto& entry) {
        return entry.type == rule.icmp_type && entry.code == rule.icmp_code;
    };
    const auto* type = v6 ? find_in(icmp6_types, type_is) : find_in(icmp_types, type_is);
    std::string text = v6 ? " icmp6-type " : " icmp-type ";
    text += type ? type->name : std::to_string(rule.icmp_type);
    if (rule.icmp_code >= 0) {
        const auto* code = v6 ? find_in(icmp6_codes, code_is) : find_in(icmp_codes, code_is);
        text += " code " + (code ? code->name : std::to_string(rule.icmp_code));
    }
    return text;
}

} // namespace

std::optional<int> icmp_type_number(const std::string& name, int family) {
    const auto named = [&](const auto& entry) { return name == entry.name; };
    const auto* found = family == 6 ? find_in(icmp6_types, named) : find_in(icmp_types, named);
    return found ? std::optional(found->type) : std::nullopt;
}

std::optional<int> icmp_code_number(int type, const std::string& name, int family) {
    const auto named = [&](const auto& entry) { return entry.type == type && name == entry.name; };
    const auto* found = family == 6 ? find_in(icmp6_codes, named) : find_in(icmp_codes, named);
    return found ? std::optional(found->code) : std::nullopt;
}

std::string text_of(const PfAddress& address, int family, const PfPrintOptions& options) {
    const auto counted = [&] {
        const int count = options.count ? options.count(address) : -1;
        return options.details ? (count < 0 ? ":*" : fmt::format(":{}", count)) : std::string();
    };
    switch (address.kind) {
    case PfAddress::Kind::any:
        return "any";
    case PfAddress::Kind::network:
        return address.is_any() ? "any" : address.network.text();
    case PfAddress::Kind::range:
        return address.network.address() + " - " + address.last.address();
    case PfAddress::Kind::table:
        return "<" + name_text(address.name, options) + counted() + ">";
    case PfAddress::Kind::dynamic:
        break;
    }
    std::string text = address.name;
    for (const auto& [set, word] : {std::pair{address.of_network, ":network"},
                                    {address.broadcast, ":broadcast"},
                                    {address.peer, ":peer"},
                                    {address.no_alias, ":0"}})
        if (set)
            text += word;
    text = "(" + name_text(text, options) + counted() + ")";
    if (address.interface_prefix >= 0 && address.interface_prefix < (family == 4 ? 32 : 128))
        text += fmt::format("/{}", address.interface_prefix);
    return text;
}

std::string text_of(const PfRule& rule, const PfPrintOptions& options) {
    std::string text = options.number < 0 ? "" : fmt::format("@{} ", options.number);
    text += action_text(rule, options);
    if (rule.direction)
        text += rule.direction == 'i' ? " in" : " out";
    if (rule.log)
        text += rule.log_options.empty() ? " log" : " log (" + rule.log_options + ")";
    if (rule.quick)
        text += " quick";
    if (!rule.interface.empty())
        text += (rule.interface_not ? " on ! " : " on ") + name_text(rule.interface, options);
    if (rule.family)
        text += rule.family == 4 ? " inet" : " inet6";
    if (rule.protocol) {
        const auto* entry = getprotobynumber(static_cast<int>(rule.protocol));
        text += " proto " + (entry ? std::string(entry->p_name) : std::to_string(rule.protocol));
    }
    const auto unrestricted = [](const PfPeer& peer) {
        return peer.address.is_any() && !peer.negated && peer.port.op == PfOperator::none;
    };
    if (unrestricted(rule.source) && unrestricted(rule.destination))
        text += " all";
    else
        text += " from " + peer_text(rule.source, rule, options) + " to " +
                peer_text(rule.destination, rule, options);
    if (rule.flags || rule.flag_mask)
        text += " flags " + flags_text(rule.flags) + "/" + flags_text(rule.flag_mask);
    else if (rule.action == PfAction::pass && (!rule.protocol || rule.protocol == IPPROTO_TCP) &&
             rule.anchor.empty() && rule.state != PfState::none)
        text += " flags any";
    if (rule.icmp_type >= 0)
        text += icmp_text(rule);
    text += state_text(rule);
    if (rule.no_df)
        text += " no-df";
    if (rule.random_id)
        text += " random-id";
    if (rule.allow_options)
        text += " allow-opts";
    if (rule.action == PfAction::scrub)
        text += std::string(rule.reassemble_tcp ? " reassemble tcp" : "") + " fragment reassemble";
    for (const auto& label : rule.labels)
        text += " label " + (options.quoted ? name_text(label, options) : '"' + label + '"');
    if (rule.identifier)
        text += fmt::format(" ridentifier {}", rule.identifier);
    if (!rule.tag.empty())
        text += " tag " + name_text(rule.tag, options);
    if (!rule.tagged.empty())
        text += (rule.tagged_not ? " ! tagged " : " tagged ") + name_text(rule.tagged, options);
    if (!rule.anchor.empty())
        return text;
    if (rule.action == PfAction::nat || rule.action == PfAction::rdr || rule.action == PfAction::binat)
        text += " -> " + pool_text(rule.pool, rule.family, options, rule.action == PfAction::nat,
                                   rule.action == PfAction::rdr);
    if (!rule.nat_to.addresses.empty())
        text += " nat-to " + pool_text(rule.nat_to, rule.family, options, true, false);
    if (!rule.rdr_to.addresses.empty())
        text += " rdr-to " + pool_text(rule.rdr_to, rule.family, options, false, true);
    return text;
}

} // namespace bhype::lab
