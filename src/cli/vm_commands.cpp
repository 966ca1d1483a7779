#include "cli/app.h"
#include "cli/terminal.h"

#include <CLI/CLI.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

namespace bhype::cli {

namespace {

struct VmOptions {
    std::string name;
    std::string template_;
    std::string memory;
    std::string disk;
    std::string switch_;
    std::string note;
    std::vector<std::string> tags;
    std::string owner;
    std::string group;
    std::optional<std::int64_t> cpus, seconds, bytes;
    bool start = false;
    bool plan = false;
    bool watch = false;
    bool take_over = false;
    std::vector<std::string> settings;
};

std::string path_of(const VmOptions& options, const std::string& rest = {}) {
    return "/api/v1/vms/" + escaped(options.name) + rest;
}

std::string addresses(const json::value& vm) {
    std::string out;
    for (const auto& nic : vm.at("nics").as_array())
        if (const auto address = text(nic, "address"); !address.empty())
            out += (out.empty() ? "" : ",") + address;
    return out;
}

std::string list_table(const json::value& vms, bool plain) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& vm : vms.as_array())
        rows.push_back({text(vm, "name"), text(vm, "state"), text(vm, "cpus"), size(vm.at("memory")),
                        addresses(vm), text(vm, "owner"), joined(vm.at("tags")), text(vm, "template"),
                        ago(number(vm, "started")), text(vm, "reason")});
    return table({"NAME", "STATE", "CPUS", "MEMORY", "ADDRESS", "OWNER", "TAGS", "TEMPLATE", "UP", "REASON"},
                 rows, plain);
}

std::string show_text(const json::value& vm) {
    std::string out;
    const auto line = [&](const std::string& key, const std::string& value) {
        if (!value.empty())
            out += fact(key, 12, value);
    };
    line("name", text(vm, "name"));
    line("state", text(vm, "state"));
    line("reason", text(vm, "reason"));
    line("definition", text(vm, "definition_error"));
    if (number(vm, "started") > 0)
        line("up", ago(number(vm, "started")) + ", " + text(vm, "reboots") + " reboots by the guest");
    line("owner", text(vm, "owner"));
    line("group", text(vm, "group"));
    line("note", text(vm, "note"));
    line("tags", joined(vm.at("tags")));
    line("template", text(vm, "template"));
    line("cpus", text(vm, "cpus"));
    line("memory", size(vm.at("memory")));
    for (const auto& disk : vm.at("disks").as_array())
        line(text(disk, "name"),
             text(disk, "kind") + " " + size(disk.at("size")) + ", " + size(disk.at("used")) +
                 " used, slot " + text(disk, "slot") +
                 (text(disk, "origin").empty() ? "" : ", clone of " + text(disk, "origin")));
    for (const auto& nic : vm.at("nics").as_array())
        line(text(nic, "name"), text(nic, "kind") + " " + text(nic, "mac") + " on switch " +
                                    text(nic, "switch") +
                                    (text(nic, "tap").empty() ? "" : ", " + text(nic, "tap")) +
                                    (text(nic, "address").empty() ? "" : ", " + text(nic, "address")) +
                                    (text(nic, "fixed").empty() ? "" : ", keeps " + text(nic, "fixed")) +
                                    ", slot " + text(nic, "slot"));
    for (const auto& cd : vm.at("cds").as_array())
        line(text(cd, "name"), text(cd, "image"));
    line("dataset", text(vm, "dataset"));
    line("id", text(vm, "id"));
    for (const auto& field : vm.at("pending_restart").as_array())
        line("restart", std::string(field.as_string()) + " takes effect at the next start");
    for (const auto& last : vm.at("last_lines").as_array())
        out += "bhyve: " + std::string(last.as_string()) + '\n';
    return out;
}

