#include "cli/app.h"
#include "cli/terminal.h"

#include <CLI/CLI.hpp>

#include <iostream>

namespace bhype::cli {

namespace {

/// What the passphrase is called at the host; nothing when none was given, which has been said. `twice`: a
/// new one.
std::optional<json::value> give_passphrase(Context& context, const std::string& pool, bool twice) {
    const auto first = ask_secret("Passphrase of pool " + pool + ": ");
    if (!first) {
        std::cerr << "bhype: no passphrase: type it, or give it as a line of standard input\n";
        return std::nullopt;
    }
    if (twice && is_terminal(0)) {
        const auto second = ask_secret("The same again: ");
        if (!second || second->reveal() != first->reveal()) {
            std::cerr << "bhype: the two differ; nothing changed\n";
            return std::nullopt;
        }
    }
    return context.api()
        .send("POST", "/api/v1/secrets", json::object{{"secret", first->reveal()}})
        .at("token");
}

} // namespace

std::optional<json::object> encryption_of(Context& context, const std::string& pool, const std::string& key,
                                          bool plan) {
    json::object encryption{{"key", key}};
    if (key != "passphrase" || plan)
        return encryption;
    auto token = give_passphrase(context, pool, true);
    if (!token)
        return std::nullopt;
    encryption["secret"] = std::move(*token);
    return encryption;
}

void add_key_commands(CLI::App& pools, Context& context) {
    struct Options {
        std::string name;
    };
    const auto options = std::make_shared<Options>();
    const auto path = [options] { return "/api/v1/pools/" + escaped(options->name); };
    verb(pools, context, "unlock", "Load an encrypted pool's key and mount what is in it",
         [&context, options, path] {
             json::object body;
             const auto pool = context.api().get(path());
             if (text(pool, "encryption") == "passphrase" && pool.at("locked").as_bool()) {
                 auto token = give_passphrase(context, options->name, false);
                 if (!token)
                     return static_cast<int>(usage);
                 body["secret"] = std::move(*token);
             }
             return context.run_task("POST", path() + "/unlock", body);
         })
        ->add_option("POOL", options->name, "the pool")
        ->required();
    verb(pools, context, "lock", "Unmount all of an encrypted pool and forget its key",
         [&context, path] { return context.run_task("POST", path() + "/lock"); })
        ->add_option("POOL", options->name, "the pool")
        ->required();
}

} // namespace bhype::cli
