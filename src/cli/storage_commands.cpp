#include "cli/app.h"
#include "cli/terminal.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>

namespace bhype::cli {

namespace {

struct PoolOptions {
    std::string name, device, disk, action = "start";
    std::vector<std::string> words;
    std::optional<std::string> new_name, cleared, scrub, encrypt;
    bool force = false, mount = false, plan = false, never = false;
};

std::string path_of(const PoolOptions& options, const std::string& rest = {}) {
    return "/api/v1/pools/" + escaped(options.name) + rest;
}

std::string percent(const json::value& scan) {
    const auto* done = scan.as_object().if_contains("percent");
    return done && !done->is_null() ? " " + text(scan, "percent") + " %" : std::string();
}

/// "scrub running 12.5 %", "resilver finished 2026-11-27 03:00 CET".
std::string scan_text(const json::value& scan) {
    if (text(scan, "kind") == "none")
        return "never";
    auto out = text(scan, "kind") + ' ' + text(scan, "state") + percent(scan);
    if (const auto* at = scan.as_object().if_contains("at"); at && !at->is_null())
        out += (text(scan, "state") == "running" ? " since " : " ") + moment(at->to_number<std::int64_t>());
    if (const auto errors = number(scan, "errors"); errors > 0)
        out += ", " + std::to_string(errors) + " errors";
    return out;
}

std::string pools_table(const json::value& pools, bool plain) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& pool : pools.as_array())
        rows.push_back({text(pool, "name"), text(pool, "health"), size(pool.at("used")),
                        size(pool.at("available")), text(pool, "percent") + " %", scan_text(pool.at("scan")),
                        pool.at("bhype").as_bool() ? "yes" : "no"});
    return table({"POOL", "HEALTH", "USED", "FREE", "FULL", "LAST SCAN", "HOLDS VMS"}, rows, plain);
}

std::string count(const json::value& vdev, const char* key) {
    const auto shown = text(vdev, key);
    return shown.empty() ? "-" : shown;
}

std::string tree(const json::value& vdevs, bool plain) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& vdev : vdevs.as_array()) {
        const auto depth = static_cast<std::size_t>(number(vdev, "depth"));
        rows.push_back({std::string(plain ? 0 : 2 * depth, ' ') + text(vdev, "name"), text(vdev, "role"),
                        text(vdev, "state"), count(vdev, "read_errors"), count(vdev, "write_errors"),
                        count(vdev, "checksum_errors"), text(vdev, "note")});
    }
    return table({"DEVICE", "ROLE", "STATE", "READ", "WRITE", "CKSUM", ""}, rows, plain);
}

std::string pool_text(const json::value& pool) {
    std::string out;
    const auto line = [&](const std::string& key, const std::string& value) {
        if (!value.empty())
            out += fact(key, 13, value);
    };
    line("name", text(pool, "name"));
    line("guid", text(pool, "guid"));
    line("health", text(pool, "health"));
    line("encryption",
         text(pool, "encryption").empty()
             ? ""
             : text(pool, "encryption") + (pool.at("locked").as_bool() ? ", locked" : ", open"));
    line("holds VMs", pool.at("bhype").as_bool() ? "yes" : "no");
    line("size", size(pool.at("size")));
    line("used", size(pool.at("used")) + " (" + text(pool, "percent") + " %)");
    line("free", size(pool.at("available")));
    line("data", text(pool, "errors"));
    line("last scan", scan_text(pool.at("scan")));
    if (const auto scrub = text(pool, "scrub"); !scrub.empty()) {
        line("scrubs", scrub + ", times of zone " + text(pool, "zone"));
        for (const auto& time : pool.at("next_scrubs").as_array())
            line("next", moment(time.to_number<std::int64_t>()));
    }
    out += '\n' + tree(pool.at("vdevs"), false);
    for (const auto& finding : pool.at("findings").as_array())
        out += '\n' + text(finding, "severity") + ": " + text(finding, "text") + "\n    " +
               text(finding, "advice") + '\n';
    return out;
}