std::string plan_text(const json::value& plan) {
    std::string out;
    for (const auto& step : plan.at("steps").as_array())
        out += std::string(step.as_string()) + '\n';
    for (const auto& item : plan.at("destroys").as_array())
        out += "destroys " + std::string(item.as_string()) + '\n';
    for (const auto& item : plan.at("keeps").as_array())
        out += "keeps    " + std::string(item.as_string()) + '\n';
    const auto memory = number(plan, "memory_left");
    if (number(plan, "space_most") > 0)
        out += "takes " + size(plan.at("space_now")) + " of the pool now, at most " +
               size(plan.at("space_most")) + "; when it runs, " +
               ByteSize(static_cast<std::uint64_t>(memory)).human() + " of memory are left free\n";
    for (const auto& item : plan.at("problems").as_array())
        out += "problem: " + std::string(item.as_string()) + '\n';
    return out;
}

int create(Context& context, const VmOptions& options) {
    json::object body{{"name", options.name}, {"template", options.template_}};
    if (options.cpus)
        body["cpus"] = *options.cpus;
    const auto add = [&](const char* key, const std::string& value) {
        if (!value.empty())
            body[key] = value;
    };
    add("memory", options.memory);
    add("disk", options.disk);
    add("switch", options.switch_);
    add("note", options.note);
    if (!options.tags.empty())
        body["tags"] = array_of(options.tags);
    add("owner", options.owner);
    add("group", options.group);
    if (options.start)
        body["start"] = true;
    if (options.plan) {
        body["plan"] = true;
        const auto plan = context.api().send("POST", "/api/v1/vms", body);
        std::cout << (context.json ? json::serialize(plan) + "\n" : plan_text(plan));
        return done;
    }
    return context.run_task("POST", "/api/v1/vms", body);
}

int remove(Context& context, const VmOptions& options) {
    std::map<std::string, std::string> headers;
    if (options.plan || !context.yes) {
        const auto response = context.api().request("DELETE", path_of(options, "?plan=1"));
        if (response.status != 200)
            refuse(response);
        (options.plan ? std::cout : std::cerr)
            << (context.json ? response.body + "\n" : plan_text(parse_json(response.body)));
        if (options.plan)
            return done;
        if (ask("Type the name to delete it: ") != options.name) {
            std::cerr << "bhype: nothing deleted; --yes deletes without asking\n";
            return usage;
        }
        headers["If-Match"] = response.headers.at("etag"); // what was shown goes, and nothing else
    }
    return context.run_task("DELETE", path_of(options), {}, headers);
}

json::object settings_of(const VmOptions& options) {
    json::object body;
    for (const auto& setting : options.settings) {
        const auto equals = setting.find('=');
        if (equals == std::string::npos)
            throw CLI::ValidationError(setting, "is not KEY=VALUE");
        const auto key = setting.substr(0, equals);
        const auto value = setting.substr(equals + 1);
        if (key == "screen") {
            const auto cross = value.find('x');
            body[key] = json::object{
                {"width", number_or_text(value.substr(0, cross))},
                {"height", number_or_text(cross == std::string::npos ? "" : value.substr(cross + 1))}};
        } else if (key == "tags") {
            body[key] = list_of(value);
        } else if (key == "cpus") {
            body[key] = number_or_text(value);
        } else {
            body[key] = value;
        }
    }
    return body;
}

int change(Context& context, const VmOptions& options, const json::object& body, const std::string& etag) {
    std::map<std::string, std::string> headers;
    if (!etag.empty())
        headers["If-Match"] = etag;
    const auto answer = context.api().send("PATCH", path_of(options), body, headers);
    const int result = context.follow(answer);
    if (result != done || context.json || context.no_wait)
        return result;
    const auto vm = context.api().get(path_of(options));
    for (const auto& field : vm.at("pending_restart").as_array())
        std::cout << std::string(field.as_string()) << " takes effect at the next start of " << options.name
                  << '\n';
    return done;
}

/// $VISUAL, else $EDITOR, else vi; with arguments after spaces, as "vim -n".
std::vector<std::string> editor() {
    std::vector<std::string> words;
    for (const auto* variable : {"VISUAL", "EDITOR"}) {
        const char* value = std::getenv(variable);
        std::istringstream text(value && words.empty() ? value : "");
        for (std::string word; text >> word;)
            words.push_back(word);
    }
    return words.empty() ? std::vector<std::string>{"vi"} : words;
}

