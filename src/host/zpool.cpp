#include "host/zpool.h"

#include "host/text.h"
#include "host/zfs.h"

#include <fmt/format.h>

#include <set>

namespace bhype::host {

namespace {

using std::chrono::seconds;

Command zpool(std::vector<std::string> arguments, seconds deadline = seconds(30)) {
    return {.program = Program::zpool,
            .arguments = std::move(arguments),
            .input = std::nullopt,
            .deadline = deadline};
}

std::string without_dev(std::string_view name) {
    return std::string(name.starts_with("/dev/") ? name.substr(5) : name);
}

bool is_group(std::string_view name) {
    for (const std::string_view word :
         {"mirror-", "raidz1-", "raidz2-", "raidz3-", "draid", "spare-", "replacing-"})
        if (name.starts_with(word))
            return true;
    return name == "logs" || name == "cache" || name == "spares" || name == "special" || name == "dedup";
}

/// Both `status` and `import` print "  pool: NAME", then under "config:" a tree whose leaves are devices.
std::map<std::string, std::string> devices_of_pools(std::string_view text) {
    std::map<std::string, std::string> found;
    std::string pool;
    bool in_config = false;
    each_line(text, [&](std::string_view line) {
        const auto content = trimmed(line);
        if (!line.starts_with('\t') && content.starts_with("pool: ")) {
            pool = content.substr(6);
            in_config = false;
        } else if (!line.starts_with('\t') && content.starts_with("config:")) {
            in_config = true;
        } else if (!line.starts_with('\t') && !content.empty()) {
            in_config = false;
        } else if (in_config && line.starts_with('\t')) {
            const auto columns = words(content);
            if (columns.empty() || columns[0] == "NAME" || columns[0] == pool || is_group(columns[0]))
                return;
            found[without_dev(columns[0])] = pool;
        }
    });
    return found;
}

} // namespace

Command zpool_list() {
    return zpool({"list", "-H", "-p", "-o", "name,size,allocated,free,health"});
}

std::vector<Pool> parse_zpool_list(const Command& command, const Output& output) {
    expect_zfs(command, output);
    std::vector<Pool> pools;
    each_line(output.out, [&](std::string_view line) {
        const auto fields = split(line, '\t');
        if (fields.size() != 5)
            unexpected(command.program, "5 columns", line);
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
        pools.push_back({*name, size(fields[1]), size(fields[2]), size(fields[3]), std::string(fields[4])});
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

Command zpool_create(const PoolCreate& pool) {
    if (pool.disks.size() < fewest_disks(pool.layout))
        throw Error(Code::invalid_field, {},
                    {{"disks", fmt::format("{} needs at least {} disks", enum_name(pool.layout),
                                           fewest_disks(pool.layout))}});
    if (std::set(pool.disks.begin(), pool.disks.end()).size() != pool.disks.size())
        throw Error(Code::invalid_field, {}, {{"disks", "names a disk twice"}});
    auto command = zpool({"create", "-m", "none", "-O", "compression=lz4", "-O", "atime=off", "-o",
                          "ashift=12", "-o", "autotrim=on", pool.pool.str()},
                         seconds(120));
    if (pool.layout != PoolLayout::stripe)
        command.arguments.push_back(enum_name(pool.layout));
    for (const auto& disk : pool.disks)
        command.arguments.push_back(disk.str());
    return command;
}

Command zpool_status() {
    return zpool({"status", "-P"});
}

std::map<std::string, std::string> parse_zpool_status(const Command& command, const Output& output) {
    expect_zfs(command, output); // no pools: exit status 0 and a line on standard error
    return devices_of_pools(output.out);
}

Command zpool_import_list() {
    return zpool({"import"}, seconds(45));
}

std::map<std::string, std::string> parse_zpool_import(const Command& command, const Output& output) {
    // "no pools available to import" is exit status 0 in 2.1 and 1 in later ones.
    if (output.exit_status == 1 && output.err.find("no pools available") != std::string::npos)
        return {};
    expect_zfs(command, output);
    return devices_of_pools(output.out);
}

} // namespace bhype::host
