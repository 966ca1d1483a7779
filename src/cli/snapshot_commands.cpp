#include "cli/app.h"
#include "cli/terminal.h"

#include <CLI/CLI.hpp>

#include <iostream>

namespace bhype::cli {

namespace {

struct SnapshotOptions {
    std::string vm;
    std::string name;
    std::vector<std::string> names;
    std::string clone;
    std::optional<std::string> note;
    std::string snapshot, owner, group, keep_as;
    std::int64_t limit = 1000;
    std::int64_t offset = 0;
    bool restore = false;
    bool full = false;
    bool start = false;
    bool plan = false;
};

std::string below_vm(const SnapshotOptions& options, const std::string& rest) {
    return "/api/v1/vms/" + escaped(options.vm) + rest;
}

std::string one(const SnapshotOptions& options, const std::string& rest = {}) {
    return below_vm(options, "/snapshots/" + escaped(options.name) + rest);
}

/// What a guest's disks are worth in it.
std::string state_of(const json::value& snapshot) {
    return text(snapshot, "consistency") + (snapshot.at("held").as_bool() ? ",held" : "");
}

std::string list_table(const json::value& page, bool plain) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& item : page.at("snapshots").as_array())
        rows.push_back({text(item, "name"), ago(number(item, "created")), size(item.at("used")),
                        size(item.at("referenced")), state_of(item), joined(item.at("clones")),
                        text(item, "made_by"), text(item, "note")});
    auto out = table({"NAME", "AGE", "USED", "REFER", "STATE", "CLONES", "BY", "NOTE"}, rows, plain);
    const auto total = number(page, "total");
    if (!plain && total > static_cast<std::int64_t>(rows.size()))
        out += std::to_string(rows.size()) + " of " + std::to_string(total) +
               "; --offset and --limit show others\n";
    return out;
}

void lines(std::string& out, const json::value& plan, const char* key, const std::string& before) {
    for (const auto& item : plan.at(key).as_array())
        out += before + std::string(item.as_string()) + '\n';
}

std::string differences_text(const json::value& differences) {
    std::string out;
    const auto shown = [](const std::string& value) { return value.empty() ? "nothing" : value; };
    for (const auto& item : differences.as_array())
        out += text(item, "field") + ": was " + shown(text(item, "then")) + ", is " +
               shown(text(item, "now")) + '\n';
    return out;
}

std::string plan_text(const json::value& plan) {
    std::string out;
    lines(out, plan, "steps", "");
    lines(out, plan, "destroys", "destroys ");
    lines(out, plan, "keeps", "keeps    ");
    out += differences_text(plan.at("differences"));
    if (const auto* frees = plan.as_object().if_contains("frees"); frees && !frees->is_null())
        out += "frees " + size(*frees) + '\n';
    lines(out, plan, "problems", "problem: ");
    return out;
}

/// Shows the plan and asks for the VM's name, unless told not to.
bool agreed(Context& context, const SnapshotOptions& options, const json::value& plan,
            const std::string& question) {
    if (context.yes)
        return true;
    std::cerr << plan_text(plan);
    if (ask(question) == options.vm)
        return true;
    std::cerr << "bhype: nothing changed; --yes does it without asking\n";
    return false;
}

int print_plan(const Context& context, const json::value& plan) {
    std::cout << (context.json ? json::serialize(plan) + "\n" : plan_text(plan));
    return done;
}

int take(Context& context, const SnapshotOptions& options) {
    json::object body;
    if (!options.name.empty())
        body["name"] = options.name;
    if (options.note)
        body["note"] = *options.note;
    return context.run_task("POST", below_vm(options, "/snapshots"), body);
}

int remove(Context& context, const SnapshotOptions& options) {
    std::string names;
    for (const auto& name : options.names)
        names += (names.empty() ? "" : ",") + escaped(name);
    const auto target = below_vm(options, "/snapshots?names=" + names);
    if (options.plan || !context.yes) {
        const auto plan = context.api().send("DELETE", target + "&plan=1");
        if (options.plan)
            return print_plan(context, plan);
        if (!agreed(context, options, plan, "Type the VM's name to delete them: "))
            return usage;
    }
    return context.run_task("DELETE", target);
}

int roll_back(Context& context, const SnapshotOptions& options) {
    if (!options.keep_as.empty() && context.no_wait) {
        std::cerr << "bhype: --keep-as waits for its copy; it cannot go with --no-wait\n";
        return usage;
    }
    json::object body{{"definition", options.restore ? "restore" : "keep"}};
    if (options.plan || !context.yes) {
        auto asked = body;
        asked["plan"] = true;
        const auto plan = context.api().send("POST", one(options, "/rollback"), asked);
        if (options.plan)
            return print_plan(context, plan);
        if (!agreed(context, options, plan, "Type the VM's name to roll it back: "))
            return usage;
    }
    if (!options.keep_as.empty()) {
        const json::object copy{{"name", options.keep_as},
                                {"full", true},
                                {"note", "before the rollback of " + options.vm + " to " + options.name}};
        if (const auto kept = context.run_task("POST", below_vm(options, "/clone"), copy); kept != done)
            return kept; // and nothing is rolled back
    }
    return context.run_task("POST", one(options, "/rollback"), body);
}

