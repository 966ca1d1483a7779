#pragma once

#include "cli/client.h"

#include <functional>

namespace CLI {
class App;
}

namespace bhype::cli {

enum Exit { done = 0, failed = 1, usage = 2, refused = 3, no_daemon = 4 };

/// What every command knows.
struct Context {
    std::string socket = "/var/run/bhype/api/cli.sock";
    bool json = false;
    bool plain = false; ///< -H
    bool no_wait = false;
    bool yes = false;
    std::unique_ptr<Client> client;
    std::function<int()> chosen; ///< set by the command that was parsed

    Client& api();
    /// --json: the API's bytes; otherwise what `people` makes of it.
    int print(const std::string& target, const std::function<std::string(const json::value&)>& people);
    /// Sends a request that starts a task and follows it unless --no-wait.
    int run_task(const std::string& method, const std::string& target,
                 const std::optional<json::value>& body = {},
                 const std::map<std::string, std::string>& headers = {});
    int follow(const json::value& task);
};

void add_vm_commands(CLI::App& app, Context& context);
void add_snapshot_commands(CLI::App& app, Context& context);
/// Verbs of the noun `snapshot`.
void add_look_commands(CLI::App& snapshots, Context& context);
void add_plan_commands(CLI::App& app, Context& context);
void add_storage_commands(CLI::App& app, Context& context);
void add_space_commands(CLI::App& app, Context& context);
/// The noun `disk`, and its verbs that change nothing.
CLI::App* add_disk_commands(CLI::App& app, Context& context);
/// Verbs of the noun `pool`.
void add_key_commands(CLI::App& pools, Context& context);
/// How a new pool is to be encrypted, as the API takes it; asks for a passphrase unless it is only planned.
/// Nothing when none was given; that has been said.
std::optional<json::object> encryption_of(Context& context, const std::string& pool, const std::string& key,
                                          bool plan);
void add_network_commands(CLI::App& app, Context& context);
void add_uplink_commands(CLI::App& app, Context& context);
void add_task_commands(CLI::App& app, Context& context);
void add_host_commands(CLI::App& app, Context& context);

/// A noun whose bare form does `list`.
CLI::App* noun(CLI::App& app, Context& context, const std::string& name, const std::string& summary,
               const std::function<int()>& list);
CLI::App* verb(CLI::App& noun, Context& context, const std::string& name, const std::string& summary,
               std::function<int()> action);

/// The whole program: parses, runs, says errors, gives the exit status.
int run(int argc, char** argv);

// How things look.
std::string size(const json::value& bytes);
/// "KEY    VALUE\n", the value from column `width` on.
std::string fact(std::string_view key, std::size_t width, std::string_view value);
/// The items with ',' between them.
std::string joined(const json::value& list);
/// The other way round: "a,b" to texts; none of an empty one.
json::array list_of(const std::string& text);
json::array array_of(const std::vector<std::string>& texts);
std::string ago(std::int64_t epoch_seconds);
/// "2026-11-27 03:00 CET", in the zone of whoever reads it.
std::string moment(std::int64_t epoch_seconds);
std::string disks_table(const json::value& disks, bool plain);
std::string text(const json::value& object, std::string_view key);
std::int64_t number(const json::value& object, std::string_view key);
std::string escaped(std::string_view path_component);
/// What is no whole number goes as it is: the server names the field and the rule.
json::value number_or_text(const std::string& text);

} // namespace bhype::cli
