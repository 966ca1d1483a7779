#include "host/facts.h"

#include "host/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace bhype::host {

namespace {

using std::chrono::seconds;

std::string required(const Command& command, const std::map<std::string, std::string>& values,
                     const std::string& name) {
    const auto found = values.find(name);
    if (found == values.end())
        unexpected(command.program, name, "nothing");
    return found->second;
}

std::uint64_t required_number(const Command& command, const std::map<std::string, std::string>& values,
                              const std::string& name) {
    const auto text = required(command, values, name);
    const auto value = number<std::uint64_t>(text);
    if (!value)
        unexpected(command.program, name + " as a number", text);
    return *value;
}

} // namespace

Command sysctl_set(const std::string& name, const std::string& value) {
    return {.program = Program::sysctl,
            .arguments = {name + '=' + value},
            .input = std::nullopt,
            .deadline = seconds(10)};
}

Command sysctl_get(const std::vector<std::string>& names) {
    Command command{
        .program = Program::sysctl, .arguments = {"-i"}, .input = std::nullopt, .deadline = seconds(10)};
    command.arguments.insert(command.arguments.end(), names.begin(), names.end());
    return command;
}

std::map<std::string, std::string> parse_sysctl(const Command& command, const Output& output) {
    expect_success(command, output);
    std::map<std::string, std::string> values;
    each_line(output.out, [&](std::string_view line) {
        const auto colon = line.find(": ");
        const auto name = line.substr(0, colon);
        if (std::find(command.arguments.begin(), command.arguments.end(), name) != command.arguments.end())
            values[std::string(name)] = trimmed(line.substr(colon == line.npos ? line.size() : colon + 2));
    });
    return values;
}

Command facts_sysctl() {
    return sysctl_get({"kern.osreldate", "kern.hostname", "hw.model", "hw.ncpu", "hw.physmem", "hw.pagesize",
                       "hw.vmm.maxcpu", "vm.stats.vm.v_free_count", "vm.stats.vm.v_inactive_count",
                       "vm.stats.vm.v_laundry_count", "kstat.zfs.misc.arcstats.size",
                       "kstat.zfs.misc.arcstats.c_min"});
}

Command facts_version() {
    return {.program = Program::freebsd_version,
            .arguments = {"-u"},
            .input = std::nullopt,
            .deadline = seconds(10)};
}

Command kldstat_module(std::string_view module) {
    return {.program = Program::kldstat,
            .arguments = {"-q", "-m", std::string(module)},
            .input = std::nullopt,
            .deadline = seconds(10)};
}

std::string parse_version(const Command& command, const Output& output) {
    expect_success(command, output);
    std::string release(trimmed(output.out));
    if (release.empty())
        unexpected(command.program, "a release", "");
    return release;
}

HostFactsResult parse_facts(const Command& sysctl, const Output& output) {
    const auto values = parse_sysctl(sysctl, output);
    const auto count = [&](const std::string& name) { return required_number(sysctl, values, name); };
    const auto if_there = [&](const std::string& name) -> std::optional<std::uint64_t> {
        return values.contains(name) ? std::optional(count(name)) : std::nullopt;
    };
    HostFactsResult facts;
    facts.osreldate = static_cast<std::int64_t>(count("kern.osreldate"));
    facts.hostname = required(sysctl, values, "kern.hostname");
    facts.cpu_model = required(sysctl, values, "hw.model");
    facts.cpus = static_cast<std::int64_t>(count("hw.ncpu"));
    if (const auto most = if_there("hw.vmm.maxcpu"))
        facts.max_vcpus = static_cast<std::int64_t>(*most);
    facts.memory = ByteSize(count("hw.physmem"));
    // Without the zfs module there is no ARC.
    const auto arc = if_there("kstat.zfs.misc.arcstats.size").value_or(0);
    const auto arc_kept = std::min(arc, if_there("kstat.zfs.misc.arcstats.c_min").value_or(0));
    const auto pages = count("vm.stats.vm.v_free_count") + count("vm.stats.vm.v_inactive_count") +
                       count("vm.stats.vm.v_laundry_count");
    facts.memory_free = ByteSize(pages * count("hw.pagesize") + arc - arc_kept);
    facts.arc = ByteSize(arc);
    return facts;
}

Command hostuuid_sysctl() {
    return sysctl_get({"kern.hostuuid"});
}

Uuid parse_hostuuid(const Command& command, const Output& output) {
    const auto text = required(command, parse_sysctl(command, output), "kern.hostuuid");
    const auto id = Uuid::parse(text);
    if (!id)
        unexpected(command.program, "kern.hostuuid as a UUID", text);
    return *id;
}

Command kldload_needed() {
    Command command{
        .program = Program::kldload, .arguments = {"-n"}, .input = std::nullopt, .deadline = seconds(60)};
    for (const auto module : needed_modules)
        if (module != "zfs")
            command.arguments.emplace_back(module);
    return command;
}

Command kldload_module(std::string_view module) {
    return {.program = Program::kldload,
            .arguments = {"-n", std::string(module)},
            .input = std::nullopt,
            .deadline = seconds(60)};
}

std::string loader_conf() {
    std::string text = "# Written by bHype; what is changed here is lost.\n";
    for (const auto module : needed_modules)
        if (module != "zfs")
            text += fmt::format("{}_load=\"YES\"\n", module);
    for (const auto* tunable : bridge_filters)
        text += fmt::format("{}=\"0\"\n", tunable);
    return text;
}

Command sysrc_set(std::string_view name, std::string_view value) {
    const auto is_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (name.empty() || !is_letter(name[0]) ||
        !std::all_of(name.begin(), name.end(), [&](char c) { return is_letter(c) || is_digit(c); }))
        throw Error(Code::invalid_field, {}, {{"name", "must be a variable of sh(1)"}});
    if (std::any_of(value.begin(), value.end(), [](char c) {
            return static_cast<unsigned char>(c) < 0x20 || c == 0x7f ||
                   std::string_view("\"$`\\").find(c) != std::string_view::npos;
        }))
        throw Error(Code::invalid_field, {}, {{"value", "must not hold \" $ ` \\ or control characters"}});
    return {.program = Program::sysrc,
            .arguments = {std::string(name) + '=' + std::string(value)},
            .input = std::nullopt,
            .deadline = seconds(20)};
}

} // namespace bhype::host