int clone(Context& context, const SnapshotOptions& options) {
    json::object body{{"name", options.clone}};
    const auto add = [&](const char* key, const std::string& value) {
        if (!value.empty())
            body[key] = value;
    };
    add("snapshot", options.snapshot);
    add("owner", options.owner);
    add("group", options.group);
    if (options.note)
        body["note"] = *options.note;
    if (options.full)
        body["full"] = true;
    if (options.start)
        body["start"] = true;
    if (!options.plan)
        return context.run_task("POST", below_vm(options, "/clone"), body);
    body["plan"] = true;
    const auto plan = context.api().send("POST", below_vm(options, "/clone"), body);
    if (context.json) {
        std::cout << json::serialize(plan) << '\n';
        return done;
    }
    std::string out;
    lines(out, plan, "steps", "");
    lines(out, plan, "keeps", "keeps    ");
    lines(out, plan, "problems", "problem: ");
    std::cout << out;
    return done;
}

} // namespace

void add_snapshot_commands(CLI::App& app, Context& context) {
    const auto options = std::make_shared<SnapshotOptions>();
    auto* snapshot = app.add_subcommand("snapshot", "Snapshots of VMs");
    snapshot->require_subcommand(1, 1);
    snapshot->fallthrough();
    const auto of_vm = [&](const char* name, const char* summary, std::function<int()> action) {
        auto* command = verb(*snapshot, context, name, summary, std::move(action));
        command->add_option("VM", options->vm, "the VM")->required();
        return command;
    };
    const auto of_one = [&](const char* name, const char* summary, std::function<int()> action) {
        auto* command = of_vm(name, summary, std::move(action));
        command->add_option("NAME", options->name, "the snapshot")->required();
        return command;
    };
    const auto note = [&](CLI::App* command) {
        command->add_option("--note", options->note, "a line about it");
        return command;
    };
    const auto plan = [&](CLI::App* command) {
        command->add_flag("--plan,--dry-run", options->plan, "tell what would be done, do nothing");
        return command;
    };
    auto* list = of_vm("list", "List a VM's snapshots, newest first", [&, options] {
        return context.print(below_vm(*options, "/snapshots?limit=" + std::to_string(options->limit) +
                                                    "&offset=" + std::to_string(options->offset)),
                             [&](const json::value& page) { return list_table(page, context.plain); });
    });
    list->add_option("--limit", options->limit, "at most that many, 1000 when missing");
    list->add_option("--offset", options->offset, "leave out that many of the newest");
    note(of_vm("create", "Snapshot a VM's definition and disks at one moment", [&, options] {
        return take(context, *options);
    }))->add_option("NAME", options->name, "the snapshot; the present time in UTC when missing");
    of_one("note", "Write a line about a snapshot",
           [&, options] {
               return context.run_task("PATCH", one(*options),
                                       json::object{{"note", options->note.value_or("")}});
           })
        ->add_option("TEXT", options->note, "the line; empty removes it")
        ->required();
    of_one("hold", "Keep a snapshot from being deleted by anybody", [&, options] {
        return context.run_task("PATCH", one(*options), json::object{{"held", true}});
    });
    of_one("release", "Let a held snapshot be deleted again", [&, options] {
        return context.run_task("PATCH", one(*options), json::object{{"held", false}});
    });
    plan(of_vm("delete", "Delete snapshots in one command",
               [&, options] { return remove(context, *options); }))
        ->add_option("NAMES", options->names, "the snapshots")
        ->required();
    of_one("compare", "How the definition has changed since", [&, options] {
        return context.print(one(*options, "/definition"), [](const json::value& shown) {
            if (const auto error = text(shown, "error"); !error.empty())
                return "bhype cannot use it today: " + error + '\n';
            auto out = differences_text(shown.at("differences"));
            return out.empty() ? std::string("the same\n") : out;
        });
    });
    of_one("cat", "The definition that a snapshot holds", [&, options] {
        return context.print(one(*options, "/definition"),
                             [](const json::value& shown) { return text(shown, "text"); });
    });
    add_look_commands(*snapshot, context);
    auto* rolling = plan(of_one("rollback", "Put a stopped VM back to a snapshot; what came after it is lost",
                                [&, options] { return roll_back(context, *options); }));
    rolling->add_flag("--restore-definition", options->restore, "bring the definition of then back too");
    rolling->add_option("--keep-as", options->keep_as, "first copy the VM as it is now to a VM of that name");
    auto* cloning = plan(note(of_vm("clone", "Make a VM of a snapshot, sharing its blocks",
                                    [&, options] { return clone(context, *options); })));
    cloning->add_option("NEW", options->clone, "the new VM")->required();
    cloning->add_option("--snapshot", options->snapshot, "of which; one is made when missing");
    cloning->add_option("--owner", options->owner, "user that it belongs to");
    cloning->add_option("--group", options->group, "group that may use it");
    cloning->add_flag("--full", options->full, "copy the blocks instead of sharing them");
    cloning->add_flag("--start", options->start, "start it at once");
}

} // namespace bhype::cli
