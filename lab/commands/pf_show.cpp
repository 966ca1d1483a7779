#include "lab/commands/pfctl.h"
#include "lab/core/command.h"

#include <netdb.h>

#include <algorithm>
#include <ctime>
#include <iostream>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

/// -s: each member one modifier.
class Show {
  public:
    Show(const PfctlOptions& options, const PfKernel& kernel) : options_(options), kernel_(kernel) {}

    int run() {
        const auto& what = options_.show;
        if (what == "rules")
            rules(options_.anchor, 0, false);
        else if (what == "nat")
            nat(options_.anchor, 0, false);
        else if (what == "labels")
            labels(options_.anchor);
        else if (what == "Anchors")
            anchors(options_.anchor);
        else if (what == "states")
            states();
        else if (what == "info")
            info();
        else if (what == "Running")
            std::cout << (kernel_.enabled ? "Enabled\n" : "Disabled\n");
        else if (what == "timeouts")
            timeouts();
        else if (what == "memory")
            limits();
        else if (what == "Tables")
            tables();
        else if (what == "all")
            all();
        else if (what != "ether" && what != "Sources")
            throw std::runtime_error("-s " + what + " is not provided by the lab");
        return what == "Running" && !kernel_.enabled ? 1 : 0;
    }

  private:
    void title(const std::string& text) {
        if (options_.show == "all")
            std::cout << (first_title_ ? "" : "\n") << text << '\n';
        first_title_ = false;
    }

    std::string indent(unsigned depth) const { return std::string(options_.verbose ? 0 : 2 * depth, ' '); }

    const PfCounters& counters() {
        if (!counters_)
            counters_ = pf_counters();
        return *counters_;
    }

    const std::vector<PfStateEntry>& all_states() {
        if (!states_)
            states_ = pf_states();
        return *states_;
    }

    PfCounter counter(char kind, const PfRule& rule) {
        const auto found = counters().find(fmt::format("{}{}", kind, rule.id));
        return found == counters().end() ? PfCounter{} : found->second;
    }

    std::size_t states_of(const PfRule& rule) {
        const auto& states = all_states();
        return static_cast<std::size_t>(std::count_if(states.begin(), states.end(), [&](const auto& state) {
            return state.rule == (rule.id & pf_rule_bits);
        }));
    }

    /// pfctl_print_rule_counters()
    void print_counters(const PfRule& rule) {
        if (!options_.verbose)
            return;
        const auto count = counter('r', rule);
        const auto states = states_of(rule);
        std::cout << fmt::format("  [ Evaluations: {:<8}  Packets: {:<8}  Bytes: {:<10}  States: {:<6}]\n",
                                 counter('e', rule).packets, count.packets, count.bytes, states);
        if (major_release() >= 15)
            std::cout << fmt::format(
                "  [ Source Nodes: {0:<6} Limit: {0:<6} NAT/RDR: {0:<6} Route: {0:<6} ]\n", 0);
        std::cout << fmt::format("  [ Inserted: uid 0 pid {} State Creations: {:<6}]\n", rule.loaded_by,
                                 states);
        if (options_.verbose > 1 && major_release() >= 14)
            std::cout << "  [ Last Active Time: N/A ]\n";
    }

    /// What the kernel answers about a ruleset that is not there.
    bool is_there(const std::string& path, bool of_rules) {
        if (kernel_.has_anchor(path))
            return true;
        std::cerr << (of_rules && major_release() >= 15 ? "pfctl: Anchor does not exist\n"
                                                        : "pfctl: DIOCGETRULES: Invalid argument\n");
        return false;
    }

    static bool is_unnamed(const std::string& call) {
        const auto slash = call.rfind('/');
        return !call.empty() && call[slash == std::string::npos ? 0 : slash + 1] == '_';
    }

    template <class Below>
    void one_rule(const std::string& path, const PfRule& rule, std::size_t number, unsigned depth,
                  Below below) {
        std::cout << indent(depth) << pf_rule_text(options_, kernel_, path, rule, number);
        if (rule.anchor.empty() || !(is_unnamed(rule.anchor) || options_.recurse)) {
            std::cout << '\n';
            return print_counters(rule);
        }
        std::cout << " {\n";
        print_counters(rule);
        const auto call = resolve(path, rule.anchor);
        below(call.path, depth + 1, call.all_below);
        std::cout << indent(depth) << "}\n";
    }

    template <class Each>
    void children(const std::string& path, const char* word, unsigned depth, Each each) {
        for (const auto& child : kernel_.below(path)) {
            std::cout << indent(depth)
                      << fmt::format("{} \"{}\" all {{\n", word, child.substr(path.size() + !path.empty()));
            each(child, depth + 1, false);
            std::cout << indent(depth) << "}\n";
        }
    }

