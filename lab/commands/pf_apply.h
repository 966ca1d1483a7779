#pragma once

#include "lab/commands/pf_kernel.h"
#include "lab/commands/pf_nft.h"

#include <string>
#include <vector>

namespace bhype::lab {

/// Puts the rules into effect, or takes them away while pf is disabled; counters go on unless a rule is new.
/// Throws std::runtime_error, with nothing changed, for what the lab cannot do.
void pf_apply(const PfKernel& kernel, const PfInterfaces& interfaces);

/// What the rules have counted until now.
PfCounters pf_counters();

/// kldunload pf: nothing of it stays.
void pf_unload();

/// Keeps the rules' view of interfaces, groups and addresses right while those change; never returns.
[[noreturn]] void watch_pf();

/// A state as pf sees it: one side of a connection.
struct PfStateEntry {
    bool out{false};
    unsigned protocol{};
    std::string source, destination;             ///< as seen on the wire
    std::string inner_source, inner_destination; ///< before or behind translation
    unsigned source_port{}, destination_port{}, inner_source_port{}, inner_destination_port{};
    std::string phase; ///< conntrack's word: "ESTABLISHED"
    bool answered{false};
    unsigned rule{};
    std::vector<std::string> key; ///< conntrack(8)'s options that name its connection
};
std::vector<PfStateEntry> pf_states();

/// Forgets the connections of all states that `which` accepts; returns how many states.
int kill_states(const std::function<bool(const PfStateEntry&)>& which);

} // namespace bhype::lab
