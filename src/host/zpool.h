#pragma once

// zpool(8): what changes pools, and zpool-list. Their trees: host/zpool_status.h.

#include "host/command.h"
#include "host/operations.h"
#include "host/zfs_key.h"

namespace bhype::host {

Command zpool_list();
std::vector<Pool> parse_zpool_list(const Command& command, const Output& output);

/// zpoolconcepts(7): a raidz group takes one disk more than its parity.
std::size_t fewest_disks(PoolLayout layout);
/// zpoolconcepts(7): caches and spares are single disks; a log is a mirror or single; special and dedup
/// groups are mirrors or single. Empty when all is well. `field` names the list.
std::vector<FieldProblem> group_problems(const std::vector<VdevGroup>& groups, const std::string& field);
/// The same for all groups of a new pool.
std::vector<FieldProblem> pool_problems(const std::vector<VdevGroup>& groups);
/// As zpool(8) takes a group: "log", "mirror", "nda0", "nda1".
std::vector<std::string> group_words(const VdevGroup& group);

/// Throws Error(invalid_field) when a group cannot be, or a disk is named twice.
Command zpool_create(const PoolCreate& pool, const PoolKey& key = {});
Command zpool_add(const PoolAdd& add);
Command zpool_import(const PoolImport& import);
Command zpool_export(const PoolName& pool);
Command zpool_scrub(const PoolScrub& scrub);
Command zpool_trim(const PoolTrim& trim);
Command zpool_clear(const PoolClear& clear);
Command zpool_labelclear(const DiskName& disk);
Command zpool_put(const DevicePut& put);
Command zpool_change(const DeviceChange& change);

/// These tell whether it had to be done: what was as wanted already is no failure.
bool expect_scrub(const Command& command, const Output& output);
bool expect_trim(const Command& command, const Output& output);
/// Throws Error(pool_foreign) when another system had the pool last.
void expect_import(const Command& command, const Output& output);

} // namespace bhype::host