    void rules(const std::string& path, unsigned depth, bool wildcard) {
        const auto below = [this](const std::string& p, unsigned d, bool w) { rules(p, d, w); };
        if (wildcard && options_.recurse)
            return children(path, "anchor", depth, below);
        if (!is_there(path, true))
            return;
        if (depth == 0)
            title("FILTER RULES:");
        for (const auto part : {PfPart::scrub, PfPart::filter}) {
            const auto& list = kernel_.rulesets.at(path)[static_cast<std::size_t>(part)];
            for (std::size_t i = 0; i < list.size(); ++i)
                one_rule(path, list[i], i, depth, below);
        }
    }

    void nat(const std::string& path, unsigned depth, bool wildcard) {
        const auto below = [this](const std::string& p, unsigned d, bool w) { nat(p, d, w); };
        if (wildcard && options_.recurse)
            return children(path, "nat-anchor", depth, below);
        if (!is_there(path, false))
            return;
        bool titled = depth > 0;
        for (const auto part : {PfPart::nat, PfPart::rdr, PfPart::binat}) {
            const auto& list = kernel_.rulesets.at(path)[static_cast<std::size_t>(part)];
            for (std::size_t i = 0; i < list.size(); ++i) {
                if (!titled)
                    title("TRANSLATION RULES:");
                titled = true;
                one_rule(path, list[i], i, depth, below);
            }
        }
    }

    void labels(const std::string& path) {
        if (!is_there(path, true))
            return;
        for (const auto& rule : kernel_.rulesets.at(path)[static_cast<std::size_t>(PfPart::filter)]) {
            if (!rule.labels.empty()) {
                for (const auto& label : rule.labels)
                    std::cout << label << ' ';
                const auto count = counter('r', rule);
                std::cout << fmt::format("{} {} {} {} {} 0 0 {}\n", counter('e', rule).packets, count.packets,
                                         count.bytes, count.packets, count.bytes, states_of(rule));
            }
            if (!rule.anchor.empty() && (is_unnamed(rule.anchor) || options_.recurse))
                for (const auto call = resolve(path, rule.anchor);
                     const auto& below : call.all_below ? kernel_.below(call.path) : std::vector{call.path})
                    labels(below);
        }
    }

    /// 15 walks the whole tree, earlier ones only with -v.
    void anchors(const std::string& path) {
        if (!kernel_.has_anchor(path)) {
            std::cerr << fmt::format("Anchor '{}' not found.\n", path);
            return;
        }
        for (const auto& child : kernel_.below(path)) {
            if (child[0] != '_' || options_.verbose)
                std::cout << "  " << child << '\n';
            if (options_.verbose || major_release() >= 15)
                anchors(child);
        }
        if (path == options_.anchor && options_.verbose > 1 && major_release() >= 15)
            std::cout << "Ethernet:\n";
    }

    static std::string host_text(const std::string& address, unsigned port) {
        if (!port)
            return address;
        return address.find(':') == std::string::npos ? fmt::format("{}:{}", address, port)
                                                      : fmt::format("{}[{}]", address, port);
    }

    /// print_state(): the words of tcpstates[] and PFUDPS_NAMES that fit best.
    static std::string phase_text(const PfStateEntry& state) {
        if (state.protocol == IPPROTO_ICMP || state.protocol == IPPROTO_ICMPV6)
            return "0:0";
        if (state.protocol != IPPROTO_TCP)
            return state.answered ? "MULTIPLE:MULTIPLE"
                   : state.out    ? "SINGLE:NO_TRAFFIC"
                                  : "NO_TRAFFIC:SINGLE";
        if (state.phase == "SYN_SENT")
            return state.out ? "SYN_SENT:CLOSED" : "CLOSED:SYN_SENT";
        if (state.phase == "SYN_RECV")
            return "SYN_SENT:SYN_SENT";
        if (state.phase == "ESTABLISHED")
            return "ESTABLISHED:ESTABLISHED";
        if (state.phase == "TIME_WAIT" || state.phase == "CLOSE")
            return "TIME_WAIT:TIME_WAIT";
        return "FIN_WAIT_2:FIN_WAIT_2";
    }

    void states() {
        if (options_.verbose || options_.interface)
            throw std::runtime_error("-s states with -v or -i is not provided by the lab");
        if (!all_states().empty())
            title("STATES:");
        for (const auto& state : all_states()) {
            const auto* protocol = getprotobynumber(static_cast<int>(state.protocol));
            auto source = host_text(state.source, state.source_port);
            auto destination = host_text(state.destination, state.destination_port);
            const auto inner_source = host_text(state.inner_source, state.inner_source_port);
            const auto inner_destination = host_text(state.inner_destination, state.inner_destination_port);
            if (inner_source != source)
                source += " (" + inner_source + ")";
            if (inner_destination != destination)
                destination = inner_destination + " (" + destination + ")";
            std::cout << fmt::format("all {} {} {} {}       {}\n",
                                     protocol ? protocol->p_name : std::to_string(state.protocol),
                                     state.out ? source : destination, state.out ? "->" : "<-",
                                     state.out ? destination : source, phase_text(state));
        }
    }