/// Opens what can be changed in $EDITOR, as vipw(8) and crontab(1) do, and sends what was changed.
int edit(Context& context, const VmOptions& options) {
    const auto response = context.api().request("GET", path_of(options));
    if (response.status != 200)
        refuse(response);
    const auto vm = parse_json(response.body);
    json::object before;
    for (const auto* key : {"cpus", "memory", "note", "tags", "owner", "group", "screen"})
        if (const auto* found = vm.as_object().if_contains(key))
            before[key] = *found;
    const auto& cds = vm.at("cds").as_array();
    before["cd"] = cds.empty() ? json::value("") : cds[0].at("image");
    before["memory"] = ByteSize(vm.at("memory").to_number<std::uint64_t>()).str();
    std::string file = "/tmp/bhype.XXXXXX";
    const int descriptor = ::mkstemp(file.data());
    if (descriptor < 0)
        throw Error(Code::internal, "/tmp: cannot make a file");
    std::string lines = "{\n";
    for (const auto& [key, value] : before)
        lines +=
            (lines.size() > 2 ? ",\n" : "") + ("  \"" + std::string(key) + "\": ") + json::serialize(value);
    write_all(descriptor, lines + "\n}\n");
    ::close(descriptor);
    const pid_t child = ::fork();
    if (child == 0) {
        auto words = editor();
        words.push_back(file);
        std::vector<char*> arguments;
        for (auto& word : words)
            arguments.push_back(word.data());
        arguments.push_back(nullptr);
        ::execvp(arguments[0], arguments.data());
        ::_exit(127);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    std::ifstream changed(file);
    const std::string content((std::istreambuf_iterator<char>(changed)), std::istreambuf_iterator<char>());
    const auto keep = [&] { std::cerr << "bhype: what you wrote is kept in " << file << '\n'; };
    int result = failed;
    try {
        if (status != 0)
            throw Error(Code::internal, "the editor failed; nothing changed");
        const auto after = parse_json(content);
        if (!after.is_object())
            throw Error(Code::invalid_request, "what was edited is no JSON object; nothing changed");
        json::object body;
        for (const auto& [key, value] : after.get_object())
            if (const auto* old = before.if_contains(key); !old || *old != value)
                body[key] = value;
        const auto etag = response.headers.find("etag");
        result = change(context, options, body, etag == response.headers.end() ? "" : etag->second);
    } catch (...) {
        keep();
        throw;
    }
    if (result == done)
        ::unlink(file.c_str());
    else
        keep();
    return result;
}

int console(Context& context, const VmOptions& options) {
    const auto* mode = options.watch ? "watch" : options.take_over ? "take-over" : "control";
    const auto ticket = context.api().send("POST", path_of(options, "/console"),
                                           json::object{{"kind", "serial"}, {"mode", mode}});
    if (is_terminal(STDIN_FILENO))
        std::cerr << "Connected to " << options.name << "; ~. at the beginning of a line ends.\r\n";
    const auto why = context.api().console(ticket.as_object());
    std::cout.flush();
    if (!why.empty())
        std::cerr << "\nbhype: " << why << '\n';
    ::_exit(why.empty() ? done : failed);
}

} // namespace