std::string importable_text(const json::value& pools, bool plain) {
    std::string out;
    std::vector<std::vector<std::string>> rows;
    for (const auto& pool : pools.as_array()) {
        std::string devices;
        for (const auto& vdev : pool.at("vdevs").as_array())
            if (vdev.at("leaf").as_bool())
                devices += (devices.empty() ? "" : ",") + text(vdev, "name");
        rows.push_back(
            {text(pool, "name"), text(pool, "guid"), text(pool, "state"), devices, text(pool, "reason")});
    }
    return table({"POOL", "GUID", "STATE", "DEVICES", "REMARK"}, rows, plain);
}

std::string group_text(const json::value& group) {
    std::string out;
    if (text(group, "role") != "data")
        out += text(group, "role") + ' ';
    if (text(group, "layout") != "stripe")
        out += text(group, "layout") + ' ';
    for (const auto& disk : group.at("disks").as_array())
        out += std::string(disk.as_string()) + ' ';
    return out;
}

std::string layouts_table(const json::value& layouts, bool plain) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& one : layouts.as_array()) {
        std::string words;
        for (const auto& group : one.at("groups").as_array())
            words += group_text(group);
        if (!words.empty())
            words.pop_back();
        rows.push_back({text(one, "name") + (one.at("recommended").as_bool() ? " *" : ""),
                        size(one.at("usable")), text(one, "survives"), words});
    }
    return table({"LAYOUT", "HOLDS", "MAY FAIL", "AS bhype pool create NAME TAKES IT"}, rows, plain);
}

std::string alerts_table(const json::value& alerts, bool plain) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& one : alerts.as_array())
        rows.push_back(
            {text(one, "severity"), moment(number(one, "since")), text(one, "text"), text(one, "advice")});
    return table({"SEVERITY", "SINCE", "WHAT", "TO DO"}, rows, plain);
}

/// zpool(8)'s own grammar: "mirror nda0 nda1 log nda2 spare nda3". A layout or a role begins a group; what
/// comes before any is a stripe.
json::array groups_of(const std::vector<std::string>& words) {
    static const std::vector<std::string> layouts{"mirror", "raidz1", "raidz2", "raidz3"};
    static const std::vector<std::string> roles{"log", "cache", "special", "dedup", "spare"};
    json::array groups;
    std::string role = "data";
    bool open = false;
    const auto begin = [&](const std::string& layout) {
        json::object group{{"role", role}, {"layout", layout}};
        group["disks"].emplace_array();
        groups.push_back(std::move(group));
        open = true;
    };
    bool after_role = false;
    for (const auto& word : words) {
        if (std::ranges::count(roles, word) > 0) {
            role = word;
            begin("stripe");
            after_role = true;
            continue;
        }
        if (word == "raidz" || std::ranges::count(layouts, word) > 0) {
            const auto layout = word == "raidz" ? std::string("raidz1") : word;
            if (after_role)
                groups.back().as_object()["layout"] = layout;
            else
                begin(layout);
            after_role = false;
            continue;
        }
        if (!open)
            begin("stripe");
        after_role = false;
        const auto name = word.starts_with("/dev/") ? word.substr(5) : word;
        groups.back().at("disks").as_array().emplace_back(name);
    }
    return groups;
}

void show_plan(const json::value& plan) {
    for (const auto& command : plan.at("commands").as_array())
        std::cerr << std::string(command.as_string()) << '\n';
    for (const auto& disk : plan.at("wipes").as_array())
        std::cerr << "WIPES " << std::string(disk.as_string()) << '\n';
    if (const auto* usable = plan.as_object().if_contains("usable"); usable && !usable->is_null())
        std::cerr << "holds " << size(*usable) << ", disks that may fail: " << text(plan, "survives") << '\n';
    for (const auto& warning : plan.at("warnings").as_array())
        std::cerr << "warning: " << std::string(warning.as_string()) << '\n';
}

/// Shows what would be done, asks, and does it.
int destructive(Context& context, const PoolOptions& options, const std::string& target, json::object body) {
    auto question = body;
    question["plan"] = true;
    const auto plan = context.api().send("POST", target, question);
    if (!context.json)
        show_plan(plan);
    else if (options.plan)
        std::cout << json::serialize(plan) << '\n';
    if (options.plan)
        return done;
    if (!context.yes && ask("Type " + options.name + " to go on: ") != options.name) {
        std::cerr << "bhype: nothing changed; --yes does not ask\n";
        return usage;
    }
    return context.run_task("POST", target, body);
}