    /// print_status()
    void info() {
        title("INFO:");
        const auto run = kernel_.since ? std::time(nullptr) - kernel_.since : 0;
        std::string status = kernel_.enabled ? "Status: Enabled" : "Status: Disabled";
        if (kernel_.since)
            status += fmt::format(" for {} days {:02}:{:02}:{:02}", run / 86400, run / 3600 % 24,
                                  run / 60 % 60, run % 60);
        std::cout << fmt::format("{:<44}{:>15}\n\n", status,
                                 kernel_.debug == "none"   ? "Debug: None"
                                 : kernel_.debug == "misc" ? "Debug: Misc"
                                 : kernel_.debug == "loud" ? "Debug: Loud"
                                                           : "Debug: Urgent");
        if (options_.verbose)
            throw std::runtime_error("-s info with -v is not provided by the lab");
        std::uint64_t matches = 0;
        for (const auto& [name, count] : counters())
            matches += name[0] == 'r' ? count.packets : 0;
        const auto line = [&](const char* name, std::uint64_t value) {
            std::cout << fmt::format("  {:<25} {:>14} ", name, value)
                      << (run > 0 ? fmt::format("{:>14.1f}/s\n",
                                                static_cast<double>(value) / static_cast<double>(run))
                                  : fmt::format("{:>14}\n", ""));
        };
        std::cout << fmt::format("{:<27} {:>14} {:>16}\n", "State Table", "Total", "Rate")
                  << fmt::format("  {:<25} {:>14} {:>14}\n", "current entries", all_states().size(), "");
        for (const char* name : {"searches", "inserts", "removals"})
            line(name, 0);
        std::cout << "Counters\n";
        line("match", matches);
        for (const char* name : {"bad-offset", "fragment", "short", "normalize", "memory", "bad-timestamp",
                                 "congestion", "ip-option", "proto-cksum", "state-mismatch", "state-insert",
                                 "state-limit", "src-limit", "synproxy", "map-failed"})
            line(name, 0);
        if (major_release() >= 15)
            line("translate", 0);
    }

    void timeouts() {
        title("TIMEOUTS:");
        for (const auto& [name, standard] : pf_timeouts) {
            const auto set = kernel_.timeouts.find(name);
            std::cout << fmt::format("{:<20} {:>10}{}\n", name,
                                     set == kernel_.timeouts.end() ? standard : set->second,
                                     name.starts_with("adaptive") ? " states" : "s");
        }
    }

    void limits() {
        title("LIMITS:");
        for (const auto& [name, standard] : pf_limits) {
            const auto set = kernel_.limits.find(name);
            std::cout << fmt::format("{:<13} hard limit {:>8}\n", name,
                                     set == kernel_.limits.end() ? standard : set->second);
        }
    }

    void tables() {
        bool titled = false;
        if (options_.verbose > 1)
            throw std::runtime_error("-s Tables with -vv is not provided by the lab");
        for (const auto& [key, table] : kernel_.tables) {
            if (key.first != options_.anchor)
                continue;
            if (!titled)
                title("TABLES:");
            titled = true;
            if (options_.verbose)
                std::cout << fmt::format("{}{}a-{}-{}\t{}{}\n", table.constant ? 'c' : '-',
                                         table.persist ? 'p' : '-', is_named(key.second) ? 'r' : '-',
                                         table.counters ? 'C' : '-', key.second,
                                         key.first.empty() ? "" : "\t" + key.first);
            else
                std::cout << key.second << '\n';
        }
    }

    bool is_named(const std::string& name) const {
        const auto names = [&](const PfPeer& peer) {
            return peer.address.kind == PfAddress::Kind::table && peer.address.name == name;
        };
        for (const auto& [path, ruleset] : kernel_.rulesets)
            for (const auto& list : ruleset)
                for (const auto& rule : list)
                    if (names(rule.source) || names(rule.destination))
                        return true;
        return false;
    }

    void all() {
        nat(options_.anchor, 0, false);
        rules(options_.anchor, 0, false);
        states();
        info();
        labels(options_.anchor);
        timeouts();
        limits();
        tables();
        title("OS FINGERPRINTS:");
        std::cout << "0 fingerprints loaded\n";
    }

    const PfctlOptions& options_;
    const PfKernel& kernel_;
    std::optional<PfCounters> counters_;
    std::optional<std::vector<PfStateEntry>> states_;
    bool first_title_{true};
};

} // namespace

std::string pf_rule_text(const PfctlOptions& options, const PfKernel& kernel, const std::string& path,
                         const PfRule& rule, std::size_t number) {
    PfPrintOptions print{.numeric = options.numeric};
    if (options.verbose > 1) {
        print.number = static_cast<int>(number);
        print.details = true;
        print.count = [&](const PfAddress& address) {
            if (address.kind == PfAddress::Kind::dynamic)
                return static_cast<int>(pf_addresses(pf_interfaces(), address, rule.family).size());
            const auto* table = kernel.find_table(path, address.name);
            return table ? static_cast<int>(table->entries.size()) : -1;
        };
    }
    return text_of(rule, print);
}

int pf_show(const PfctlOptions& options, const PfKernel& kernel) {
    return Show(options, kernel).run();
}

} // namespace bhype::lab
