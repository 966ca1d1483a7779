#include "host/zfs_key.h"

#include "host/text.h"
#include "host/zfs.h"

namespace bhype::host {

namespace {

/// load-key and unload-key end with 255 (cmd/zfs/zfs_main.c returns -1); their texts: libzfs_crypto.c.
bool said(const Output& output, std::string_view words) {
    return output.exit_status == 255 && output.err.find(words) != std::string::npos;
}

} // namespace

std::string key_name(const PoolName& pool, int number) {
    return pool.str() + (number == 1 ? "" : '-' + std::to_string(number)) + ".key";
}

Command zfs_load_key(const PoolName& pool, const Secret& passphrase) {
    auto command = zfs({"load-key", pool.str()});
    // Always given, so that ZFS cannot wait for a terminal.
    command.input = passphrase.reveal() + '\n';
    return command;
}

bool expect_key_loaded(const Command& command, const Output& output) {
    if (said(output, "Key already loaded"))
        return false;
    expect_success(command, output,
                   said(output, "Incorrect key provided") ? Code::key_wrong : zfs_code(output.err));
    return true;
}

Command zfs_unload_key(const PoolName& pool) {
    return zfs({"unload-key", pool.str()});
}

bool expect_key_unloaded(const Command& command, const Output& output) {
    if (said(output, "Key already unloaded"))
        return false;
    expect_success(command, output, said(output, "is busy") ? Code::dataset_busy : zfs_code(output.err));
    return true;
}

Command zfs_list_mounts(const PoolName& pool) {
    auto command =
        zfs({"list", "-H", "-o", "name,mounted,canmount,mountpoint", "-t", "filesystem", "-r", pool.str()});
    command.output_limit = 64 << 20;
    return command;
}

std::vector<Mount> parse_mounts(const Command& command, const Output& output) {
    expect_zfs(command, output);
    std::vector<Mount> found;
    each_line(output.out, [&](std::string_view line) {
        const auto fields = split(line, '\t');
        if (fields.size() != 4)
            unexpected(command.program, "4 columns", line);
        found.push_back(
            {std::string(fields[0]), fields[1] == "yes", fields[2] == "on" && fields[3].starts_with('/')});
    });
    return found;
}

Command zfs_mount(const std::string& dataset) {
    return zfs({"mount", dataset});
}

Command zfs_unmount(const std::string& dataset) {
    return zfs({"unmount", dataset});
}

} // namespace bhype::host