int create(Context& context, const PoolOptions& options) {
    json::object body{{"name", options.name}, {"groups", groups_of(options.words)}};
    if (options.encrypt) {
        auto encryption = encryption_of(context, options.name, *options.encrypt, options.plan);
        if (!encryption)
            return usage;
        body["encryption"] = std::move(*encryption);
    }
    return destructive(context, options, "/api/v1/pools", body);
}

int add(Context& context, const PoolOptions& options) {
    const auto groups = groups_of(options.words);
    if (groups.size() != 1) {
        std::cerr << "bhype: one group at a time, such as: mirror nda4 nda5\n";
        return usage;
    }
    return destructive(context, options, path_of(options, "/vdevs"), {{"group", groups.front()}});
}

int put(Context& context, const PoolOptions& options, const char* word) {
    return destructive(context, options, path_of(options, word),
                       {{"device", options.device}, {"disk", options.disk}});
}

int import(Context& context, const PoolOptions& options) {
    std::vector<std::string> found;
    const auto importable = context.api().get("/api/v1/importable-pools");
    for (const auto& pool : importable.as_array())
        if (text(pool, "name") == options.name || text(pool, "guid") == options.name)
            found.push_back(text(pool, "guid"));
    if (found.size() != 1) {
        std::cerr << "bhype: "
                  << (found.empty() ? "no pool that can be imported is called " : "several pools are called ")
                  << options.name << "; bhype pool importable lists them, with their GUIDs\n";
        return found.empty() ? refused : usage;
    }
    json::object body{{"force", options.force}, {"mount", options.mount}};
    if (options.new_name)
        body["name"] = *options.new_name;
    return context.run_task("POST", "/api/v1/importable-pools/" + found.front() + "/import", body);
}

int schedule(Context& context, const PoolOptions& options) {
    if (options.never == options.scrub.has_value()) {
        std::cerr << "bhype: either --scrub SCHEDULE or --never\n";
        return usage;
    }
    json::object body;
    if (options.scrub)
        body["scrub"] = *options.scrub;
    const auto pool = context.api().send("PUT", path_of(options, "/schedule"), body);
    std::cout << (context.json ? json::serialize(pool) + "\n" : pool_text(pool));
    return done;
}

using Options = std::shared_ptr<PoolOptions>;
using Named = std::function<CLI::App*(const char*, const char*, std::function<int()>)>;

void add_changing(const Named& named, Context& context, const Options& options) {
    const auto dangerous = [options](CLI::App* command) {
        command->add_flag("--plan,--dry-run", options->plan, "tell what would be done, do nothing");
        return command;
    };
    const auto disks = [options](CLI::App* command) {
        command
            ->add_option("DISKS", options->words,
                         "as zpool(8) takes them: mirror nda0 nda1 log nda2 spare nda3")
            ->required();
    };
    auto* creating = named("create", "Make a pool; what is on the disks is lost",
                           [&context, options] { return create(context, *options); });
    creating->add_option("--encrypt", options->encrypt,
                         "passphrase (to be given after each boot) or file (a key on this host's disks)");
    disks(dangerous(creating));
    disks(dangerous(named("add", "Add a group of disks; what is on them is lost",
                          [&context, options] { return add(context, *options); })));
    for (const auto& [word, summary] :
         {std::pair("replace", "Replace a device by a disk, whose content is lost"),
          std::pair("attach", "Make a mirror of a device and a disk, whose content is "
                              "lost")}) {
        auto* command = dangerous(named(word, summary, [&context, options, word] {
            return put(context, *options, word == std::string("replace") ? "/replace" : "/attach");
        }));
        command->add_option("DEVICE", options->device, "the device in the pool")->required();
        command->add_option("DISK", options->disk, "the disk")->required();
    }
    for (const auto& [word, summary] :
         {std::pair("online", "Bring a device back"), std::pair("offline", "Take a device out for a while"),
          std::pair("detach", "Take a device out of its mirror"),
          std::pair("remove", "Take a log, cache, spare or mirror out of the pool")}) {
        const std::string action = word;
        named(word, summary,
              [&context, options, action] {
                  return context.run_task("POST", path_of(*options, "/devices"),
                                          json::object{{"device", options->device}, {"action", action}});
              })
            ->add_option("DEVICE", options->device, "the device in the pool")
            ->required();
    }
}

