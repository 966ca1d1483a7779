#include "lab/commands/pf_reader.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

constexpr std::size_t interface_name_size = 16, table_name_size = 32; // IFNAMSIZ, PF_TABLE_NAME_SIZE

std::optional<unsigned long> whole_number(const std::string& text) {
    unsigned long value = 0;
    const char* end = text.data() + text.size();
    const bool hexadecimal = text.starts_with("0x");
    const auto [last, error] =
        std::from_chars(text.data() + (hexadecimal ? 2 : 0), end, value, hexadecimal ? 16 : 10);
    return error == std::errc() && last == end ? std::optional(value) : std::nullopt;
}

} // namespace

const PfToken& PfReader::peek() {
    if (!has_ahead_)
        ahead_ = lexer_.next();
    has_ahead_ = true;
    return ahead_;
}

PfToken PfReader::take() {
    peek();
    has_ahead_ = false;
    recovering_ -= recovering_ > 0;
    return ahead_;
}

bool PfReader::is_word(std::string_view word) {
    return peek().kind == PfToken::Kind::word && peek().text == word;
}

bool PfReader::is_sign(std::string_view sign) {
    return peek().kind == PfToken::Kind::sign && peek().text == sign;
}

bool PfReader::accept_word(std::string_view word) {
    return is_word(word) && (take(), true);
}

bool PfReader::accept_sign(std::string_view sign) {
    return is_sign(sign) && (take(), true);
}

void PfReader::expect_word(std::string_view word) {
    if (!accept_word(word))
        syntax_error();
}

void PfReader::expect_sign(std::string_view sign) {
    if (!accept_sign(sign))
        syntax_error();
}

void PfReader::end_of_statement() {
    if (peek().kind != PfToken::Kind::newline)
        syntax_error();
    take();
}

void PfReader::syntax_error() {
    peek();
    if (recovering_ == 0)
        lexer_.complain("syntax error");
    recovering_ = 3;
    throw PfAbandoned{};
}

void PfReader::refuse(const std::string& text) {
    lexer_.complain(text);
    recovering_ = 3;
    throw PfAbandoned{};
}

bool PfReader::recover() {
    while (peek().kind != PfToken::Kind::newline) {
        if (peek().kind == PfToken::Kind::end)
            return false;
        has_ahead_ = false;
    }
    take();
    return true;
}

std::string PfReader::text() {
    if (!is_text())
        syntax_error();
    return take().text;
}

std::string PfReader::joined_text() {
    std::string all = text();
    while (is_text())
        all += ' ' + take().text;
    return all;
}

long long PfReader::number() {
    if (peek().kind != PfToken::Kind::number)
        syntax_error();
    return take().number;
}

long long PfReader::number_or_text() {
    if (!is_text())
        return number();
    const auto word = take().text;
    const auto value = whole_number(word);
    if (!value)
        refuse(word + " is not a number");
    return static_cast<long long>(*value);
}

std::string PfReader::number_text() {
    return peek().kind == PfToken::Kind::number ? std::to_string(take().number) : text();
}

long long PfReader::number_within(long long most, const std::string& complaint) {
    const auto value = number();
    if (value < 0 || value > most)
        refuse(complaint);
    return value;
}

void PfReader::newlines() {
    while (peek().kind == PfToken::Kind::newline)
        take();
}

std::string PfReader::interface_name() {
    const auto name = text();
    if (name.size() >= interface_name_size)
        refuse("interface name too long");
    return name;
}

std::vector<PfLists::Interface> PfReader::on_interfaces() {
    std::vector<PfLists::Interface> list;
    if (accept_word("on"))
        one_or_list([&] {
            const bool negated = accept_sign("!");
            list.push_back({interface_name(), negated});
        });
    return list;
}

int PfReader::family() {
    return accept_word("inet") ? 4 : accept_word("inet6") ? 6 : 0;
}

std::vector<unsigned> PfReader::protocols() {
    std::vector<unsigned> list;
    if (!accept_word("proto"))
        return list;
    one_or_list([&] {
        long value = 0;
        if (is_text()) {
            const auto name = take().text;
            // etc/protocols of FreeBSD has this alias, the machine's has not.
            const auto* entry = getprotobyname(name == "icmp6" ? "ipv6-icmp" : name.c_str());
            if (!entry)
                refuse("unknown protocol " + name);
            value = entry->p_proto;
        } else {
            value = number_within(255, "protocol outside range");
        }
        if (value == 0)
            refuse("proto 0 cannot be used");
        list.push_back(static_cast<unsigned>(value));
    });
    return list;
}

void PfReader::from_to(PfLists& lists) {
    if (accept_word("all"))
        return;
    const auto side = [&](PfLists::Side& to) {
        if (!is_word("port"))
            host_spec(to.hosts);
        if (accept_word("port"))
            to.ports = port_spec();
    };
    if (accept_word("from"))
        side(lists.source);
    if (is_word("os"))
        throw std::runtime_error("matching of operating systems is not provided by the lab");
    if (accept_word("to"))
        side(lists.destination);
}

