#pragma once

// Snapshots: zfs-snapshot(8), -destroy, -hold, -release, -rollback, and zfs-list of them.

#include "host/command.h"
#include "host/operations.h"

namespace bhype::host {

/// What a hold of bHype's is called.
inline constexpr std::string_view hold_tag = "bhype";
/// A user property's value is at most 8191 bytes long (zfsprops(7)).
inline constexpr std::size_t longest_property = 8191;

Command zfs_list_snapshots(const DatasetName& root);
/// A missing root is an empty list.
std::vector<Snapshot> parse_zfs_snapshots(const Command& command, const Output& output);

Command zfs_snapshot_guests(const GuestSnapshot& wanted);
/// `dry`: -nvp, for parse_reclaim().
Command zfs_destroy_snapshots(const DatasetName& dataset, const std::vector<SnapshotLabel>& labels,
                              bool below, bool dry);
/// Whether zfs found none of them: then they are gone already.
bool none_of_them(const Output& output);
ByteSize parse_reclaim(const Command& command, const Output& output);

Command zfs_hold(const DatasetName& dataset, const SnapshotLabel& label, bool held);
/// False: it was as wanted already.
bool expect_hold(const Command& command, const Output& output);
Command zfs_set_note(const DatasetName& dataset, const SnapshotLabel& label, const Note& note);
Command zfs_rollback(const DatasetName& dataset, const SnapshotLabel& label);

} // namespace bhype::host
