#pragma once

// zfs(8): zfs-list, -create, -snapshot, -clone, -rename, -set, -destroy.

#include "host/command.h"
#include "host/operations.h"

namespace bhype::host {

/// zfs with these arguments.
Command zfs(std::vector<std::string> arguments, std::chrono::seconds deadline = std::chrono::seconds(60));

Command zfs_list(const DatasetName& root, bool snapshots, bool below = true);
/// A missing root is an empty list; anything else that went wrong is an Error.
std::vector<Dataset> parse_zfs_list(const Command& command, const Output& output);

/// One file system of bHype's tree. Properties are set on its root alone; the others inherit, and volumes
/// too: volmode=dev, without a copy in the host's GEOM.
Command zfs_create_tree_root(const PoolName& pool, const Uuid& id, const Uuid& host);
Command zfs_create_tree_child(const PoolName& pool, std::string_view child);
/// Children of POOL/bhype, in the order in which they are made. ".new" first: nothing can be built without.
const std::vector<std::string>& tree_children();

Command zfs_create(const DatasetName& name, const std::optional<Uuid>& id, const std::optional<Uuid>& host);
/// Sparse.
Command zfs_create_volume(const DatasetName& name, ByteSize size);
Command zfs_snapshot(const DatasetName& dataset, const SnapshotLabel& label);
/// -c: as the blocks are on disk. Progress comes on standard error, for parse_send_line().
Command zfs_send(const DatasetName& origin, const SnapshotLabel& label);
Command zfs_receive(const DatasetName& name);
/// "size\tBYTES", and once a second "TIME\tBYTES\tSNAPSHOT".
struct SendLine {
    std::optional<std::uint64_t> size;
    std::optional<std::uint64_t> sent;
};
SendLine parse_send_line(std::string_view line);
Command zfs_promote(const DatasetName& name);
/// Whether zfs says that what was to be promoted is no clone, or none any more.
bool is_no_clone(const Output& output);
Command zfs_clone(const DatasetName& origin, const SnapshotLabel& label, const DatasetName& name);
Command zfs_rename(const DatasetName& from, const DatasetName& to);
/// With everything below it and its snapshots; not with clones of them.
Command zfs_destroy(const DatasetName& name);
/// zfs cuts a volume without asking: the caller compares with zfs_get_volsize() first.
Command zfs_set_volsize(const DatasetName& name, ByteSize size);
Command zfs_get_volsize(const DatasetName& name);
ByteSize parse_volsize(const Command& command, const Output& output);
Command zfs_set_host(const DatasetName& name, const Uuid& host);

/// The error code for zfs's and zpool's words: dataset_exists, dataset_missing, dataset_busy, no_space,
/// pool_exists, disk_in_use, else command_failed.
Code zfs_code(std::string_view err);
/// expect_success() with that code.
void expect_zfs(const Command& command, const Output& output);
/// The same, but a missing dataset is false. For what is done when the thing is gone.
bool expect_zfs_or_missing(const Command& command, const Output& output);

} // namespace bhype::host
