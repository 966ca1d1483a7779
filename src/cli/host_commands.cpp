#include "cli/app.h"
#include "cli/terminal.h"

#include <CLI/CLI.hpp>

#include <iostream>

namespace bhype::cli {

namespace {

std::string templates_table(const json::value& templates, bool plain) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& item : templates.as_array())
        rows.push_back({text(item, "name"), text(item, "family"), text(item, "kind"), size(item.at("memory")),
                        size(item.at("disk")), item.at("available").as_bool() ? "yes" : "no",
                        text(item, "title")});
    return table({"NAME", "FAMILY", "KIND", "MEMORY", "DISK", "READY", "TITLE"}, rows, plain);
}

std::string template_text(const json::value& item) {
    std::string out;
    for (const auto* key : {"name", "title", "family", "kind", "description", "why_not"})
        if (const auto value = text(item, key); !value.empty())
            out += fact(key, 13, value);
    out += "cpus         " + text(item, "cpus") + "\nmemory       " + size(item.at("memory")) +
           " (at least " + size(item.at("smallest_memory")) + ")\ndisk         " + size(item.at("disk")) +
           " (at least " + size(item.at("smallest_disk")) + ")\n";
    if (const auto* media = item.as_object().if_contains("media"); media && media->is_object())
        for (const auto* key : {"url", "file", "sha256"})
            if (const auto value = text(*media, key); !value.empty())
                out += fact(key, 13, value);
    if (const auto notes = text(item, "notes"); !notes.empty())
        out += '\n' + notes + (notes.back() == '\n' ? "" : "\n");
    return out;
}

std::string host_text(const json::value& host) {
    std::string out;
    for (const auto& [key, value] : host.as_object()) {
        const auto shown = value.is_object() || value.is_array() ? json::serialize(value) : text(host, key);
        out += fact(std::string_view(key.data(), key.size()), 17, shown);
    }
    return out;
}

struct SetupOptions {
    std::string pool;
    std::vector<std::string> disks;
    std::string layout;
    std::optional<std::string> encrypt;
    bool plan = false;
};

json::object setup_body(const SetupOptions& options) {
    json::object body{{"pool", options.pool}};
    json::array disks;
    for (const auto& disk : options.disks)
        disks.push_back(json::string(disk));
    body["disks"] = disks;
    if (!options.layout.empty())
        body["layout"] = options.layout;
    return body;
}

void ask_setup(Context& context, SetupOptions& options) {
    std::cerr << disks_table(context.api().get("/api/v1/disks"), false);
    options.pool = ask("Pool to use, or to make [tank]: ");
    if (options.pool.empty())
        options.pool = "tank";
    if (options.disks.empty()) {
        const auto disks = ask("Disks for a new pool, with commas (empty: the pool exists): ");
        std::size_t begin = 0;
        while (begin < disks.size()) {
            const auto end = std::min(disks.find(',', begin), disks.size());
            options.disks.push_back(disks.substr(begin, end - begin));
            begin = end + 1;
        }
    }
}

int setup(Context& context, SetupOptions& options) {
    if (options.pool.empty()) {
        if (context.yes || !is_terminal(STDIN_FILENO)) {
            std::cerr << "bhype: --pool NAME is missing\n";
            return usage;
        }
        ask_setup(context, options);
    }
    auto body = setup_body(options);
    if (options.encrypt)
        body["encryption"] = json::object{{"key", *options.encrypt}};
    body["plan"] = true;
    const auto plan = context.api().send("POST", "/api/v1/setup", body);
    if (plan.at("nothing_to_do").as_bool()) {
        std::cout << (context.json ? json::serialize(plan) : "Nothing is to be done.") << '\n';
        return done;
    }
    if (!context.json) {
        for (const auto& step : plan.at("steps").as_array())
            std::cerr << std::string(step.as_string()) << '\n';
        for (const auto& disk : plan.at("wipes").as_array())
            std::cerr << "WIPES " << std::string(disk.as_string()) << '\n';
        for (const auto& warning : plan.at("warnings").as_array())
            std::cerr << std::string(warning.as_string()) << '\n';
    } else if (options.plan) {
        std::cout << json::serialize(plan) << '\n';
    }
    if (options.plan)
        return done;
    if (!context.yes && ask("Type the pool's name to go on: ") != options.pool) {
        std::cerr << "bhype: nothing changed; --yes does not ask\n";
        return usage;
    }
    body.erase("plan");
    if (options.encrypt) {
        auto encryption = encryption_of(context, options.pool, *options.encrypt, false);
        if (!encryption)
            return usage;
        body["encryption"] = std::move(*encryption);
    }
    return context.run_task("POST", "/api/v1/setup", body);
}

