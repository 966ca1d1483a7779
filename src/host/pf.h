#pragma once

// pfctl(8), pf.conf(5). bHype's rules are in one anchor; what pf does else is the administrator's.

#include "host/command.h"
#include "host/operations.h"

namespace bhype::host {

inline constexpr std::string_view pf_anchor = "bhype/guests";

/// The ways out of the host: the interfaces of the default routes.
struct WaysOut {
    std::optional<InterfaceName> inet;
    std::optional<InterfaceName> inet6;
};

/// The anchor's rules in the order that pf demands: translation, filtering. What has no way out is left out,
/// with a comment that says so. The old form of NAT rules, which 13 to 15 take. Throws Error(invalid_field)
/// for two forwards of one port.
std::string pf_rules(const FirewallEnsure& wanted, const WaysOut& ways);

/// Reads rules from standard input; changes nothing.
Command pfctl_test(std::string rules);
/// Replaces the anchor's rules in one transaction; states stay.
Command pfctl_load(std::string rules);
/// `pfctl -n -f FILE`, `pfctl -f FILE`.
Command pfctl_test_file(const HostPath& file);
Command pfctl_load_file(const HostPath& file);
Command pfctl_enable();
/// Exit status 0: enabled, 1: not, or the kernel has no pf.
Command pfctl_running();
enum class PfShow { nat, rules };
/// Of the main rules, or of bHype's anchor with counters.
Command pfctl_show(PfShow what, bool anchor);

/// The main rules' calls of bHype's anchors, from both outputs of pfctl_show(_, false).
struct PfCalls {
    bool nat = false;
    bool rdr = false;
    bool filter = false;
};
PfCalls parse_pf_calls(std::string_view nat, std::string_view rules);

/// bHype's lines for pf.conf, as shown to people.
std::string pf_conf_lines();
/// Whether it says anything of its own beside bHype's lines: rules, tables, options.
bool pf_conf_has_own_rules(std::string_view pf_conf);
ConfState pf_conf_state(std::string_view pf_conf);
/// The text with bHype's lines at their two places, or without them: nat-anchor and rdr-anchor before the
/// first filter rule, since pf.conf(5) demands translation before filtering, and anchor at the end. The rest
/// is byte for byte as it was.
std::string pf_conf_candidate(std::string_view pf_conf, bool present);

} // namespace bhype::host
