#include "host/zpool.h"

#include "host/text.h"
#include "host/zfs.h"

#include <fmt/format.h>

#include <array>
#include <set>

namespace bhype::host {

namespace {

using std::chrono::seconds;

Command zpool(std::vector<std::string> arguments, seconds deadline = seconds(60)) {
    return {.program = Program::zpool,
            .arguments = std::move(arguments),
            .input = std::nullopt,
            .deadline = deadline};
}

bool failed_with(const Output& output, std::initializer_list<std::string_view> texts) {
    if (output.exit_status == 0 || output.missed_deadline || output.cancelled)
        return false;
    for (const auto text : texts)
        if (output.err.find(text) != std::string::npos)
            return true;
    return false;
}

bool takes(VdevRole role, PoolLayout layout) {
    switch (role) {
    case VdevRole::data:
        return true;
    case VdevRole::log:
    case VdevRole::special:
    case VdevRole::dedup:
        return layout == PoolLayout::stripe || layout == PoolLayout::mirror;
    case VdevRole::cache:
    case VdevRole::spare:
        break;
    }
    return layout == PoolLayout::stripe;
}

} // namespace

Command zpool_list() {
    return zpool({"list", "-H", "-p", "-o", "name,guid,size,allocated,free,health"}, seconds(30));
}

std::vector<Pool> parse_zpool_list(const Command& command, const Output& output) {
    expect_zfs(command, output);
    std::vector<Pool> pools;
    each_line(output.out, [&](std::string_view line) {
        const auto fields = split(line, '\t');
        if (fields.size() != 6)
            unexpected(command.program, "6 columns", line);
        const auto name = PoolName::parse(fields[0]);
        if (!name) // FreeBSD allows names with spaces; bHype leaves such pools alone
            return;
        // A faulted pool has "-" for its numbers.
        const auto size = [&](std::string_view text) {
            if (text == "-")
                return ByteSize(0);
            const auto bytes = number<std::uint64_t>(text);
            if (!bytes)
                unexpected(command.program, "a size in bytes", line);
            return ByteSize(*bytes);
        };
        pools.push_back({*name, std::string(fields[1]), size(fields[2]), size(fields[3]), size(fields[4]),
                         std::string(fields[5])});
    });
    return pools;
}

std::size_t fewest_disks(PoolLayout layout) {
    switch (layout) {
    case PoolLayout::stripe:
        return 1;
    case PoolLayout::mirror:
    case PoolLayout::raidz1:
        return 2;
    case PoolLayout::raidz2:
        return 3;
    case PoolLayout::raidz3:
        return 4;
    }
    return 1;
}

std::vector<FieldProblem> group_problems(const std::vector<VdevGroup>& groups, const std::string& field) {
    std::vector<FieldProblem> problems;
    std::set<DiskName> seen;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        const auto& group = groups[i];
        const auto here = fmt::format("{}[{}]", field, i);
        if (!takes(group.role, group.layout))
            problems.push_back({here + ".layout", fmt::format("{} cannot be a {}", enum_name(group.role),
                                                              enum_name(group.layout))});
        if (group.disks.size() < fewest_disks(group.layout))
            problems.push_back(
                {here + ".disks", fmt::format("{} needs at least {} disks", enum_name(group.layout),
                                              fewest_disks(group.layout))});
        for (std::size_t k = 0; k < group.disks.size(); ++k)
            if (!seen.insert(group.disks[k]).second)
                problems.push_back(
                    {fmt::format("{}.disks[{}]", here, k), group.disks[k].str() + " is named twice"});
    }
    return problems;
}

std::vector<FieldProblem> pool_problems(const std::vector<VdevGroup>& groups) {
    auto problems = group_problems(groups, "groups");
    const auto data = [](const VdevGroup& group) { return group.role == VdevRole::data; };
    if (std::ranges::none_of(groups, data))
        problems.push_back({"groups", "at least one of data"});
    return problems;
}

std::vector<std::string> group_words(const VdevGroup& group) {
    std::vector<std::string> words;
    if (group.role != VdevRole::data)
        words.push_back(enum_name(group.role));
    if (group.layout != PoolLayout::stripe)
        words.push_back(enum_name(group.layout));
    for (const auto& disk : group.disks)
        words.push_back(disk.str());
    return words;
}

