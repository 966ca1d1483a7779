#pragma once

// bhype.toml(5): bhyped's configuration. Read at start; cannot be set through the API.

#include "base/json.h"

namespace bhype::bin {

enum class LogLevel { debug, info, warning, error };
BOOST_DESCRIBE_ENUM(LogLevel, debug, info, warning, error)

struct Config {
    static constexpr bool defaults_apply = true;
    HostPath database = HostPath::from("/var/db/bhype/bhype.db");
    /// What was last known of the VMs, so that a start can answer before it has looked at the host.
    HostPath cache = HostPath::from("/var/db/bhype/inventory.json");
    HostPath hostd_socket = HostPath::from("/var/run/bhype/hostd.sock");
    HostPath cli_socket = HostPath::from("/var/run/bhype/api/cli.sock");
    HostPath web_socket = HostPath::from("/var/run/bhype/api/http.sock");
    /// nginx's group; bhyped's account must be a member. Empty: the socket keeps bhyped's own group.
    std::string web_group = "www";
    /// Later directories win by name.
    std::vector<HostPath> templates = {HostPath::from("/usr/local/share/bhype/templates"),
                                       HostPath::from("/usr/local/etc/bhype/templates")};
    Ranged<1, 10080> session_idle_minutes = 120;
    Ranged<1, 720> session_hours = 12;
    Ranged<2, 64> workers = 8; ///< requests that wait for the host or the database at once
    Ranged<1, 64> tasks_at_once = 8;
    LogLevel log_level = LogLevel::info;
};
BOOST_DESCRIBE_STRUCT(Config, (),
                      (database, cache, hostd_socket, cli_socket, web_socket, web_group, templates,
                       session_idle_minutes, session_hours, workers, tasks_at_once, log_level))

/// A missing file gives the defaults. Throws Error(bad_configuration) with every problem.
Config read_config(const std::string& path);

} // namespace bhype::bin
