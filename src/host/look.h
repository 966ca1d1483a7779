#pragma once

// bhype-look: what it is asked and what it answers. The disk is its standard input.

#include "host/command.h"
#include "host/operations.h"

namespace bhype::host {

/// Where clones of snapshots lie that are looked into: POOL/bhype/.new/look-HEX. No task's id, so that no
/// operation of a task can touch one.
inline constexpr std::string_view look_prefix = "look-";
/// Whether a dataset is such a clone.
bool is_look(std::string_view dataset);

/// A read-only clone of a volume's snapshot: no file system, no reservation, not in the host's GEOM.
Command zfs_clone_to_look(const DatasetName& origin, const SnapshotLabel& label, const DatasetName& name);
/// Of exactly that clone: what should have snapshots or children of its own stays.
Command zfs_destroy_look(const DatasetName& name);

/// bhype-look list PARTITION PATH FROM LIMIT; PARTITION is "-" when none was chosen.
Command look_list(const SnapshotLook& wanted);
/// bhype-look file PARTITION PATH: a line with a SnapshotFileResult, then the file's bytes.
Command look_file(const SnapshotFile& wanted);
/// Throws what bhype-look says, or Error(look_unreadable) when it ended in another way: hostile data may
/// crash it.
Look parse_look(const Command& command, const Output& output);
/// The line before a file's bytes, or what is wrong instead.
SnapshotFileResult parse_look_file(std::string_view line);

} // namespace bhype::host
