#include "cli/app.h"
#include "cli/terminal.h"

#include <CLI/CLI.hpp>

#include <ctime>
#include <iostream>

namespace bhype::cli {

namespace {

constexpr const char* address = "/api/v1/uplinks";

std::int64_t seconds_left(const json::value& guard) {
    return std::max<std::int64_t>(0, number(guard, "until") - std::time(nullptr));
}

std::string guard_text(const json::value& guard) {
    const auto state = text(guard, "state");
    std::string out;
    if (state == "armed")
        out = "The last change waits: it goes back in " + std::to_string(seconds_left(guard)) +
              " s unless you run bhype uplink confirm.\n";
    else if (state == "reverted")
        out = "The last change went back: " + text(guard, "reason") + ".\n";
    else if (state != "none" && state != "kept")
        out = "The last change is " + state + ".\n";
    for (const auto& failure : guard.at("failures").as_array())
        out += "On the way back: " + std::string(failure.as_string()) + '\n';
    return out;
}

std::string uplinks_text(const json::value& all, bool plain) {
    std::vector<std::vector<std::string>> rows;
    std::string advice;
    for (const auto& item : all.at("uplinks").as_array()) {
        rows.push_back({text(item, "name"), text(item, "driver"),
                        !item.at("up").as_bool()    ? "down"
                        : item.at("link").as_bool() ? "link"
                                                    : "no link",
                        text(item, "media"), joined(item.at("addresses")), joined(item.at("used_by"))});
        for (const auto& line : item.at("advice").as_array())
            advice += text(item, "name") + ": " + std::string(line.as_string()) + '\n';
    }
    auto out = table({"NAME", "DRIVER", "STATE", "MEDIA", "ADDRESSES", "USED BY"}, rows, plain);
    if (plain)
        return out;
    return out + (advice.empty() ? "" : "\n" + advice) + guard_text(all.at("guard"));
}

std::string plan_text(const json::value& plan) {
    std::string out;
    const auto part = [&](const char* title, const char* key) {
        out += title;
        for (const auto& line : plan.at(key).as_array())
            out += "  " + std::string(line.as_string()) + '\n';
    };
    part("Now:\n", "now");
    part("Unless you confirm it in time, and whatever happens to bHype meanwhile:\n", "back");
    part("Once you have confirmed it:\n", "saved");
    return out;
}

struct Options {
    std::string nic, name = "lagg0", ports, protocol = "lacp", switch_ = "public", vlan, address;
    std::int64_t seconds = 60;
    bool plan = false;
};

json::value guard_of(Context& context) {
    return context.api().send("GET", address).at("guard");
}

int decide(Context& context, const char* decision) {
    const auto guard = guard_of(context);
    if (text(guard, "id").empty()) {
        std::cerr << "bhype: no uplink was changed: there is nothing to " << decision << '\n';
        return refused;
    }
    return context.run_task("POST", std::string(address) + '/' + decision,
                            json::object{{"id", guard.at("id")}});
}

/// Asks while the change waits: who can answer has not been cut off.
int asked(Context& context) {
    const auto guard = guard_of(context);
    if (text(guard, "state") != "armed")
        return done;
    if (context.json || context.no_wait || !is_terminal(0)) {
        std::cerr << guard_text(guard);
        return done;
    }
    const std::chrono::seconds left(seconds_left(guard));
    const auto answer =
        ask_within("Keep it? It goes back in " + std::to_string(left.count()) + " s. [y/N] ", left);
    if (!answer) {
        std::cerr << "\nNobody answered: it goes back.\n";
        return failed;
    }
    return decide(context, *answer == "y" || *answer == "yes" ? "confirm" : "revert");
}

int change(Context& context, const Options& options, json::object body) {
    body["seconds"] = options.seconds;
    if (options.plan) {
        body["plan"] = true;
        const auto plan = context.api().send("POST", address, body);
        std::cout << (context.json ? json::serialize(plan) + "\n" : plan_text(plan));
        return done;
    }
    const auto result = context.run_task("POST", address, body);
    return result == done ? asked(context) : result;
}

json::value tag(const std::string& typed) {
    const bool digits =
        !typed.empty() && typed.size() < 9 && typed.find_first_not_of("0123456789") == typed.npos;
    return digits ? json::value(std::stoll(typed)) : json::value(typed);
}

} // namespace

void add_uplink_commands(CLI::App& app, Context& context) {
    const auto options = std::make_shared<Options>();
    const auto list = [&context] {
        return context.print(address,
                             [&](const json::value& all) { return uplinks_text(all, context.plain); });
    };
    auto& uplinks = *noun(app, context, "uplink", "Interfaces that lead outside", list);
    const auto changing = [&](const char* name, const char* summary, auto body) {
        auto* command = verb(uplinks, context, name, summary,
                             [&context, options, body] { return change(context, *options, body(*options)); });
        command->add_option("--seconds", options->seconds, "to confirm it within")->capture_default_str();
        command->add_flag("--plan,--dry-run", options->plan, "tell the commands, do nothing");
        return command;
    };
    verb(uplinks, context, "list", "List the interfaces, who uses them, and what could be better", list);
    for (const bool present : {true, false}) {
        auto* command = changing(present ? "bridge" : "unbridge",
                                 present ? "Let a NIC join a switch's bridge; the host's addresses move there"
                                         : "Give the host's addresses back to the NIC",
                                 [present](const Options& o) {
                                     return json::object{{"kind", "bridge"},
                                                         {"present", present},
                                                         {"ports", {o.nic}},
                                                         {"switch", o.switch_}};
                                 });
        command->add_option("NIC", options->nic, "such as em0")->required();
        command->add_option("--switch", options->switch_, "a public switch")->capture_default_str();
    }
    auto* lagg = changing("lagg", "Join NICs so that the host outlasts a cable", [](const Options& o) {
        return json::object{{"kind", "lagg"},
                            {"present", true},
                            {"name", o.name},
                            {"ports", list_of(o.ports)},
                            {"protocol", o.protocol}};
    });
    lagg->add_option("NICS", options->ports, "such as em0,em1; the first is the main one of a failover")
        ->required();
    lagg->add_option("--protocol", options->protocol, "lacp (the switch must know), failover or loadbalance")
        ->capture_default_str();
    lagg->add_option("--name", options->name, "of the new interface")->capture_default_str();
    changing("unlagg", "Take a lagg(4) apart; its addresses go to its first NIC",
             [](const Options& o) {
                 return json::object{{"kind", "lagg"}, {"present", false}, {"name", o.name}};
             })
        ->add_option("NAME", options->name, "such as lagg0")
        ->required();
    for (const bool present : {true, false}) {
        auto* command = changing(
            present ? "vlan" : "unvlan",
            present ? "Make a vlan(4) on a NIC for the host itself" : "Remove a vlan(4) of the host",
            [present](const Options& o) {
                json::object body{
                    {"kind", "vlan"}, {"present", present}, {"ports", {o.nic}}, {"vlan", tag(o.vlan)}};
                if (!o.address.empty())
                    body["address"] = o.address;
                return body;
            });
        command->add_option("NIC", options->nic, "such as em0")->required();
        command->add_option("TAG", options->vlan, "1 to 4094")->required();
        if (present)
            command->add_option("--address", options->address, "of the host on it, such as 10.20.0.5/24");
    }
    verb(uplinks, context, "confirm", "Keep the change that waits, and save it in rc.conf",
         [&context] { return decide(context, "confirm"); });
    verb(uplinks, context, "revert", "Take the change that waits back now",
         [&context] { return decide(context, "revert"); });
}

} // namespace bhype::cli
