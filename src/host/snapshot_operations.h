#pragma once

// Operations on snapshots of what is published below POOL/bhype. host/operations.h lists them.

#include "base/types.h"
#include "host/operation.h"

namespace bhype::host {

/// One snapshot of one dataset. A VM's snapshot is all of the same label below its dataset.
struct Snapshot {
    std::string dataset;
    std::string label;        ///< as zfs has it: others' need not be a SnapshotLabel
    std::int64_t created = 0; ///< epoch seconds
    std::int64_t txg = 0;     ///< createtxg; snapshots of one command share it
    ByteSize used;            ///< what only this one holds
    ByteSize referenced;
    std::int64_t holds = 0;          ///< userrefs
    bool doomed = false;             ///< goes when its last hold or clone does (zfs destroy -d)
    std::vector<std::string> clones; ///< datasets
    std::string made_by;             ///< bhype:made-by, "-" when unset: who or which plan made it
    std::string live;                ///< bhype:live, "-" when unset: names of those that ran, "," between
    std::string note;                ///< bhype:note, empty when unset
};
BOOST_DESCRIBE_STRUCT(Snapshot, (),
                      (dataset, label, created, txg, used, referenced, holds, doomed, clones, made_by, live,
                       note))
/// Of a VM's dataset, or of POOL/bhype/vm, and all below it, oldest first. A missing dataset gives an empty
/// list.
struct SnapshotList {
    DatasetName dataset;
    BHYPE_OPERATION("snapshot.list", reads, 120);
    using Result = std::vector<Snapshot>;
};
BOOST_DESCRIBE_STRUCT(SnapshotList, (), (dataset))

/// Snapshots VMs, each with all below it, in one command and so in one transaction group: none or all of
/// them. Error(dataset_exists) when one has that label.
struct GuestSnapshot {
    std::vector<DatasetName> datasets; ///< POOL/bhype/vm/NAME, of one pool
    SnapshotLabel label;
    Note made_by;             ///< "user dev1" or "plan nightly"
    std::vector<VmName> live; ///< those that run
    Note note;
    BHYPE_OPERATION("guest.snapshot", replaces, 600);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(GuestSnapshot, (), (datasets, label, made_by, live, note))

/// What destroying them would give back; nothing is destroyed.
struct SnapshotReclaimResult {
    ByteSize reclaim;
};
BOOST_DESCRIBE_STRUCT(SnapshotReclaimResult, (), (reclaim))
/// zfs destroy -n. Labels that are not there count nothing. Error(dataset_has_clones) when one has.
struct SnapshotReclaim {
    DatasetName dataset;
    std::vector<SnapshotLabel> labels;
    BHYPE_OPERATION("snapshot.reclaim", reads, 120);
    using Result = SnapshotReclaimResult;
};
BOOST_DESCRIBE_STRUCT(SnapshotReclaim, (), (dataset, labels))

/// Destroys a VM's snapshots, or those of one file system or volume of it alone (`below` false), in one
/// command. Absent ones: done. Error(dataset_has_clones), Error(dataset_busy) when one is held.
struct SnapshotDestroy {
    DatasetName dataset;
    std::vector<SnapshotLabel> labels;
    bool below = true;
    BHYPE_OPERATION("snapshot.destroy", irreversible, 600);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(SnapshotDestroy, (), (dataset, labels, below))

/// zfs hold or release with the tag "bhype", on all of the label. As wanted already: done.
struct SnapshotHold {
    DatasetName dataset;
    SnapshotLabel label;
    bool held = true;
    BHYPE_OPERATION("snapshot.hold", replaces, 60);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(SnapshotHold, (), (dataset, label, held))

/// bhype:note of a VM's snapshot.
struct SnapshotNote {
    DatasetName dataset;
    SnapshotLabel label;
    Note note;
    BHYPE_OPERATION("snapshot.note", replaces, 60);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(SnapshotNote, (), (dataset, label, note))

/// Puts one volume of a stopped VM back to its snapshot. Newer snapshots of it are destroyed;
/// Error(dataset_has_clones) when one of those has clones.
struct VolumeRollback {
    DatasetName volume; ///< POOL/bhype/vm/NAME/DISK
    SnapshotLabel label;
    BHYPE_OPERATION("volume.rollback", irreversible, 600);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(VolumeRollback, (), (volume, label))

/// Puts the firmware's variables of a stopped VM back to those in a snapshot of its dataset.
struct FirmwareRestore {
    DatasetName dataset;
    SnapshotLabel label;
    BHYPE_OPERATION("firmware.restore", irreversible, 60);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(FirmwareRestore, (), (dataset, label))

/// The vm.toml that a snapshot holds, as text: it may be one that is not valid any more.
struct SnapshotDefinitionResult {
    std::string text;
};
BOOST_DESCRIBE_STRUCT(SnapshotDefinitionResult, (), (text))
struct SnapshotDefinition {
    DatasetName dataset;
    SnapshotLabel label;
    BHYPE_OPERATION("snapshot.definition", reads, 60);
    using Result = SnapshotDefinitionResult;
};
BOOST_DESCRIBE_STRUCT(SnapshotDefinition, (), (dataset, label))

} // namespace bhype::host