void PfReader::host_spec(std::vector<PfHost>& hosts) {
    const auto item = [&] {
        if (accept_word("any"))
            return;
        const bool negated = accept_sign("!");
        for (auto& found : host()) {
            found.negated = negated;
            hosts.push_back(found);
        }
    };
    one_or_list(item);
}

std::vector<PfHost> PfReader::parsed_host(const std::string& text) {
    auto hosts = pf_host(interfaces_, text);
    if (hosts.empty())
        refuse("could not parse host specification");
    return hosts;
}

std::vector<PfHost> PfReader::host() {
    if (is_word("no-route") || is_word("urpf-failed"))
        throw std::runtime_error("'" + peek().text + "' is not provided by the lab");
    PfHost host;
    if (accept_sign("<")) {
        host.address.kind = PfAddress::Kind::table;
        host.address.name = text();
        expect_sign(">");
        if (host.address.name.size() >= table_name_size)
            refuse(fmt::format("table name '{}' too long", host.address.name));
        return {host};
    }
    if (accept_sign("(")) {
        host.address = dynamic_address();
        if (accept_sign("/"))
            host.address.interface_prefix = static_cast<int>(number_within(128, "bit number too big"));
        return {host};
    }
    if (peek().kind == PfToken::Kind::number) {
        const auto first = take().number;
        expect_sign("/");
        return parsed_host(fmt::format("{}/{}", first, number()));
    }
    const auto name = text();
    if (accept_sign("/"))
        return parsed_host(fmt::format("{}/{}", name, number()));
    if (!accept_sign("-"))
        return parsed_host(name);
    const auto from = parsed_host(name), to = parsed_host(text());
    const auto single = [](const std::vector<PfHost>& hosts) {
        return hosts.size() == 1 && hosts[0].address.network.prefix == hosts[0].address.network.width();
    };
    if (!single(from) || !single(to) || from[0].family() != to[0].family())
        refuse("invalid address range");
    host = from[0];
    host.address.kind = PfAddress::Kind::range;
    host.address.last = to[0].address.network;
    return {host};
}

PfAddress PfReader::dynamic_address() {
    PfAddress address;
    address.kind = PfAddress::Kind::dynamic;
    const auto whole = text();
    expect_sign(")");
    address.name = whole;
    if (!std::isalpha(static_cast<unsigned char>(whole[0])))
        refuse(fmt::format("invalid interface name '{}'", whole));
    if (!take_modifiers(address.name, address))
        refuse(fmt::format("interface {} has bad modifier", address.name));
    if (address.of_network + address.broadcast + address.peer > 1)
        refuse("illegal combination of interface modifiers");
    if (address.name.size() >= interface_name_size)
        refuse("interface name too long");
    return address;
}

std::vector<PfPort> PfReader::port_spec() {
    std::vector<PfPort> ports;
    one_or_list([&] { ports.push_back(port_item()); });
    return ports;
}

PfOperator PfReader::unary_operator() {
    if (accept_sign("="))
        return PfOperator::equal;
    if (accept_sign("!")) {
        expect_sign("=");
        return PfOperator::unequal;
    }
    if (accept_sign("<"))
        return accept_sign("=") ? PfOperator::less_equal : PfOperator::less;
    if (accept_sign(">"))
        return accept_sign("=") ? PfOperator::greater_equal : PfOperator::greater;
    return PfOperator::none;
}

PfPort PfReader::port_item() {
    static constexpr const char* mixed = "':' cannot be used with an other port operator";
    const auto unary = unary_operator();
    const auto first = port_range(false);
    if (unary != PfOperator::none) {
        if (first.is_range)
            refuse(mixed);
        return {unary, first.first, 0};
    }
    const bool inside = is_sign("><");
    if (!inside && !is_sign("<>"))
        return {first.is_range ? PfOperator::span : PfOperator::equal, first.first, first.second};
    take();
    const auto second = port_range(false);
    if (first.is_range || second.is_range)
        refuse(mixed);
    return {inside ? PfOperator::in_range : PfOperator::except_range, first.first, second.first};
}

PfReader::Range PfReader::port_range(bool open_end) {
    // parseport()
    const auto word = number_text();
    const auto colon = word.find(':');
    Range range;
    range.first = service(word.substr(0, colon));
    if (colon == std::string::npos)
        return range;
    if (open_end && word.substr(colon + 1) == "*") {
        range.is_range = range.open = true;
        return range;
    }
    range.second = service(word.substr(colon + 1));
    range.is_range = range.first != range.second;
    if (!range.is_range)
        range.second = 0;
    return range;
}

std::uint16_t PfReader::service(const std::string& name) {
    if (const auto value = whole_number(name)) {
        if (*value > 65535)
            refuse(fmt::format("illegal port value {}", *value));
        return static_cast<std::uint16_t>(*value);
    }
    const auto* entry = getservbyname(name.c_str(), "tcp");
    if (!entry)
        entry = getservbyname(name.c_str(), "udp");
    if (!entry)
        refuse("unknown port " + name);
    return ntohs(static_cast<std::uint16_t>(entry->s_port));
}

} // namespace bhype::lab
