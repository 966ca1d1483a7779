#pragma once

// Operations on the room that datasets take. host/operations.h lists them.

#include "base/types.h"
#include "host/operation.h"

namespace bhype::host {

/// zfsprops(7), by dataset. Sizes are what is stored, after compression.
struct SpaceUse {
    std::string dataset;
    bool volume = false;
    ByteSize used;           ///< all of it: the next three, and its children
    ByteSize by_data;        ///< usedbydataset
    ByteSize by_snapshots;   ///< usedbysnapshots
    ByteSize by_reservation; ///< usedbyrefreservation: kept free for it
    ByteSize logical;        ///< logicalused: before compression, children too
    ByteSize quota;          ///< 0: none
    ByteSize reservation;    ///< 0: none
    ByteSize volsize;        ///< 0 unless a volume
    ByteSize volblocksize;   ///< 0 unless a volume
    std::string compression;
};
BOOST_DESCRIBE_STRUCT(SpaceUse, (),
                      (dataset, volume, used, by_data, by_snapshots, by_reservation, logical, quota,
                       reservation, volsize, volblocksize, compression))
/// All file systems and volumes of a pool, in one `zfs list`.
struct SpaceList {
    PoolName pool;
    BHYPE_OPERATION("space.list", reads, 120);
    using Result = std::vector<SpaceUse>;
};
BOOST_DESCRIBE_STRUCT(SpaceList, (), (pool))

/// quota and reservation of a VM's dataset, with all that is below it; 0: none.
/// Error(no_space) when it uses more already, or so much is not free.
struct DatasetLimit {
    DatasetName dataset; ///< POOL/bhype/vm/NAME
    ByteSize quota;
    ByteSize reservation;
    BHYPE_OPERATION("dataset.limit", replaces, 60);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(DatasetLimit, (), (dataset, quota, reservation))

/// A VM's disk gets larger. Has it that size, it is done; larger than that: Error(policy), since what is cut
/// off would be lost.
struct DiskGrow {
    DatasetName volume; ///< POOL/bhype/vm/NAME/DISK
    ByteSize size;
    BHYPE_OPERATION("disk.grow", irreversible, 60);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(DiskGrow, (), (volume, size))

} // namespace bhype::host
