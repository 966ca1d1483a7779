#pragma once

// sysctl(8), freebsd-version(1), kldstat(8), kldload(8), loader.conf(5), sysrc(8).

#include "host/command.h"
#include "host/operations.h"

#include <array>
#include <map>

namespace bhype::host {

/// The modules that bHype needs; the first four are loaded by it.
inline constexpr std::array<std::string_view, 5> needed_modules{"vmm", "nmdm", "if_bridge", "if_tuntap",
                                                                "zfs"};

/// Names that do not exist are left out of the answer (sysctl -i).
Command sysctl_get(const std::vector<std::string>& names);
std::map<std::string, std::string> parse_sysctl(const Command& command, const Output& output);

/// Whether pf sees what bridges carry; on by default in 13, off in 14 and 15 (if_bridge(4)).
inline constexpr std::array<const char*, 2> bridge_filters{"net.link.bridge.pfil_member",
                                                           "net.link.bridge.pfil_bridge"};

/// sysctl NAME=VALUE
Command sysctl_set(const std::string& name, const std::string& value);

Command facts_sysctl();
Command facts_version();
/// Exit status 0: loaded or compiled in, 1: not.
Command kldstat_module(std::string_view module);
std::string parse_version(const Command& command, const Output& output);
/// What sysctl tells of it.
HostFactsResult parse_facts(const Command& sysctl, const Output& output);

/// kern.hostuuid, what bhype:host names.
Command hostuuid_sysctl();
Uuid parse_hostuuid(const Command& command, const Output& output);

Command kldload_needed();
/// kldload -n MODULE: loaded already is no failure.
Command kldload_module(std::string_view module);
/// /boot/loader.conf.d/bhype.conf whole.
std::string loader_conf();

/// sysrc NAME=VALUE. Throws Error(invalid_field) for a name that is no sh variable, and for a value that sh
/// would not give back as it is: sysrc writes it in double quotes without escaping.
Command sysrc_set(std::string_view name, std::string_view value);

} // namespace bhype::host
