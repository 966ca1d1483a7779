#pragma once

// What pools can be made of disks, and what they then hold. Pure: no host.

#include "host/pool_operations.h"

namespace bhype::storage {

/// A disk by its size.
using Sizes = std::map<DiskName, ByteSize>;

struct Capacity {
    ByteSize usable;           ///< what file systems and volumes can hold before compression
    std::int64_t survives = 0; ///< so many disks may fail, whichever they are
};

/// What a new pool of these groups holds: the arithmetic of OpenZFS (module/zfs: vdev.c, vdev_raidz.c,
/// spa_misc.c) for ashift 12 and records of 128 KiB. Disks that are not in `sizes` count nothing.
Capacity capacity(const std::vector<host::VdevGroup>& groups, const Sizes& sizes);

/// One way to make a pool.
struct Proposal {
    std::string name;  ///< "2 mirrors, 1 spare"
    std::string words; ///< what it is good for, for people
    std::vector<host::VdevGroup> groups;
    ByteSize usable;
    std::int64_t survives = 0;
    bool recommended = false;
};
BOOST_DESCRIBE_STRUCT(Proposal, (), (name, words, groups, usable, survives, recommended))

/// The best first. None without disks.
std::vector<Proposal> proposals(const std::vector<DiskName>& disks, const Sizes& sizes);

/// What a person should know before making it: disks of different sizes, no redundancy, a special group that
/// is weaker than the data.
std::vector<std::string> warnings(const std::vector<host::VdevGroup>& groups, const Sizes& sizes);

/// What keeps a pool from being made with this encryption. `plan`: the passphrase may come later.
void judge(const std::optional<host::PoolEncryption>& encryption, bool plan,
           std::vector<FieldProblem>& problems);

/// What a person should know before making an encrypted pool.
std::string warning(const host::PoolEncryption& encryption);

} // namespace bhype::storage