Command zpool_create(const PoolCreate& pool, const PoolKey& key) {
    if (auto problems = pool_problems(pool.groups); !problems.empty())
        throw Error(Code::invalid_field, {}, std::move(problems));
    auto command = zpool({"create", "-m", "none", "-O", "compression=lz4", "-O", "atime=off", "-o",
                          "ashift=12", "-o", "autotrim=on"},
                         seconds(120));
    auto& words = command.arguments;
    if (pool.encryption) {
        const bool file = pool.encryption->key == KeyKind::file;
        const auto place = key.file ? key.file->str() : key_directory.str() + '/' + key_name(pool.pool, 1);
        words.insert(words.end(),
                     {"-O", "encryption=on", "-O", file ? "keyformat=raw" : "keyformat=passphrase", "-O",
                      file ? "keylocation=file://" + place : "keylocation=prompt"});
        if (!file)
            command.input = key.passphrase.reveal() + '\n';
    }
    words.push_back(pool.pool.str());
    for (const auto& group : pool.groups)
        for (auto& word : group_words(group))
            words.push_back(std::move(word));
    return command;
}

Command zpool_add(const PoolAdd& add) {
    if (auto problems = group_problems({add.group}, "group"); !problems.empty())
        throw Error(Code::invalid_field, {}, std::move(problems));
    auto command = zpool({"add", "-o", "ashift=12", add.pool.str()}, seconds(120));
    for (auto& word : group_words(add.group))
        command.arguments.push_back(std::move(word));
    return command;
}

Command zpool_import(const PoolImport& import) {
    std::vector<std::string> arguments{"import"};
    if (import.force)
        arguments.emplace_back("-f");
    if (!import.mount)
        arguments.emplace_back("-N");
    arguments.push_back(import.guid.str());
    arguments.push_back(import.pool.str());
    return zpool(std::move(arguments), seconds(300));
}

Command zpool_export(const PoolName& pool) {
    return zpool({"export", pool.str()}, seconds(300));
}

Command zpool_scrub(const PoolScrub& scrub) {
    std::vector<std::string> arguments{"scrub"};
    if (scrub.action != UpkeepAction::start)
        arguments.emplace_back(scrub.action == UpkeepAction::pause ? "-p" : "-s");
    arguments.push_back(scrub.pool.str());
    return zpool(std::move(arguments));
}

Command zpool_trim(const PoolTrim& trim) {
    std::vector<std::string> arguments{"trim"};
    if (trim.action != UpkeepAction::start)
        arguments.emplace_back(trim.action == UpkeepAction::pause ? "-s" : "-c");
    arguments.push_back(trim.pool.str());
    return zpool(std::move(arguments));
}

Command zpool_clear(const PoolClear& clear) {
    std::vector<std::string> arguments{"clear", clear.pool.str()};
    if (clear.device)
        arguments.push_back(clear.device->str());
    return zpool(std::move(arguments));
}

Command zpool_labelclear(const DiskName& disk) {
    return zpool({"labelclear", "-f", disk.str()});
}

Command zpool_put(const DevicePut& put) {
    return zpool({put.attach ? "attach" : "replace", put.pool.str(), put.device.str(), put.disk.str()},
                 seconds(120));
}

Command zpool_change(const DeviceChange& change) {
    return zpool({enum_name(change.action), change.pool.str(), change.device.str()}, seconds(120));
}

// lib/libzfs/libzfs_util.c: EZFS_SCRUBBING, EZFS_NO_SCRUB, EZFS_SCRUB_PAUSED; EZFS_TRIMMING, EZFS_NO_TRIM.
bool expect_scrub(const Command& command, const Output& output) {
    if (failed_with(output, {"currently scrubbing", "there is no active scrub", "scrub is paused"}))
        return false;
    expect_zfs(command, output);
    return true;
}

bool expect_trim(const Command& command, const Output& output) {
    if (failed_with(output, {"currently trimming", "there is no active trim"}))
        return false;
    if (failed_with(output, {"no devices in pool support trim"}))
        throw Error(Code::policy, "no device of the pool can trim");
    expect_zfs(command, output);
    return true;
}

void expect_import(const Command& command, const Output& output) {
    if (failed_with(output,
                    {"pool may be in use from other system", "pool was previously in use from another"}))
        throw Error(Code::pool_foreign, std::string(trimmed(output.err)));
    expect_zfs(command, output);
}

} // namespace bhype::host
