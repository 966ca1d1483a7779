#pragma once

// zpool(8): the trees that status and import print (cmd/zpool/zpool_main.c, alike from OpenZFS 2.1.9 to 2.4
// but for the scan's numbers, of which only the percentage is read).

#include "host/command.h"
#include "host/operations.h"

#include <map>

namespace bhype::host {

/// Exact numbers and whole paths.
Command zpool_status();
std::vector<PoolState> parse_zpool_status(const Command& command, const Output& output);

/// Room and key of each pool's root, into `pools`. One that cannot be opened is not listed.
Command zfs_list_roots();
void add_roots(const Output& output, std::vector<PoolState>& pools);

/// Lists pools that could be imported: exported ones, and those of another system.
Command zpool_import_list();
std::vector<ImportablePool> parse_zpool_import(const Command& command, const Output& output);

/// Which pool each device belongs to: "nda0p2" or "gpt/disk0" (without /dev/) to "tank".
template <class Pool>
std::map<std::string, std::string> devices_of(const std::vector<Pool>& pools) {
    std::map<std::string, std::string> found;
    const auto name = [](const auto& pool) {
        if constexpr (requires { pool.name.str(); })
            return pool.name.str();
        else
            return pool.name;
    };
    for (const auto& pool : pools)
        for (const auto& vdev : pool.vdevs)
            if (vdev.leaf)
                found.emplace(vdev.name, name(pool));
    return found;
}

/// The device of that name, or the one that a GUID stands for ("was /dev/NAME").
const Vdev* find_device(const std::vector<Vdev>& vdevs, std::string_view name);

} // namespace bhype::host