int doctor(Context& context) {
    const auto body = context.api().get_text("/api/v1/checks");
    const auto checks = parse_json(body);
    bool bad = false;
    std::vector<std::vector<std::string>> rows;
    std::string advice;
    for (const auto& check : checks.as_array()) {
        const auto state = text(check, "state");
        bad = bad || state == "failed";
        rows.push_back({state, text(check, "title"), text(check, "found")});
        if (const auto todo = text(check, "advice"); !todo.empty())
            advice += text(check, "title") + ": " + todo + '\n';
    }
    if (context.json)
        std::cout << body << '\n';
    else
        std::cout << table({"STATE", "CHECK", "FOUND"}, rows, context.plain)
                  << (advice.empty() ? "" : "\nTo do:\n" + advice);
    return bad ? failed : done;
}

} // namespace

void add_host_commands(CLI::App& app, Context& context) {
    const auto name = std::make_shared<std::string>();
    auto* templates = app.add_subcommand("template", "OS templates");
    templates->require_subcommand(0, 1);
    templates->fallthrough();
    const auto list = [&context] {
        return context.print("/api/v1/templates",
                             [&](const json::value& value) { return templates_table(value, context.plain); });
    };
    templates->final_callback([templates, &context, list] {
        if (templates->get_subcommands().empty())
            context.chosen = list;
    });
    auto* template_list = templates->add_subcommand("list", "List the templates");
    template_list->fallthrough();
    template_list->callback([&context, list] { context.chosen = list; });
    auto* template_show = templates->add_subcommand("show", "Show a template");
    template_show->fallthrough();
    template_show->add_option("NAME", *name, "the template")->required();
    template_show->callback([&context, name] {
        context.chosen = [&context, name] {
            return context.print("/api/v1/templates/" + escaped(*name), template_text);
        };
    });

    const auto plain = [&](const std::string& command, const std::string& summary,
                           std::function<int()> action) {
        auto* added = app.add_subcommand(command, summary);
        added->fallthrough();
        added->callback([&context, action = std::move(action)] { context.chosen = action; });
        return added;
    };
    plain("host", "The host at a glance", [&context] { return context.print("/api/v1/host", host_text); });
    const auto options = std::make_shared<SetupOptions>();
    auto* setting_up = plain("setup", "Set this host up for VMs; does nothing the second time",
                             [&context, options] { return setup(context, *options); });
    setting_up->add_option("--pool", options->pool, "ZFS pool to use, or to make from --disks");
    setting_up->add_option("--disks", options->disks, "disks of a new pool: nda0,nda1")->delimiter(',');
    setting_up->add_option("--layout", options->layout, "stripe, mirror, raidz1, raidz2 or raidz3");
    setting_up
        ->add_option("--encrypt", options->encrypt,
                     "encrypt the new pool: by a passphrase that is asked for, or by a key file on this host")
        ->type_name("passphrase|file");
    setting_up->add_flag("--plan,--dry-run", options->plan, "tell what would be done, do nothing");
    plain("doctor", "Check this host and say what to do", [&context] { return doctor(context); });
    plain("whoami", "Who bHype takes you for", [&context] {
        return context.print("/api/v1/whoami", [](const json::value& value) {
            return text(value, "user") + " (" + text(value, "role") + ")\n";
        });
    });
    plain("version", "Versions of this program and of bhyped", [&context] {
        if (context.json)
            return context.print("/api/v1/version", [](const json::value&) { return std::string(); });
        std::cout << "bhype " BHYPE_VERSION "\n" << std::flush;
        std::cout << "bhyped " << text(context.api().get("/api/v1/version"), "version") << '\n';
        return static_cast<int>(done);
    });
}

} // namespace bhype::cli
