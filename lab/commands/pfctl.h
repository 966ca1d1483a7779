#pragma once

#include "lab/commands/pf_apply.h"
#include "lab/commands/pf_kernel.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bhype::lab {

/// pfctl(8)'s command line.
struct PfctlOptions {
    std::string anchor; ///< of -a, without "/*"
    bool recurse{false}, no_action{false}, quiet{false}, numeric{false};
    bool enable{false}, disable{false}, merge{false};
    int verbose{0};
    bool load_nat{true}, load_rules{true}, load_options{true}; ///< -N, -R, -O
    std::optional<std::string> file, interface, table;
    std::string show, clear, table_command, debug; ///< as the lists have them; empty: not asked for
    std::vector<std::string> kill, rest;
    std::vector<std::pair<std::string, std::string>> macros;
};

/// Prints what -s asks for; returns the exit status.
int pf_show(const PfctlOptions& options, const PfKernel& kernel);
/// One rule, its counters behind it.
std::string pf_rule_text(const PfctlOptions& options, const PfKernel& kernel, const std::string& path,
                         const PfRule& rule, std::size_t number);

/// -t TABLE -T COMMAND ADDRESS...; returns the exit status. Changes `kernel` unless options.no_action.
int pf_table(const PfctlOptions& options, PfKernel& kernel, const PfInterfaces& interfaces);

} // namespace bhype::lab
