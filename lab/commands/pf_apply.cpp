#include "lab/commands/pf_apply.h"

#include "lab/commands/interfaces.h"
#include "lab/commands/process.h"
#include "lab/commands/sysctl_table.h"
#include "lab/commands/text.h"
#include "lab/core/command.h"

#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <fmt/format.h>

namespace bhype::lab {

namespace fs = std::filesystem;

namespace {

constexpr const char* no_tables = "table inet pf {}\ndelete table inet pf\n";

fs::path applied_file() {
    return run_dir() / "pf.nft";
}

bool has_rules(const PfKernel& kernel) {
    const auto& main = kernel.rulesets.at("");
    return std::any_of(main.begin(), main.end(), [](const auto& rules) { return !rules.empty(); });
}

void add_members(Interfaces& interfaces, const Interface& bridge, std::set<std::string>& names) {
    for (const auto& member : bridge.members)
        if (const auto* port = interfaces.find(member.index))
            names.insert(port->name());
}

/// Bridges with something to forward between, and their members.
std::set<std::string> bridged_interfaces() {
    std::set<std::string> names;
    Interfaces interfaces(false);
    for (const auto& bridge : interfaces.all) {
        if (bridge.members.size() < 2)
            continue;
        names.insert(bridge.name());
        add_members(interfaces, bridge, names);
    }
    return names;
}

/// Members of the bridge of that name.
std::set<std::string> members_of(const std::string& bridge) {
    std::set<std::string> names;
    Interfaces interfaces(false);
    for (const auto& one : interfaces.all)
        if (one.name() == bridge)
            add_members(interfaces, one, names);
    return names;
}

/// Whether a rule "on ! BRIDGE tagged T" leaves alone what BRIDGE forwards: T comes from that bridge alone,
/// and a quick rule before lets T leave by all of its members.
bool spares_bridged(const std::vector<PfRule>& rules, std::size_t at, const PfInterfaces& interfaces) {
    const auto& rule = rules[at];
    if (rule.tagged.empty() || rule.tagged_not || !rule.interface_not || rule.direction != 'o')
        return false;
    for (const auto& other : rules)
        if (other.tag == rule.tagged && (other.interface != rule.interface || other.interface_not))
            return false;
    auto left = members_of(rule.interface);
    for (std::size_t i = 0; i < at; ++i) {
        const auto& pass = rules[i];
        const bool whole = pass.action == PfAction::pass && pass.quick && pass.direction == 'o' &&
                           pass.tagged == rule.tagged && !pass.tagged_not && !pass.interface_not &&
                           !pass.protocol && pass.source.address.is_any() &&
                           pass.destination.address.is_any() &&
                           (pass.family == 0 || pass.family == rule.family);
        if (whole)
            for (const auto& name : pf_members(interfaces, pass.interface))
                left.erase(name);
    }
    return left.empty();
}

/// net.link.bridge.pfil_*: whether packets that pass a bridge would meet one of these rules.
void refuse_filtered_bridges(const PfKernel& kernel, const PfInterfaces& interfaces) {
    const auto is_set = [](const char* name) {
        const auto value = sysctl_value(name);
        return !value.empty() && value != "0";
    };
    if (!is_set("net.link.bridge.pfil_member") && !is_set("net.link.bridge.pfil_bridge"))
        return;
    const auto bridged = bridged_interfaces();
    const auto concerns = [&](const PfRule& rule) {
        const bool translates =
            part_of(rule.action) != PfPart::filter && part_of(rule.action) != PfPart::scrub;
        if (bridged.empty() || !rule.anchor.empty() || (rule.action != PfAction::block && !translates))
            return false;
        const auto names = pf_members(interfaces, rule.interface);
        return rule.interface.empty() || rule.interface_not ||
               std::any_of(names.begin(), names.end(),
                           [&](const auto& name) { return bridged.contains(name); });
    };
    for (const auto& [path, ruleset] : kernel.rulesets)
        for (const auto& rules : ruleset)
            for (std::size_t at = 0; at < rules.size(); ++at)
                if (concerns(rules[at]) && !spares_bridged(rules, at, interfaces))
                    throw std::runtime_error(
                        "'" + text_of(rules[at]) +
                        "' would act on what bridges forward (net.link.bridge.pfil_member, "
                        "pfil_bridge), which is not provided by the lab");
}

std::string wanted_tables(const PfKernel& kernel, const PfInterfaces& interfaces,
                          const PfCounters& counters) {
    if (!kernel.enabled || !has_rules(kernel))
        return "";
    refuse_filtered_bridges(kernel, interfaces);
    return pf_nft_script(kernel, interfaces, counters);
}

Finished conntrack(std::vector<std::string> words) {
    words.insert(words.begin(), linux_program("conntrack"));
    return run_captured(words);
}

void write_file(const fs::path& file, const std::string& text) {
    std::ofstream(file, std::ios::trunc) << text;
}

/// Puts a whole line of processing in place; `plain` is the text without counters, to compare with later.
void put_in_place(const std::string& script, const std::string& plain, const std::string& before) {
    const auto result = run_captured({linux_program("nft"), "-f", "-"}, no_tables + script);
    if (result.status != 0)
        throw std::runtime_error("nft(8) refused what pf would do: " +
                                 result.err.substr(0, result.err.find('\n')));
    write_file(applied_file(), plain);
    if (script.find("dnat ip to 127.") != std::string::npos)
        write_file("/proc/sys/net/ipv4/conf/all/route_localnet", "1");
    // A connection without a state is judged, and translated, anew with its next packet.
    if (!before.empty() || !script.empty())
        conntrack({"-D", "-m", "0/3"});
}

std::string word_after(const std::string& line, const std::string& name, std::size_t from = 0) {
    const auto at = line.find(' ' + name + '=', from);
    if (at == std::string::npos)
        return {};
    const auto begin = at + name.size() + 2;
    return line.substr(begin, line.find(' ', begin) - begin);
}

unsigned number_after(const std::string& line, const std::string& name, std::size_t from = 0) {
    const auto word = word_after(line, name, from);
    return word.empty() ? 0 : static_cast<unsigned>(std::stoul(word));
}

} // namespace

PfCounters pf_counters() {
    PfCounters counters;
    if (read_file(applied_file()).empty())
        return counters;
    std::istringstream words(
        run_captured({linux_program("nft"), "list", "counters", "table", "inet", "pf"}).out);
    std::string word, name;
    while (words >> word) {
        if (word == "counter")
            words >> name;
        else if (word == "packets")
            words >> counters[name].packets;
        else if (word == "bytes")
            words >> counters[name].bytes;
    }
    return counters;
}

void pf_apply(const PfKernel& kernel, const PfInterfaces& interfaces) {
    const auto before = read_file(applied_file());
    const auto plain = wanted_tables(kernel, interfaces, {});
    if (plain == before)
        return;
    put_in_place(wanted_tables(kernel, interfaces, pf_counters()), plain, before);
}

void pf_unload() {
    PfStore store({});
    store.kernel = {};
    pf_apply(store.kernel, {});
    store.save();
    fs::remove("/dev/pf");
}

std::vector<PfStateEntry> pf_states() {
    std::vector<PfStateEntry> states;
    std::istringstream lines(conntrack({"-L", "-o", "extended"}).out);
    // "ipv4 2 tcp 6 431999 ESTABLISHED src=.. dst=.. sport=.. dport=.. src=.. (reply) .. [ASSURED] mark=N
    // use=1"
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        std::string family, name, phase, skipped;
        unsigned protocol = 0;
        fields >> family >> skipped >> name >> protocol >> skipped >> phase;
        const unsigned mark = number_after(line, "mark");
        const auto first = line.find(" src="), second = line.find(" src=", first + 1);
        if (second == std::string::npos || !(mark & (pf_in_state | pf_out_state)))
            continue;
        const bool icmp = !word_after(line, "type").empty();
        const auto port = [&](const char* which, std::size_t from) {
            return icmp ? number_after(line, "id", from) : number_after(line, which, from);
        };
        PfStateEntry entry;
        entry.protocol = protocol;
        entry.phase = phase.find('=') == std::string::npos ? phase : "";
        entry.answered = line.find("[UNREPLIED]") == std::string::npos;
        const auto source = word_after(line, "src", first), destination = word_after(line, "dst", first);
        const auto back_from = word_after(line, "src", second), back_to = word_after(line, "dst", second);
        entry.key = {"-f", family, "-p", name, "-s", source, "-d", destination};
        if (icmp)
            for (const char* option : {"type", "code", "id"})
                entry.key.insert(entry.key.end(),
                                 {std::string("--icmp") + (family == "ipv6" ? "v6-" : "-") + option,
                                  word_after(line, option, first)});
        else if (!word_after(line, "sport").empty())
            entry.key.insert(entry.key.end(), {"--sport", word_after(line, "sport", first), "--dport",
                                               word_after(line, "dport", first)});
        if (mark & pf_in_state) {
            auto in = entry;
            in.source = in.inner_source = source;
            in.source_port = in.inner_source_port = port("sport", first);
            in.destination = destination;
            in.destination_port = port("dport", first);
            in.inner_destination = back_from;
            in.inner_destination_port = port("sport", second);
            in.rule = mark >> pf_in_shift & pf_rule_bits;
            states.push_back(in);
        }
        if (mark & pf_out_state) {
            auto out = entry;
            out.out = true;
            out.inner_source = source;
            out.inner_source_port = port("sport", first);
            out.source = back_to;
            out.source_port = port("dport", second);
            out.destination = out.inner_destination = back_from;
            out.destination_port = out.inner_destination_port = port("sport", second);
            out.rule = mark >> pf_out_shift & pf_rule_bits;
            states.push_back(out);
        }
    }
    return states;
}

