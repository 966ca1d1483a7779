#pragma once

#include "lab/commands/pf_hosts.h"
#include "lab/commands/pf_lexer.h"
#include "lab/commands/pf_rule.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace bhype::lab {

using PfRuleset = std::array<std::vector<PfRule>, pf_part_count>; ///< by PfPart

struct PfTableEntry {
    PfNetwork network;
    bool negated{false};
    auto operator<=>(const PfTableEntry&) const = default;
};

struct PfTable {
    bool constant{false}, persist{false}, counters{false};
    bool filled{false}; ///< addresses were given, maybe none
    std::vector<PfTableEntry> entries;
};

/// What "set" lines said; absent: not said.
struct PfSettings {
    std::optional<std::vector<std::string>> skip;
    std::map<std::string, unsigned long> timeouts, limits;
    std::optional<std::string> debug, log_interface;
    bool keep_counters{false};
};

/// A file as parsed: its rules, and those of the anchors written out in it, by path below the ruleset that
/// the file is for.
struct PfParsed {
    std::map<std::string, PfRuleset> rulesets;
    std::map<std::string, PfTable> tables;
    PfSettings settings;
    std::vector<std::pair<std::string, std::string>> load_anchors; ///< anchor and file
    bool good{false};
};

struct PfParseOptions {
    int major_release{14};
    bool verbose{false};        ///< print what is set, as -v does
    bool set_options{true};     ///< false: "set" lines have no effect (an anchor, or -N, -R)
    bool tables{true};          ///< false: tables are not taken over
    bool reserved_names{false}; ///< anchors beginning with "_" may be named
};

/// The grammar of sbin/pfctl/parse.y and what it checks. Complaints go to standard error as pfctl(8) writes
/// them. Throws std::runtime_error for what pf has and the lab has not.
PfParsed parse_pf(PfLexer& lexer, const PfInterfaces& interfaces, const PfParseOptions& options);

/// What a rule's lists stand for, to be multiplied.
struct PfLists {
    struct Interface {
        std::string name;
        bool negated{false};
    };
    struct Icmp {
        int type{-1}, code{-1};
        unsigned protocol{0};
    };
    struct Side {
        std::vector<PfHost> hosts;
        std::vector<PfPort> ports;
    };
    std::vector<Interface> interfaces;
    std::vector<unsigned> protocols;
    std::vector<Icmp> icmp;
    Side source, destination;
};

/// expand_rule() there: appends one rule for each combination that makes sense, in its order.
void expand(const PfRule& rule, PfLists lists, PfLexer& lexer, std::vector<PfRule>& rules);

/// Files named in "include" and "table file"; empty if it cannot be read, with errno.
std::optional<std::string> read_pf_file(const std::string& path);

extern const std::vector<std::pair<std::string, unsigned long>> pf_timeouts, pf_limits;

} // namespace bhype::lab
