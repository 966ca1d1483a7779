#include "cli/app.h"

#include "cli/completion.h"
#include "cli/terminal.h"

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <iostream>

namespace bhype::cli {

namespace {

constexpr int longest_restart = 60; ///< s

std::int64_t now() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

/// `document`: the server's own, for --json.
void say(const Error& error, const json::value* document = nullptr) {
    if (document) {
        std::cerr << bhype::json::serialize(*document) << '\n';
        return;
    }
    std::cerr << "bhype: " << error.what() << '\n' << info(error.code()).advice << '\n';
}

class ProgressLine {
  public:
    void show(const json::value& task) {
        if (!is_terminal(STDERR_FILENO))
            return;
        std::string line = text(task, "title") + ": ";
        const auto message = text(task, "message");
        line += message.empty() ? text(task, "state") : message;
        if (const auto* fraction = task.as_object().if_contains("progress");
            fraction && fraction->is_number())
            line += " " + std::to_string(static_cast<int>(fraction->to_number<double>() * 100)) + " %";
        line.resize(std::min(line.size(), terminal_width() - 1));
        std::cerr << "\r\033[K" << line << std::flush;
        shown_ = true;
    }
    ~ProgressLine() {
        if (shown_)
            std::cerr << "\r\033[K" << std::flush;
    }

  private:
    bool shown_ = false;
};

} // namespace

Client& Context::api() {
    if (!client)
        client = std::make_unique<Client>(socket);
    return *client;
}

int Context::print(const std::string& target, const std::function<std::string(const json::value&)>& people) {
    const auto body = api().get_text(target);
    if (json)
        std::cout << body << '\n';
    else
        std::cout << people(parse_json(body));
    return done;
}

int Context::run_task(const std::string& method, const std::string& target,
                      const std::optional<json::value>& body,
                      const std::map<std::string, std::string>& headers) {
    return follow(api().send(method, target, body, headers));
}

int Context::follow(const json::value& started) {
    if (!started.as_object().contains("cancellable")) { // the object itself: it is as it was wanted already
        if (json)
            std::cout << bhype::json::serialize(started) << '\n';
        std::cerr << "nothing changed\n";
        return done;
    }
    auto task = started;
    const auto id = text(task, "id");
    const auto ended = [&] {
        const auto state = text(task, "state");
        return state != "queued" && state != "running";
    };
    if (!no_wait) {
        ProgressLine line;
        for (int away = 0; !ended();) {
            line.show(task);
            try {
                task = api().get("/api/v1/tasks/" + id + "?wait=1");
                away = 0;
            } catch (const NoDaemon&) { // a restart of bhyped does not end the task
                if (++away > longest_restart)
                    throw;
                ::sleep(1);
            }
        }
    }
    if (json)
        std::cout << bhype::json::serialize(task) << '\n';
    if (!ended()) {
        if (!json)
            std::cout << id << '\n';
        return done;
    }
    if (text(task, "state") == "done")
        return done;
    if (const auto* error = task.as_object().if_contains("error"); error && error->is_object())
        say(error_from(*error));
    else
        std::cerr << "bhype: task " << id << " " << text(task, "state") << '\n';
    std::cerr << "bhype task log " << id << " shows what was done.\n";
    return failed;
}

CLI::App* noun(CLI::App& app, Context& context, const std::string& name, const std::string& summary,
               const std::function<int()>& list) {
    auto* added = app.add_subcommand(name, summary);
    added->require_subcommand(0, 1);
    added->fallthrough();
    added->final_callback([added, &context, list] {
        if (added->get_subcommands().empty())
            context.chosen = list;
    });
    return added;
}

CLI::App* verb(CLI::App& noun, Context& context, const std::string& name, const std::string& summary,
               std::function<int()> action) {
    auto* added = noun.add_subcommand(name, summary);
    added->fallthrough();
    added->callback([&context, action = std::move(action)] { context.chosen = action; });
    return added;
}

std::string joined(const json::value& list) {
    std::string out;
    for (const auto& item : list.as_array())
        out += (out.empty() ? "" : ",") +
               (item.is_string() ? std::string(item.as_string()) : json::serialize(item));
    return out;
}

json::array list_of(const std::string& text) {
    json::array items;
    for (std::size_t at = 0; !text.empty() && at <= text.size();) {
        const auto end = std::min(text.find(',', at), text.size());
        items.emplace_back(text.substr(at, end - at));
        at = end + 1;
    }
    return items;
}

json::array array_of(const std::vector<std::string>& texts) {
    return json::array(texts.begin(), texts.end());
}

std::string fact(std::string_view key, std::size_t width, std::string_view value) {
    std::string line(key);
    line.append(key.size() < width ? width - key.size() : 1, ' ');
    return line.append(value) + '\n';
}

std::string size(const json::value& bytes) {
    return bytes.is_number() ? ByteSize(bytes.to_number<std::uint64_t>()).human() : std::string("-");
}

std::string moment(std::int64_t epoch_seconds) {
    const auto time = static_cast<std::time_t>(epoch_seconds);
    std::tm parts{};
    ::localtime_r(&time, &parts);
    char text[64];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M %Z", &parts)};
}

std::string ago(std::int64_t epoch_seconds) {
    if (epoch_seconds <= 0)
        return "-";
    const auto seconds = std::max<std::int64_t>(0, now() - epoch_seconds);
    if (seconds < 120)
        return std::to_string(seconds) + "s";
    if (seconds < 7200)
        return std::to_string(seconds / 60) + "m";
    if (seconds < 172800)
        return std::to_string(seconds / 3600) + "h";
    return std::to_string(seconds / 86400) + "d";
}

json::value number_or_text(const std::string& text) {
    std::int64_t number = 0;
    const auto* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    return error == std::errc() && stop == end ? json::value(number) : json::value(text);
}

std::string text(const json::value& object, std::string_view key) {
    const auto* found = object.is_object() ? object.get_object().if_contains(key) : nullptr;
    if (!found || found->is_null())
        return {};
    if (found->is_string())
        return std::string(found->get_string());
    return bhype::json::serialize(*found);
}

std::int64_t number(const json::value& object, std::string_view key) {
    const auto* found = object.is_object() ? object.get_object().if_contains(key) : nullptr;
    return found && found->is_number() ? found->to_number<std::int64_t>() : 0;
}

std::string escaped(std::string_view component) {
    static constexpr std::string_view hex = "0123456789ABCDEF";
    std::string out;
    for (const char c : component) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) || c == '-' || c == '_' || c == '.')
            out += c;
        else
            out += {'%', hex[byte >> 4], hex[byte & 15]};
    }
    return out;
}

