#include "host/dnsmasq.h"

#include "host/ifconfig.h"
#include "host/text.h"

#include <fmt/format.h>

#include <set>

namespace bhype::host {

namespace {

struct Network {
    std::uint32_t address;
    std::uint32_t first; ///< the network's own address
    std::uint32_t last;  ///< broadcast
    std::uint32_t mask;
};

Network network(const Ipv4Prefix& prefix) {
    const auto halves = split(prefix.str(), '/');
    std::uint32_t address = 0;
    for (const auto part : split(halves.at(0), '.'))
        address = address << 8 | number<std::uint32_t>(part).value();
    const auto length = number<unsigned>(halves.at(1)).value();
    const std::uint32_t mask = ~std::uint32_t{0} << (32 - length);
    return {address, address & mask, address | ~mask, mask};
}

std::string dotted(std::uint32_t address) {
    return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

} // namespace

AddressSpan addresses_for_guests(const Ipv4Prefix& bridge_address) {
    const auto net = network(bridge_address);
    if (net.address == net.first || net.address == net.last)
        throw Error(Code::invalid_field, {},
                    {{"address", bridge_address.str() + " is the network's own or its broadcast address"}});
    const auto below = net.address - net.first - 1;
    const auto above = net.last - net.address - 1;
    return above >= below ? AddressSpan{dotted(net.address + 1), dotted(net.last - 1), dotted(net.mask)}
                          : AddressSpan{dotted(net.first + 1), dotted(net.address - 1), dotted(net.mask)};
}

std::string dnsmasq_configuration(const std::vector<DhcpRange>& ranges, const DnsmasqFiles& files) {
    if (ranges.empty())
        throw Error(Code::invalid_field, {}, {{"ranges", "are missing"}});
    std::string interfaces;
    std::string spans;
    std::set<SwitchName> names;
    std::vector<Network> networks;
    for (const auto& range : ranges) {
        const auto net = network(range.address);
        if (!names.insert(range.switch_).second)
            throw Error(Code::invalid_field, {}, {{"ranges", "name " + range.switch_.str() + " twice"}});
        for (const auto& other : networks)
            if (net.first <= other.last && other.first <= net.last)
                throw Error(
                    Code::invalid_field, {},
                    {{"ranges", "overlap: " + range.address.str() + " and " + dotted(other.address)}});
        networks.push_back(net);
        const auto span = addresses_for_guests(range.address);
        const auto& tag = range.switch_.str();
        interfaces += fmt::format("interface={}\n", bridge_name(range.switch_).str());
        spans += fmt::format("dhcp-range=set:{},{},{},{},12h\n", tag, span.first, span.last, span.netmask);
        spans += fmt::format("dhcp-option=tag:{},option:router,{}\n", tag, dotted(net.address));
    }
    // No bind-interfaces: with it dnsmasq refuses to start while a bridge is missing.
    return fmt::format("# Written by bHype; what is changed here is lost.\n"
                       "port=0\n"
                       "no-hosts\n"
                       "user={}\n"
                       "pid-file={}\n"
                       "dhcp-leasefile={}\n"
                       "dhcp-authoritative\n"
                       "{}except-interface=lo0\n{}",
                       files.user.str(), files.pid.str(), files.leases.str(), interfaces, spans);
}

Command dnsmasq_test(const DnsmasqFiles& files) {
    return {.program = Program::dnsmasq,
            .arguments = {"-C", files.configuration.str(), "--test"},
            .input = std::nullopt,
            .deadline = std::chrono::seconds(10)};
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
