#pragma once

// zfs(8): who uses what of a pool, and limits to it.

#include "host/command.h"
#include "host/operations.h"

namespace bhype::host {

Command zfs_list_space(const PoolName& pool);
/// A missing pool gives an empty list.
std::vector<SpaceUse> parse_zfs_space(const Command& command, const Output& output);
Command zfs_set_limits(const DatasetLimit& limit);

} // namespace bhype::host