int kill_states(const std::function<bool(const PfStateEntry&)>& which) {
    int killed = 0;
    for (const auto& state : pf_states()) {
        if (!which(state))
            continue;
        auto words = state.key;
        words.insert(words.begin(), "-D");
        conntrack(words);
        ++killed;
    }
    return killed;
}

void watch_pf() {
    const int routes = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
    const int files = inotify_init1(IN_CLOEXEC);
    if (routes < 0 || files < 0 || bind(routes, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        inotify_add_watch(files, run_dir().c_str(), IN_CLOSE_WRITE | IN_MOVED_TO) < 0)
        throw std::system_error(errno, std::generic_category(), "watch of pf");
    while (true) {
        pollfd events[] = {{routes, POLLIN, 0}, {files, POLLIN, 0}};
        poll(events, 2, -1);
        char buffer[65536];
        bool concerned = events[0].revents && recv(routes, buffer, sizeof buffer, MSG_DONTWAIT) > 0;
        if (events[1].revents) {
            const auto size = read(files, buffer, sizeof buffer);
            for (ssize_t at = 0; at < size;) {
                const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
                concerned = concerned || (event->len && event->name == std::string("interfaces"));
                at += static_cast<ssize_t>(sizeof *event + event->len);
            }
        }
        if (!concerned || !fs::exists(applied_file()))
            continue;
        try {
            const auto interfaces = pf_interfaces();
            const PfStore store(interfaces);
            pf_apply(store.kernel, interfaces);
        } catch (const std::exception& error) {
            std::cerr << "lab: pf: the rules stay as they were: " << error.what() << std::endl;
        }
    }
}

} // namespace bhype::lab
