#include "host/pf.h"

#include "host/address.h"
#include "host/ifconfig.h"
#include "host/text.h"

#include <fmt/format.h>

#include <set>

namespace bhype::host {

namespace {

constexpr std::string_view translation_begin = "# bHype translation: begin\n";
constexpr std::string_view translation_end = "# bHype translation: end\n";
constexpr std::string_view filter_begin = "# bHype filter: begin\n";
constexpr std::string_view filter_end = "# bHype filter: end\n";
constexpr std::string_view translation_lines = "nat-anchor \"bhype/*\"\nrdr-anchor \"bhype/*\"\n";
constexpr std::string_view filter_lines = "anchor \"bhype/*\"\n";

Command pfctl(std::vector<std::string> arguments, std::optional<std::string> input = std::nullopt) {
    return {.program = Program::pfctl,
            .arguments = std::move(arguments),
            .input = std::move(input),
            .deadline = std::chrono::seconds(20)};
}

std::string nat_rules(const FirewallSwitch& item, const WaysOut& ways) {
    const auto rule = [&](const std::optional<InterfaceName>& way, std::string_view family,
                          const std::string& network) {
        return way ? fmt::format("nat on {0} {1} from {2} to any -> ({0}:0)\n", way->str(), family, network)
                   : fmt::format("# no default route: no {} NAT for {}\n", family, item.switch_.str());
    };
    std::string text;
    if (item.address)
        text += rule(item.uplink ? item.uplink : ways.inet, "inet", ipv4_network(*item.address).str());
    if (item.address6)
        text += rule(item.uplink ? item.uplink : ways.inet6, "inet6", ipv6_network(*item.address6));
    return text;
}

std::string forward_rule(const FirewallForward& item, const WaysOut& ways) {
    const auto& way = item.uplink ? item.uplink : ways.inet;
    const auto protocol = item.protocol == Protocol::tcp ? "tcp" : "udp";
    if (!way)
        return fmt::format("# no default route: no forward of {} port {}\n", protocol, item.port.value);
    return fmt::format("rdr pass on {} inet proto {} from any to {} port {} -> {} port {}\n", way->str(),
                       protocol, item.from ? item.from->str() : '(' + way->str() + ')', item.port.value,
                       item.to.str(), item.to_port.value);
}

/// A bridge's rules see what is routed or meant for the host, and on 13 what is bridged as well
/// (net.link.bridge.pfil_bridge): from guest to guest of one network passes, whatever follows.
std::string filter_rules(const FirewallSwitch& item) {
    const auto on = bridge_name(item.switch_).str();
    std::string text = fmt::format("# switch {}\n", item.switch_.str());
    if (item.address)
        text += fmt::format("pass in quick on {} inet proto udp from any port 68 to any port 67\n", on);
    const auto of_family = [&](std::string_view family, std::string_view icmp, const std::string& told,
                               const std::string& network, std::string_view own) {
        text += fmt::format("pass in quick on {} {} proto {} from any to {}\n", on, family, icmp, told);
        // Guests of a private switch would reach the outside by way of names.
        if (item.nat)
            text += fmt::format("pass in quick on {} {} proto {{ tcp udp }} from {} to {} port 53\n", on,
                                family, network, own);
        if (!item.reach_host)
            text += fmt::format("block return in quick on {} {} from any to (self)\n", on, family);
        text += item.nat
                    ? fmt::format("pass in quick on {} {} from {} to any\n", on, family, network)
                    : fmt::format("block return in quick on {} {} from any to ! {}\n", on, family, network);
        text += fmt::format("pass out quick on {} {} from (self) to any\n", on, family);
        if (!item.nat)
            text += fmt::format("block return out quick on {} {} from ! {} to any\n", on, family, network);
    };
    // Of a family that the switch has no network of, guests have what they like among themselves. It is known
    // by a tag, not by addresses: what is bridged leaves by a tap, what would be routed by anything else.
    const auto without_network = [&](std::string_view family) {
        const auto tag = "bhype-" + item.switch_.str();
        text += fmt::format("block return in quick on {0} {1} from any to (self)\n"
                            "pass in quick on {0} {1} from any to any no state tag {2}\n"
                            "pass out quick on tap {1} from any to any no state tagged {2}\n"
                            "block return out quick on ! {0} {1} from any to any tagged {2}\n",
                            on, family, tag);
    };
    if (item.address) {
        const auto own = item.address->str().substr(0, item.address->str().find('/'));
        of_family("inet", "icmp", own, ipv4_network(*item.address).str(), own);
    } else {
        without_network("inet");
    }
    if (item.address6) {
        const auto own6 = item.address6->str().substr(0, item.address6->str().find('/'));
        // Neighbour discovery, which guests of one network need among themselves as well.
        of_family("inet6", "ipv6-icmp", "{ " + own6 + " fe80::/10 ff02::/16 }", ipv6_network(*item.address6),
                  own6);
    } else {
        without_network("inet6");
    }
    return text;
}

std::string without(std::string text, std::string_view begin, std::string_view end) {
    const auto from = text.find(begin);
    const auto to = from == text.npos ? text.npos : text.find(end, from);
    return to == text.npos ? text : text.erase(from, to + end.size() - from);
}

/// Where the first filter rule begins: pf.conf(5), "statement order".
std::size_t first_filter_rule(std::string_view text) {
    static const std::set<std::string_view> openers{"pass", "block", "match", "antispoof", "anchor", "load"};
    std::size_t at = 0;
    bool continued = false;
    while (at < text.size()) {
        const auto end = std::min(text.find('\n', at), text.size());
        const auto line = text.substr(at, end - at);
        const auto fields = words(line);
        if (!continued && !fields.empty() && openers.contains(fields[0].substr(0, fields[0].find('"'))))
            return at;
        continued = line.ends_with('\\');
        at = end + 1;
    }
    return text.size();
}

} // namespace

std::string pf_rules(const FirewallEnsure& wanted, const WaysOut& ways) {
    std::string text;
    for (const auto& item : wanted.switches)
        if (item.nat)
            text += nat_rules(item, ways);
    std::set<std::string> taken;
    for (const auto& item : wanted.forwards) {
        const auto key = fmt::format("{} {} {}", static_cast<int>(item.protocol),
                                     item.from ? item.from->str() : "", item.port.value);
        if (!taken.insert(key).second)
            throw Error(Code::invalid_field, {}, {{"forwards", "forward one port twice: " + key}});
        text += forward_rule(item, ways);
    }
    for (const auto& item : wanted.switches)
        text += filter_rules(item);
    return text;
}

Command pfctl_test(std::string rules) {
    return pfctl({"-n", "-a", std::string(pf_anchor), "-f", "-"}, std::move(rules));
}
Command pfctl_load(std::string rules) {
    return pfctl({"-a", std::string(pf_anchor), "-f", "-"}, std::move(rules));
}
Command pfctl_test_file(const HostPath& file) {
    return pfctl({"-n", "-f", file.str()});
}
Command pfctl_load_file(const HostPath& file) {
    return pfctl({"-f", file.str()});
}
Command pfctl_enable() {
    return pfctl({"-e"});
}
Command pfctl_running() {
    return pfctl({"-s", "Running"});
}
Command pfctl_show(PfShow what, bool anchor) {
    std::vector<std::string> arguments;
    if (anchor)
        arguments = {"-v", "-a", std::string(pf_anchor)};
    arguments.insert(arguments.end(), {"-s", what == PfShow::nat ? "nat" : "rules"});
    return pfctl(std::move(arguments));
}

PfCalls parse_pf_calls(std::string_view nat, std::string_view rules) {
    PfCalls calls;
    const auto calls_ours = [](std::string_view line) {
        return line.find("\"bhype/*\"") != line.npos || line.find("\"*\"") != line.npos;
    };
    each_line(nat, [&](std::string_view line) {
        calls.nat = calls.nat || (line.starts_with("nat-anchor") && calls_ours(line));
        calls.rdr = calls.rdr || (line.starts_with("rdr-anchor") && calls_ours(line));
    });
    each_line(rules, [&](std::string_view line) {
        calls.filter = calls.filter || (line.starts_with("anchor") && calls_ours(line));
    });
    return calls;
}

std::string pf_conf_lines() {
    return fmt::format("{}{}{}{}{}{}", translation_begin, translation_lines, translation_end, filter_begin,
                       filter_lines, filter_end);
}

ConfState pf_conf_state(std::string_view pf_conf) {
    bool nat = false;
    bool rdr = false;
    bool filter = false;
    each_line(pf_conf, [&](std::string_view line) {
        const auto fields = words(line);
        const bool ours = fields.size() >= 2 && (fields[1] == "\"bhype/*\"" || fields[1] == "\"*\"");
        nat = nat || (ours && fields[0] == "nat-anchor");
        rdr = rdr || (ours && fields[0] == "rdr-anchor");
        filter = filter || (ours && fields[0] == "anchor");
    });
    return nat && rdr && filter   ? ConfState::complete
           : nat || rdr || filter ? ConfState::partial
                                  : ConfState::missing;
}

bool pf_conf_has_own_rules(std::string_view pf_conf) {
    bool own = false;
    each_line(pf_conf_candidate(pf_conf, false), [&](std::string_view line) {
        const auto fields = words(line);
        own = own || (!fields.empty() && !fields[0].starts_with('#'));
    });
    return own;
}

std::string pf_conf_candidate(std::string_view pf_conf, bool present) {
    auto text =
        without(without(std::string(pf_conf), translation_begin, translation_end), filter_begin, filter_end);
    if (!present)
        return text;
    if (!text.empty() && text.back() != '\n')
        text += '\n';
    text.insert(first_filter_rule(text),
                fmt::format("{}{}{}", translation_begin, translation_lines, translation_end));
    return text + fmt::format("{}{}{}", filter_begin, filter_lines, filter_end);
}

} // namespace bhype::host
