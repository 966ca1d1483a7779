#include "cli/app.h"
#include "cli/terminal.h"

#include <CLI/CLI.hpp>

#include <iostream>

namespace bhype::cli {

namespace {

std::string size_or_dash(const json::value& bytes) {
    return bytes.to_number<std::int64_t>() == 0 ? "-" : size(bytes);
}

std::string space_text(const json::value& space, bool plain) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& item : space.at("items").as_array())
        rows.push_back({text(item, "name"), size(item.at("live")), size(item.at("snapshots")),
                        size_or_dash(item.at("reserved")), size_or_dash(item.at("quota")),
                        size_or_dash(item.at("reservation")), size_or_dash(item.at("logical")),
                        text(item, "compression"), text(item, "blocks")});
    auto all = table({"WHO", "LIVE", "SNAPSHOTS", "KEPT FREE", "QUOTA", "RESERVATION", "UNCOMPRESSED",
                      "COMPRESSION", "BLOCKS"},
                     rows, plain);
    if (plain)
        return all;
    return all + "\npool " + text(space, "pool") + ": " + size(space.at("used")) + " used, " +
           size(space.at("available")) + " free; " + text(space, "floor") + " % stay free\n";
}

struct GrowOptions {
    std::string vm, disk, size;
    std::optional<std::string> quota, reservation;
    bool plan = false;
};

void show_plan(const json::value& plan) {
    for (const auto& step : plan.at("steps").as_array())
        std::cout << std::string(step.as_string()) << '\n';
    for (const auto& problem : plan.at("problems").as_array())
        std::cout << "problem: " << std::string(problem.as_string()) << '\n';
    std::cout << "then, in the guest:\n";
    for (const auto& step : plan.at("inside").as_array())
        std::cout << "    " << std::string(step.as_string()) << '\n';
}

int grow(Context& context, const GrowOptions& options) {
    const auto target = "/api/v1/vms/" + escaped(options.vm) + "/disks/" + escaped(options.disk) + "/grow";
    const auto plan =
        context.api().send("POST", target, json::object{{"size", options.size}, {"plan", true}});
    if (options.plan) {
        if (context.json)
            std::cout << json::serialize(plan) << '\n';
        else
            show_plan(plan);
        return done;
    }
    const auto result = context.run_task("POST", target, json::object{{"size", options.size}});
    if (result == done && !context.json)
        for (const auto& step : plan.at("inside").as_array())
            std::cout << "in the guest: " << std::string(step.as_string()) << '\n';
    return result;
}

int limit(Context& context, const GrowOptions& options) {
    json::object body;
    const auto set = [&](const char* key, const std::optional<std::string>& value) {
        if (value)
            body[key] = *value == "none" ? std::string("0") : *value;
    };
    set("quota", options.quota);
    set("reservation", options.reservation);
    return context.run_task("PATCH", "/api/v1/vms/" + escaped(options.vm) + "/limits", body);
}

} // namespace

void add_space_commands(CLI::App& app, Context& context) {
    const auto percent = std::make_shared<std::string>();
    const auto show = [&context] {
        return context.print("/api/v1/space",
                             [&](const json::value& space) { return space_text(space, context.plain); });
    };
    auto* space = noun(app, context, "space", "Who uses the pool", show);
    verb(*space, context, "list", "Who uses how much, the largest first", show);
    verb(*space, context, "floor", "Keep so much of the pool free",
         [&context, percent] {
             const auto answer = context.api().send("PUT", "/api/v1/space/floor",
                                                    json::object{{"percent", number_or_text(*percent)}});
             std::cout << (context.json ? json::serialize(answer) + "\n" : space_text(answer, context.plain));
             return static_cast<int>(done);
         })
        ->add_option("PERCENT", *percent, "of the pool, 0 to 95")
        ->required();

    const auto options = std::make_shared<GrowOptions>();
    auto* vm = app.get_subcommand("vm");
    auto* growing = verb(*vm, context, "grow", "Make a disk larger, and tell what to do in the guest",
                         [&context, options] { return grow(context, *options); });
    growing->add_option("NAME", options->vm, "the VM")->required();
    growing->add_option("DISK", options->disk, "its disk, such as disk0")->required();
    growing->add_option("SIZE", options->size, "such as 40G; more than it has")->required();
    growing->add_flag("--plan,--dry-run", options->plan, "tell what would be done, do nothing");
    auto* limiting = verb(*vm, context, "limit", "Limit what a VM may take of the pool",
                          [&context, options] { return limit(context, *options); });
    limiting->add_option("NAME", options->vm, "the VM")->required();
    limiting->add_option("--quota", options->quota,
                         "at most that much with its snapshots, such as 50G; none");
    limiting->add_option("--reservation", options->reservation, "kept free for it, such as 20G; none");
}

} // namespace bhype::cli