void add_vm_commands(CLI::App& app, Context& context) {
    const auto options = std::make_shared<VmOptions>();
    auto* vm = app.add_subcommand("vm", "Virtual machines");
    vm->require_subcommand(0, 1);
    vm->fallthrough();
    const auto list = [&context] {
        return context.print("/api/v1/vms",
                             [&](const json::value& vms) { return list_table(vms, context.plain); });
    };
    // Parent callbacks run after those of subcommands: only `bhype vm` alone lists.
    vm->final_callback([vm, &context, list] {
        if (vm->get_subcommands().empty())
            context.chosen = list;
    });
    const auto verb = [&](const std::string& name, const std::string& summary, std::function<int()> action,
                          bool named = true) {
        auto* command = vm->add_subcommand(name, summary);
        command->fallthrough();
        if (named)
            command->add_option("NAME", options->name, "the VM")->required();
        command->callback([&context, action = std::move(action)] { context.chosen = action; });
        return command;
    };
    verb("list", "List the VMs", list, false);
    verb("show", "Show a VM", [&, options] {
        return context.print(path_of(*options), [](const json::value& value) { return show_text(value); });
    });
    auto* making =
        verb("create", "Create a VM from a template", [&, options] { return create(context, *options); });
    making->add_option("-t,--template", options->template_, "see `bhype template list`")->required();
    making->add_option("-c,--cpus", options->cpus, "vCPUs");
    making->add_option("-m,--memory", options->memory, "such as 512M or 4G");
    making->add_option("-d,--disk", options->disk, "size of the disk, such as 20G");
    making->add_option("-s,--switch", options->switch_, "nat when missing");
    making->add_option("--note", options->note, "a line about it");
    making->add_option("--tag", options->tags, "words to sort VMs by, with commas between")->delimiter(',');
    making->add_option("--owner", options->owner, "user that it belongs to");
    making->add_option("--group", options->group, "group that may use it");
    making->add_flag("--start", options->start, "start it at once");
    making->add_flag("--plan,--dry-run", options->plan, "tell what would be done, do nothing");
    verb("set",
         "Change settings: cpus=N memory=SIZE note=TEXT tags=A,B owner=USER group=GROUP screen=WxH cd=IMAGE",
         [&, options] { return change(context, *options, settings_of(*options), {}); })
        ->add_option("SETTINGS", options->settings, "KEY=VALUE")
        ->required();
    verb("edit", "Change settings in $EDITOR", [&, options] { return edit(context, *options); });
    verb("start", "Start a VM",
         [&, options] { return context.run_task("POST", path_of(*options, "/start")); });
    verb("stop", "Press the power button and wait for the guest", [&, options] {
        json::object body;
        if (options->seconds)
            body["seconds"] = *options->seconds;
        return context.run_task("POST", path_of(*options, "/stop"), body);
    })->add_option("--seconds", options->seconds, "how long to wait, 60 when missing");
    verb("kill", "End a VM at once; what the guest has not written is lost",
         [&, options] { return context.run_task("POST", path_of(*options, "/kill")); });
    verb("reset", "Reset a VM as its reset button would",
         [&, options] { return context.run_task("POST", path_of(*options, "/reset")); });
    verb("delete", "Delete a VM with its disks", [&, options] {
        return remove(context, *options);
    })->add_flag("--plan,--dry-run", options->plan, "list exactly what goes and what stays, do nothing");
    verb("promote", "Give a clone the snapshots it was made from, so that their VM can be deleted",
         [&, options] {
             if (!options->plan)
                 return context.run_task("POST", path_of(*options, "/promote"), json::object());
             const auto plan =
                 context.api().send("POST", path_of(*options, "/promote"), json::object{{"plan", true}});
             std::cout << (context.json ? json::serialize(plan) + "\n" : plan_text(plan));
             return static_cast<int>(done);
         })
        ->add_flag("--plan,--dry-run", options->plan, "tell what would change, do nothing");
    auto* attach = verb("console", "Open the serial line here; ~. ends",
                        [&, options] { return console(context, *options); });
    attach->add_flag("--watch", options->watch, "look on, do not type");
    attach->add_flag("--take-over", options->take_over, "take it over from whoever has it");
    verb("log", "What bhyve wrote", [&, options] {
        const auto rest =
            options->bytes ? "/log?bytes=" + std::to_string(*options->bytes) : std::string("/log");
        return context.print(path_of(*options, rest),
                             [](const json::value& value) { return text(value, "text"); });
    })->add_option("--bytes", options->bytes, "at most that many");
}

} // namespace bhype::cli
