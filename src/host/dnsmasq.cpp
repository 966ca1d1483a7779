#include "host/dnsmasq.h"

#include "host/address.h"
#include "host/ifconfig.h"
#include "host/text.h"

#include <fmt/format.h>

#include <map>
#include <set>

namespace bhype::host {

namespace {

[[noreturn]] void refuse(const DhcpRange& range, const std::string& field, const std::string& rule) {
    throw Error(Code::invalid_field, {}, {{field, range.switch_.str() + ": " + rule}});
}

AddressSpan span_of(const DhcpRange& range) {
    if (range.first.has_value() != range.last.has_value())
        refuse(range, "first", "the range needs both ends or none");
    if (!range.first)
        return addresses_for_guests(*range.address);
    const auto net = ipv4_network(*range.address);
    const auto first = ipv4_number(*range.first);
    const auto last = ipv4_number(*range.last);
    if (first > last || first <= net.first || last >= net.last)
        refuse(range, "first", "the range must lie within " + net.str() + ", its first address first");
    if (net.address >= first && net.address <= last)
        refuse(range, "first", "the range holds the bridge's own address");
    return {range.first->str(), range.last->str(), dotted(net.mask)};
}

std::string joined(const std::vector<Ipv4Address>& addresses) {
    std::string text;
    for (const auto& address : addresses)
        text += (text.empty() ? "" : ",") + address.str();
    return text;
}

/// dnsmasq has tags of its own: "known", and each interface's name.
std::string tag_of(const DhcpRange& range) {
    return "sw-" + range.switch_.str();
}

std::string ipv4_lines(const DhcpRange& range) {
    const auto span = span_of(range);
    const auto tag = tag_of(range);
    const auto own = dotted(ipv4_network(*range.address).address);
    auto text = fmt::format("dhcp-range=set:{},{},{},{},{}\n", tag, span.first, span.last, span.netmask,
                            range.lease ? range.lease->value : 43200);
    const auto option = [&](const std::string& name, const std::string& value) {
        text += fmt::format("dhcp-option=tag:{},{}{}{}\n", tag, name, value.empty() ? "" : ",", value);
    };
    // An option without a value is not sent; dnsmasq sends both of these by itself otherwise.
    option("option:router", range.router ? own : "");
    option("option:dns-server", range.router ? (range.dns.empty() ? own : joined(range.dns)) : "");
    if (range.domain) {
        text += fmt::format("domain={},{}\n", range.domain->str(), ipv4_network(*range.address).str());
        option("option:domain-name", range.domain->str());
    }
    for (const auto& extra : range.options)
        option(std::to_string(extra.code.value), extra.value.str());
    return text;
}

std::string ipv6_lines(const DhcpRange& range) {
    if (!range.address6->str().ends_with("/64"))
        refuse(range, "address6", "what is announced must be a /64 (RFC 4862)");
    const auto bridge = bridge_name(range.switch_).str();
    auto text = fmt::format("dhcp-range=set:{},::,constructor:{},ra-stateless,ra-names,43200\n",
                            tag_of(range), bridge);
    if (!range.router) // addresses are announced, a way out is not
        text += fmt::format("ra-param={},600,0\n", bridge);
    return text;
}

std::string lines_of(const DhcpRange& range) {
    if (!range.address && !range.address6)
        refuse(range, "address", "there is nothing to serve without one");
    return (range.address ? ipv4_lines(range) : "") + (range.address6 ? ipv6_lines(range) : "");
}

/// In a line of dhcp-hostsfile these are no names but commands and lease times (dnsmasq(8), dhcp-host).
bool is_word_of_dnsmasq(std::string_view name) {
    if (name == "ignore" || name == "infinite")
        return true;
    const auto digits = std::min(name.find_first_not_of("0123456789"), name.size());
    return digits > 0 && (digits == name.size() ||
                          (digits + 1 == name.size() &&
                           std::string_view("smhdw").find(name[digits]) != std::string_view::npos));
}

} // namespace

AddressSpan addresses_for_guests(const Ipv4Prefix& bridge_address) {
    const auto net = ipv4_network(bridge_address);
    if (net.address == net.first || net.address == net.last)
        throw Error(Code::invalid_field, {},
                    {{"address", bridge_address.str() + " is the network's own or its broadcast address"}});
    const auto below = net.address - net.first - 1;
    const auto above = net.last - net.address - 1;
    return above >= below ? AddressSpan{dotted(net.address + 1), dotted(net.last - 1), dotted(net.mask)}
                          : AddressSpan{dotted(net.first + 1), dotted(net.address - 1), dotted(net.mask)};
}

bool keeps_from(const Listener& listener, const DhcpRange& range) {
    const auto begin = listener.address + '/';
    const bool own = (range.address && range.address->str().starts_with(begin)) ||
                     (range.address6 && range.address6->str().starts_with(begin));
    return (listener.port == 53 && own) ||
           (listener.port == 67 && listener.command != "dnsmasq" && (listener.address == "*" || own));
}

std::string dnsmasq_configuration(const std::vector<DhcpRange>& ranges, const DnsmasqFiles& files) {
    if (ranges.empty())
        throw Error(Code::invalid_field, {}, {{"ranges", "are missing"}});
    std::string interfaces;
    std::string spans;
    std::set<SwitchName> names;
    bool announces = false;
    for (const auto& range : ranges) {
        if (!names.insert(range.switch_).second)
            throw Error(Code::invalid_field, {}, {{"ranges", "name " + range.switch_.str() + " twice"}});
        for (const auto& other : ranges)
            if (&other < &range && range.address && other.address &&
                overlap(range.address->str(), other.address->str()))
                throw Error(
                    Code::invalid_field, {},
                    {{"ranges", "overlap: " + range.address->str() + " and " + other.address->str()}});
        interfaces += fmt::format("interface={}\n", bridge_name(range.switch_).str());
        spans += lines_of(range);
        announces = announces || range.address6;
    }
    // bind-interfaces leaves port 53 of all other addresses to others.
    return fmt::format("# Written by bHype; what is changed here is lost.\n"
                       "bind-interfaces\n"
                       "no-hosts\n"
                       "domain-needed\n"
                       "bogus-priv\n"
                       "user={}\n"
                       "pid-file={}\n"
                       "dhcp-leasefile={}\n"
                       "dhcp-hostsfile={}\n"
                       "dhcp-authoritative\n"
                       "{}{}except-interface=lo0\n{}",
                       files.user.str(), files.pid.str(), files.leases.str(), files.hosts.str(),
                       announces ? "enable-ra\n" : "", interfaces, spans);
}

std::string dnsmasq_hosts(const std::vector<DhcpHost>& hosts) {
    std::string text;
    std::set<MacAddress> macs;
    std::map<Ipv4Address, MacAddress> addresses;
    for (const auto& host : hosts) {
        if (!macs.insert(host.mac).second)
            throw Error(Code::invalid_field, {}, {{"hosts", "name " + host.mac.str() + " twice"}});
        if (host.address && !addresses.emplace(*host.address, host.mac).second)
            throw Error(Code::invalid_field, {},
                        {{"hosts", host.address->str() + " is given to " + host.mac.str() + " and " +
                                       addresses.at(*host.address).str()}});
        auto line = host.mac.str();
        if (host.address)
            line += ',' + host.address->str();
        if (!is_word_of_dnsmasq(host.name.str()))
            line += ',' + host.name.str();
        else if (!host.address)
            continue;
        text += line + '\n';
    }
    return text;
}

Command dnsmasq_test(std::string configuration) {
    return {.program = Program::dnsmasq,
            .arguments = {"-C", "-", "--test"},
            .input = std::move(configuration),
            .deadline = std::chrono::seconds(10)};
}

std::string dnsmasq_refusal(const Command& test, const Output& output, std::string_view configuration) {
    constexpr int exit_configuration = 1; // dnsmasq(8), "EXIT CODES"
    if (output.exit_status != exit_configuration) {
        expect_success(test, output);
        return {};
    }
    constexpr std::string_view prefix = "dnsmasq: ";
    constexpr std::string_view place = " at line ";
    std::string text;
    each_line(output.err, [&](std::string_view line) {
        if (!line.empty())
            text = line;
    });
    if (text.starts_with(prefix))
        text.erase(0, prefix.size());
    const auto at = text.find(place);
    if (at == text.npos)
        return text;
    auto rest = std::string_view(text).substr(at + place.size());
    const auto wanted = number<int>(rest.substr(0, rest.find(' ')));
    int line = 0;
    std::string named;
    each_line(configuration, [&](std::string_view one) {
        if (++line == wanted)
            named = one;
    });
    return named.empty() ? text : text.substr(0, at) + ": " + named;
}

Command dnsmasq_start(const DnsmasqFiles& files) {
    return {.program = Program::dnsmasq,
            .arguments = {"-C", files.configuration.str()},
            .input = std::nullopt,
            .deadline = std::chrono::seconds(20)};
}

std::vector<Lease> parse_leases(std::string_view text) {
    std::vector<Lease> leases;
    const auto complete = text.rfind('\n');
    each_line(complete == text.npos ? std::string_view() : text.substr(0, complete),
              [&](std::string_view line) {
                  const auto fields = words(line);
                  if (fields.size() < 4)
                      return;
                  const auto expires =
                      number<std::int64_t>(fields[0]); // "duid", "agent-info" and the like are no leases
                  const auto mac = MacAddress::parse(fields[1]); // IPv6 leases have an IAID here
                  if (expires && mac)
                      leases.push_back({*expires, *mac, std::string(fields[2]),
                                        fields[3] == "*" ? std::string() : std::string(fields[3])});
              });
    return leases;
}

} // namespace bhype::host
