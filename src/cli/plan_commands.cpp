#include "cli/app.h"
#include "cli/terminal.h"

#include <CLI/CLI.hpp>

#include <iostream>

namespace bhype::cli {

namespace {

struct PlanOptions {
    std::string name;
    std::optional<std::string> schedule, note;
    std::vector<std::string> tags;
    std::vector<std::string> vms;
    std::vector<std::string> keep;
    bool all = false;
    bool off = false;
    bool on = false;
    bool plan = false;
};

std::string path_of(const PlanOptions& options, const std::string& rest = {}) {
    return "/api/v1/plans/" + escaped(options.name) + rest;
}

constexpr const char* rules[] = {"last", "hourly", "daily", "weekly", "monthly", "yearly"};

std::string retention_text(const json::value& retention) {
    std::string out;
    for (const auto* rule : rules)
        if (const auto* many = retention.as_object().if_contains(rule); many && !many->is_null())
            out += (out.empty() ? "" : ",") + std::string(rule) + '=' + json::serialize(*many);
    return out.empty() ? "everything" : out;
}

std::string scope_text(const json::value& plan) {
    if (plan.at("all").as_bool())
        return "all";
    const auto tags = joined(plan.at("tags"));
    const auto vms = joined(plan.at("vms"));
    return (tags.empty() ? "" : "tagged " + tags) + (tags.empty() || vms.empty() ? "" : "; ") + vms;
}

std::string first_time(const json::value& plan) {
    const auto& next = plan.at("next").as_array();
    return next.empty() ? "off" : moment(next.front().to_number<std::int64_t>());
}

std::string list_table(const json::value& plans, bool plain) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& plan : plans.as_array())
        rows.push_back({text(plan, "name"), text(plan, "schedule"), first_time(plan), scope_text(plan),
                        retention_text(plan.at("retention")), text(plan, "owner"), text(plan, "note")});
    return table({"NAME", "SCHEDULE", "NEXT", "VMS", "KEEPS", "OWNER", "NOTE"}, rows, plain);
}

std::string show_text(const json::value& plan) {
    std::string out;
    const auto line = [&](const std::string& key, const std::string& value) {
        if (!value.empty())
            out += fact(key, 12, value);
    };
    line("name", text(plan, "name"));
    line("schedule", text(plan, "schedule") + ", times of zone " + text(plan, "zone"));
    line("enabled", plan.at("enabled").as_bool() ? "yes" : "no");
    for (const auto& time : plan.at("next").as_array())
        line("next", moment(time.to_number<std::int64_t>()));
    line("vms", scope_text(plan));
    line("keeps", retention_text(plan.at("retention")));
    line("owner", text(plan, "owner"));
    line("note", text(plan, "note"));
    line("last task", text(plan, "last_task"));
    return out;
}

std::string preview_text(const json::value& preview, bool plain) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& vm : preview.as_array())
        for (const auto& one : vm.at("snapshots").as_array()) {
            const auto why = joined(one.at("kept_by"));
            rows.push_back({text(vm, "vm"), text(one, "name"), why.empty() ? "goes" : "stays", why});
        }
    return table({"VM", "SNAPSHOT", "", "KEPT BY"}, rows, plain);
}

/// "daily=7"
json::object retention_of(const std::vector<std::string>& keep) {
    json::object retention;
    for (const auto& rule : keep) {
        const auto equals = rule.find('=');
        if (equals == std::string::npos)
            throw CLI::ValidationError(rule, "is not RULE=NUMBER, such as daily=7");
        retention[rule.substr(0, equals)] = number_or_text(rule.substr(equals + 1));
    }
    return retention;
}

int say(const Context& context, const json::value& plan) {
    std::cout << (context.json ? json::serialize(plan) + "\n" : show_text(plan));
    return done;
}

json::object body_of(const PlanOptions& options) {
    json::object body;
    if (options.schedule)
        body["schedule"] = *options.schedule;
    if (!options.keep.empty())
        body["retention"] = retention_of(options.keep);
    if (options.all)
        body["all"] = true;
    if (!options.tags.empty())
        body["tags"] = array_of(options.tags);
    if (!options.vms.empty())
        body["vms"] = array_of(options.vms);
    if (options.note)
        body["note"] = *options.note;
    if (options.off || options.on)
        body["enabled"] = options.on;
    if (options.plan)
        body["plan"] = true;
    return body;
}

int create(Context& context, const PlanOptions& options) {
    auto body = body_of(options);
    body["name"] = options.name;
    return say(context, context.api().send("POST", "/api/v1/plans", body));
}

int change(Context& context, const PlanOptions& options) {
    auto body = body_of(options);
    // Which VMs is said as a whole.
    if (options.all || !options.tags.empty() || !options.vms.empty()) {
        body["all"] = options.all;
        body["tags"] = array_of(options.tags);
        body["vms"] = array_of(options.vms);
    }
    return say(context, context.api().send("PATCH", path_of(options), body));
}

} // namespace

void add_plan_commands(CLI::App& app, Context& context) {
    const auto options = std::make_shared<PlanOptions>();
    const auto list = [&context] {
        return context.print("/api/v1/plans",
                             [&](const json::value& plans) { return list_table(plans, context.plain); });
    };
    auto* plan = noun(app, context, "plan", "Snapshots at set times", list);
    verb(*plan, context, "list", "List the plans", list);
    const auto named = [&](const char* name, const char* summary, std::function<int()> action) {
        auto* command = verb(*plan, context, name, summary, std::move(action));
        command->add_option("NAME", options->name, "the plan")->required();
        return command;
    };
    const auto settings = [&](CLI::App* command, bool making) {
        auto* schedule = command->add_option("--schedule", options->schedule,
                                             "five fields as in crontab(5), such as '30 3 * * *', or @daily");
        if (making)
            schedule->required();
        command->add_option("--vm", options->vms, "VMs, with commas between")->delimiter(',');
        command->add_option("--tag", options->tags, "VMs with one of these tags, also later ones")
            ->delimiter(',');
        command->add_flag("--all", options->all, "every VM, also later ones");
        command
            ->add_option("--keep", options->keep,
                         "how many stay: last, hourly, daily, weekly, monthly, yearly; daily=7,weekly=4")
            ->delimiter(',');
        command->add_option("--note", options->note, "a line about it");
        command->add_flag("--off", options->off, "it rests");
        if (!making)
            command->add_flag("--on", options->on, "it runs again");
        command->add_flag("--plan,--dry-run", options->plan, "tell its next times, do nothing");
    };
    named("show", "Show a plan with its next times", [&, options] {
        return context.print(path_of(*options), [](const json::value& one) { return show_text(one); });
    });
    settings(named("create", "Make a plan", [&, options] { return create(context, *options); }), true);
    settings(named("set", "Change a plan", [&, options] { return change(context, *options); }), false);
    named("delete", "Delete a plan; its snapshots stay", [&, options] {
        context.api().send("DELETE", path_of(*options));
        return static_cast<int>(done);
    });
    named("run", "Run a plan now",
          [&, options] { return context.run_task("POST", path_of(*options, "/run")); });
    named("preview", "What the next run would destroy, and which rule keeps the others", [&, options] {
        return context.print(path_of(*options, "/preview"), [&](const json::value& preview) {
            return preview_text(preview, context.plain);
        });
    });
}

} // namespace bhype::cli
