#pragma once

// Operations that look into the disks of snapshots. host/operations.h lists them.

#include "base/types.h"
#include "host/operation.h"

namespace bhype::host {

/// What a file system or a part of a disk is called in what people see has been made harmless: look/names.h.
struct LookPartition {
    PartitionName name = PartitionName::from("0");
    ByteSize offset;
    ByteSize size;
    std::string type;        ///< what the partition table says of it; empty for the whole disk
    std::string file_system; ///< "ext4", "ntfs", ...; also of those that cannot be read; empty: none is known
    bool readable = false;
    std::string problem; ///< why it is not readable, or not as a whole; empty: nothing is in the way
};
BOOST_DESCRIBE_STRUCT(LookPartition, (), (name, offset, size, type, file_system, readable, problem))

enum class LookKind { file, directory, link, other };
BOOST_DESCRIBE_ENUM(LookKind, file, directory, link, other)

struct LookEntry {
    std::string name; ///< appended to its directory's path, with a '/' between, it is the entry's GuestPath
    LookKind kind = LookKind::other;
    std::int64_t size = 0;     ///< bytes
    std::int64_t modified = 0; ///< epoch seconds, as the guest wrote it; 0: not told
    std::int64_t mode = 0;     ///< permission bits as chmod(1) takes them
    std::int64_t uid = 0;      ///< numbers of the guest
    std::int64_t gid = 0;
    std::string target; ///< of a link
};
BOOST_DESCRIBE_STRUCT(LookEntry, (), (name, kind, size, modified, mode, uid, gid, target))

struct Look {
    std::vector<LookPartition>
        partitions; ///< of the disk; the whole disk alone when it has no partition table
    std::optional<PartitionName> partition; ///< whose directory is shown; absent when one must be chosen
    GuestPath path = GuestPath::from("/");  ///< of the directory, links followed
    std::int64_t total = 0;                 ///< entries of the directory
    std::vector<LookEntry> entries;         ///< by name
};
BOOST_DESCRIBE_STRUCT(Look, (), (partitions, partition, path, total, entries))
/// The partitions of a disk in a snapshot and one directory. Without a partition: the only readable one's.
/// Error(not_found) for a path, Error(invalid_field) for a partition, Error(look_unreadable),
/// Error(look_too_large), Error(look_limit).
struct SnapshotLook {
    DatasetName volume; ///< POOL/bhype/vm/NAME/DISK
    SnapshotLabel label;
    std::optional<PartitionName> partition;
    GuestPath path;
    Ranged<0, 100'000'000> from = 0; ///< leave out that many entries
    Ranged<1, 1000> limit = 1000;
    BHYPE_OPERATION("snapshot.look", reads, 180);
    using Result = Look;
};
BOOST_DESCRIBE_STRUCT(SnapshotLook, (), (volume, label, partition, path, from, limit))

/// The longest file that is given.
inline constexpr std::uint64_t longest_look_file = std::uint64_t{16} << 30;
struct SnapshotFileResult {
    std::string name; ///< the path's last component
    ByteSize size;
};
BOOST_DESCRIBE_STRUCT(SnapshotFileResult, (), (name, size))
/// One file of a disk in a snapshot. Comes with one descriptor, a pipe with `size` bytes; fewer when what is
/// left could not be read. Errors as SnapshotLook.
struct SnapshotFile {
    DatasetName volume;
    SnapshotLabel label;
    std::optional<PartitionName> partition;
    GuestPath path;
    BHYPE_OPERATION("snapshot.file", reads, 180);
    using Result = SnapshotFileResult;
};
BOOST_DESCRIBE_STRUCT(SnapshotFile, (), (volume, label, partition, path))

} // namespace bhype::host