int run(int argc, char** argv) {
    Context context;
    CLI::App app("bHype: virtual machines on FreeBSD", "bhype");
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--socket", context.socket, "bhyped's socket")->group("");
    app.add_flag("--json", context.json, "print the API's own JSON");
    app.add_flag("-H", context.plain, "tab-separated lines without a head, for scripts");
    app.add_flag("--no-wait", context.no_wait, "do not wait for the task; print its id");
    app.add_flag("-y,--yes", context.yes, "do not ask");
    app.failure_message([](const CLI::App*, const CLI::Error& error) {
        return "bhype: " + std::string(error.what()) +
               "\nbhype --help and bhype NOUN VERB --help tell more.\n";
    });
    add_vm_commands(app, context);
    add_snapshot_commands(app, context);
    add_plan_commands(app, context);
    add_storage_commands(app, context);
    add_network_commands(app, context);
    add_task_commands(app, context);
    add_host_commands(app, context);
    std::string shell;
    auto* completion = app.add_subcommand("completion", "Print a completion script");
    completion->add_option("SHELL", shell, "sh, bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"sh", "bash", "zsh", "fish"}));
    completion->callback([&] {
        context.chosen = [&] {
            std::cout << completion_script(app, shell);
            return static_cast<int>(done);
        };
    });

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? done : usage;
    }
    try {
        return context.chosen();
    } catch (const CLI::ParseError& error) { // found later than by the parser: KEY=VALUE
        return app.exit(error) == 0 ? done : usage;
    } catch (const NoDaemon& error) {
        std::cerr << "bhype: bhyped does not answer: " << error.what() << "\nservice bhyped start\n";
        return no_daemon;
    } catch (const Refused& refusal) {
        say(refusal.error, context.json ? &refusal.document : nullptr);
        if (refusal.error.code() == Code::hostd_away)
            return no_daemon;
        return refusal.status >= 500 ? failed : refused;
    } catch (const Error& error) {
        say(error);
        return failed;
    } catch (const std::exception& error) {
        std::cerr << "bhype: " << error.what() << '\n';
        return failed;
    }
}

} // namespace bhype::cli
