#include "cli/app.h"
#include "cli/terminal.h"

#include <CLI/CLI.hpp>

#include <iostream>

namespace bhype::cli {

namespace {

std::string list_table(const json::value& tasks, bool plain) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& task : tasks.as_array())
        rows.push_back({text(task, "id"), text(task, "state"), text(task, "title"), text(task, "user"),
                        ago(number(task, "created") / 1000)});
    return table({"ID", "STATE", "TASK", "USER", "AGE"}, rows, plain);
}

std::string show_text(const json::value& task) {
    std::string out;
    for (const auto* key : {"id", "title", "kind", "object", "user", "source", "state", "message"})
        if (const auto value = text(task, key); !value.empty())
            out += fact(key, 10, value);
    if (const auto* error = task.as_object().if_contains("error"); error && error->is_object())
        out += error_from(*error).what() + std::string("\n");
    return out;
}

std::string log_text(const json::value& steps) {
    std::string out;
    for (const auto& step : steps.as_array()) {
        out += text(step, "number") + ". " + text(step, "title") + " (" + text(step, "operation") +
               "): " + text(step, "state") + '\n';
        for (const auto& command : step.at("commands").as_array()) {
            out += "   # " + text(command, "command") + '\n';
            const auto output = text(command, "output");
            std::size_t begin = 0;
            while (begin < output.size()) {
                const auto end = std::min(output.find('\n', begin), output.size());
                out += "     " + output.substr(begin, end - begin) + '\n';
                begin = end + 1;
            }
            if (number(command, "exit_status") != 0)
                out += "     exit " + text(command, "exit_status") + '\n';
        }
        if (const auto error = text(step, "error"); !error.empty())
            out += "   " + error + '\n';
    }
    return out;
}

/// What the lists of tasks and of the audit take.
struct ListFilter {
    std::string object;
    std::string user;
    std::string most;

    void add_options(CLI::App& command, const std::string& example) {
        command.add_option("--object", object, example);
        command.add_option("--user", user, "those of one user");
        command.add_option("--most", most, "at most so many");
    }
    std::string query() const {
        std::string text;
        for (const auto& [name, value] :
             {std::pair("object", &object), std::pair("user", &user), std::pair("most", &most)})
            if (!value->empty())
                text += (text.empty() ? "?" : "&") + std::string(name) + '=' + escaped(*value);
        return text;
    }
};

std::string audit_table(const json::value& entries, bool plain) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& entry : entries.as_array())
        rows.push_back({text(entry, "number"), ago(number(entry, "time")), text(entry, "user"),
                        text(entry, "source"), text(entry, "action"), text(entry, "object"),
                        text(entry, "outcome"), text(entry, "task")});
    return table({"NUMBER", "AGO", "USER", "FROM", "ACTION", "OBJECT", "OUTCOME", "TASK"}, rows, plain);
}

} // namespace

void add_task_commands(CLI::App& app, Context& context) {
    const auto id = std::make_shared<std::string>();
    const auto filter = std::make_shared<ListFilter>();
    auto* task = app.add_subcommand("task", "What bHype does and did");
    task->require_subcommand(0, 1);
    task->fallthrough();
    const auto list = [&context, filter] {
        return context.print("/api/v1/tasks" + filter->query(),
                             [&](const json::value& tasks) { return list_table(tasks, context.plain); });
    };
    task->final_callback([task, &context, list] {
        if (task->get_subcommands().empty())
            context.chosen = list;
    });
    const auto verb = [&](const std::string& name, const std::string& summary, std::function<int()> action) {
        auto* command = task->add_subcommand(name, summary);
        command->fallthrough();
        command->callback([&context, action = std::move(action)] { context.chosen = action; });
        return command;
    };
    const auto named = [&](CLI::App* command) { command->add_option("ID", *id, "the task")->required(); };
    const auto path = [id](const std::string& rest) { return "/api/v1/tasks/" + escaped(*id) + rest; };
    filter->add_options(*verb("list", "List tasks, newest first", list), "such as vm/web1");
    named(verb("show", "Show a task", [&context, path] { return context.print(path(""), show_text); }));
    named(verb("watch", "Follow a task until it ends",
               [&context, path] { return context.follow(context.api().get(path(""))); }));
    named(verb("cancel", "Cancel a task", [&context, path] {
        const auto cancelled = context.api().send("POST", path("/cancel"));
        if (context.json)
            std::cout << json::serialize(cancelled) << '\n';
        return static_cast<int>(done);
    }));
    named(verb("log", "Each step with the commands as they ran",
               [&context, path] { return context.print(path("/steps"), log_text); }));

    const auto audited = std::make_shared<ListFilter>();
    auto* audit = app.add_subcommand("audit", "Who changed what or tried to, newest first");
    audit->fallthrough();
    audited->add_options(*audit, "such as web1");
    audit->callback([&context, audited] {
        context.chosen = [&context, audited] {
            return context.print("/api/v1/audit" + audited->query(), [&](const json::value& entries) {
                return audit_table(entries, context.plain);
            });
        };
    });
}

} // namespace bhype::cli