void add_upkeep(const Named& named, Context& context, const Options& options) {
    for (const auto& [word, summary] : {std::pair("scrub", "Read and check everything in a pool"),
                                        std::pair("trim", "Tell the disks which blocks are free")}) {
        const std::string path = std::string("/") + word;
        named(word, summary, [&context, options, path] {
            return context.run_task("POST", path_of(*options, path),
                                    json::object{{"action", options->action}});
        })->add_option("ACTION", options->action, "start, pause or stop; start when missing");
    }
    named("clear", "Forget counted errors", [&context, options] {
        json::object body;
        if (options->cleared)
            body["device"] = *options->cleared;
        return context.run_task("POST", path_of(*options, "/clear"), body);
    })->add_option("DEVICE", options->cleared, "of that device alone");
    auto* times = named("schedule", "Scrub a pool at set times",
                        [&context, options] { return schedule(context, *options); });
    times->add_option("--scrub", options->scrub,
                      "five fields as in crontab(5), such as '0 3 1 * *', or @monthly");
    times->add_flag("--never", options->never, "not by schedule");
}

} // namespace

void add_storage_commands(CLI::App& app, Context& context) {
    const auto options = std::make_shared<PoolOptions>();
    auto* wiping = verb(*add_disk_commands(app, context), context, "wipe",
                        "Clear an exported pool's label from a disk", [&context, options] {
                            return destructive(context, *options,
                                               "/api/v1/disks/" + escaped(options->name) + "/wipe", {});
                        });
    wiping->add_option("DISK", options->name, "the disk")->required();
    wiping->add_flag("--plan,--dry-run", options->plan, "tell what would be lost, do nothing");
    add_space_commands(app, context);
    const auto alerts = [&context] {
        return context.print("/api/v1/alerts",
                             [&](const json::value& all) { return alerts_table(all, context.plain); });
    };
    verb(*noun(app, context, "alert", "What is wrong now", alerts), context, "list",
         "List what is wrong, the worst first", alerts);

    const auto list = [&context] {
        return context.print("/api/v1/pools",
                             [&](const json::value& pools) { return pools_table(pools, context.plain); });
    };
    auto* pool = noun(app, context, "pool", "ZFS pools", list);
    verb(*pool, context, "list", "List the pools", list);
    const Named named = [pool, &context, options](const char* name, const char* summary,
                                                  std::function<int()> action) {
        auto* command = verb(*pool, context, name, summary, std::move(action));
        command->add_option("POOL", options->name, "the pool")->required();
        return command;
    };
    named("show", "Show a pool: devices, health and what to do", [&context, options] {
        return context.print(path_of(*options), [](const json::value& one) { return pool_text(one); });
    });
    add_key_commands(*pool, context);
    verb(*pool, context, "layouts", "Ways to make a pool, and what each holds", [&context, options] {
        std::string chosen;
        for (const auto& disk : options->words)
            chosen += (chosen.empty() ? "?disks=" : ",") + escaped(disk);
        return context.print("/api/v1/layouts" + chosen,
                             [&](const json::value& all) { return layouts_table(all, context.plain); });
    })->add_option("DISKS", options->words, "of these; of all that are free when missing");
    verb(*pool, context, "importable", "List the pools that could be imported", [&context] {
        return context.print("/api/v1/importable-pools",
                             [&](const json::value& all) { return importable_text(all, context.plain); });
    });
    auto* importing = named("import", "Import a pool, by its name or GUID",
                            [&context, options] { return import(context, *options); });
    importing->add_option("--name", options->new_name, "another name for it");
    importing->add_flag("--force", options->force, "another system had it last and does not use it any more");
    importing->add_flag("--mount", options->mount, "its file systems appear where their mountpoints say");
    named("export", "Export a pool, so that its disks can be taken out",
          [&context, options] { return context.run_task("POST", path_of(*options, "/export")); });
    add_changing(named, context, options);
    add_upkeep(named, context, options);
}

} // namespace bhype::cli
