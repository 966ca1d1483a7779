#pragma once

#include "api/secret.h"
#include "api/tasks.h"
#include "storage/disks.h"
#include "storage/pools.h"

namespace bhype::storage {

struct Services {
    wire::Host& host;
    Pools& pools;
    Disks& disks;
    api::TaskEndpoints& task_endpoints;
};

/// /api/v1/disks, /pools, /importable-pools, /layouts. `services` must outlive the router.
void add_endpoints(api::Router& router, Services& services);
/// /api/v1/secrets, /pools/{pool}/unlock and /lock; add_endpoints() has them.
void add_key_endpoints(api::Router& router, Services& services);
/// Those that change nothing; the same.
void add_reading_endpoints(api::Router& router, Services& services);

// ---- requests

struct CreatePool {
    PoolName name;
    std::vector<host::VdevGroup> groups;
    std::optional<host::PoolEncryption> encryption;
    bool plan = false; ///< tell what would be done, do nothing
};
BOOST_DESCRIBE_STRUCT(CreatePool, (), (name, groups, encryption, plan))

struct AddVdev {
    host::VdevGroup group;
    bool plan = false;
};
BOOST_DESCRIBE_STRUCT(AddVdev, (), (group, plan))

struct PutDisk {
    VdevName device; ///< in the pool
    DiskName disk;   ///< that is to stand in for it, or beside it
    bool plan = false;
};
BOOST_DESCRIBE_STRUCT(PutDisk, (), (device, disk, plan))

struct WipeDisk {
    bool plan = false; ///< tell what would be lost, do nothing
};
BOOST_DESCRIBE_STRUCT(WipeDisk, (), (plan))

/// What would be done to disks.
struct StoragePlan {
    std::vector<std::string> commands; ///< as they would be run
    std::vector<std::string> wipes;    ///< disks whose content is lost
    std::vector<std::string> warnings;
    std::optional<ByteSize> usable; ///< of a new pool
    std::optional<std::int64_t> survives;
};
BOOST_DESCRIBE_STRUCT(StoragePlan, (), (commands, wipes, warnings, usable, survives))

struct ImportPool {
    std::optional<PoolName> name; ///< another name for it; its own when missing
    bool force = false;           ///< another system had it last and does not use it any more
    bool mount = false;           ///< its file systems appear where their mountpoints say
};
BOOST_DESCRIBE_STRUCT(ImportPool, (), (name, force, mount))

struct Upkeep {
    host::UpkeepAction action = host::UpkeepAction::start;
};
BOOST_DESCRIBE_STRUCT(Upkeep, (), (action))

struct ClearErrors {
    std::optional<VdevName> device; ///< all when missing
};
BOOST_DESCRIBE_STRUCT(ClearErrors, (), (device))

struct ChangeDevice {
    VdevName device;
    host::DeviceAction action = host::DeviceAction::online;
};
BOOST_DESCRIBE_STRUCT(ChangeDevice, (), (device, action))

struct ScheduleScrub {
    std::optional<std::string> scrub; ///< crontab(5)'s five fields; none: not by schedule
};
BOOST_DESCRIBE_STRUCT(ScheduleScrub, (), (scrub))

struct GiveSecret {
    Secret secret; ///< one line of 8 to 512 bytes
};
BOOST_DESCRIBE_STRUCT(GiveSecret, (), (secret))

struct UnlockPool {
    std::optional<SecretToken> secret; ///< the passphrase; a key file needs none
};
BOOST_DESCRIBE_STRUCT(UnlockPool, (), (secret))

// ---- what the endpoints share

/// The pool in the path. A name that cannot be one is as unknown as one that is not there.
PoolName named(const api::Call& call);
Sizes sizes_of(const std::vector<host::Disk>& disks);
/// "/dev/nda2 (20G, MODEL, serial S)"
std::string described(const host::Disk& disk);
/// Adds what is wrong with a wish for a disk to `problems`, or what is lost to `plan`.
void judge(const std::vector<host::Disk>& disks, const DiskName& name, const std::string& field,
           std::vector<FieldProblem>& problems, StoragePlan& plan);

} // namespace bhype::storage
