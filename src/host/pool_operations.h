#pragma once

// Operations on ZFS pools and the disks in them. host/operations.h lists them.

#include "base/types.h"
#include "host/operation.h"

namespace bhype::host {

enum class PoolLayout { stripe, mirror, raidz1, raidz2, raidz3 };
BOOST_DESCRIBE_ENUM(PoolLayout, stripe, mirror, raidz1, raidz2, raidz3)
/// zpoolconcepts(7): what a group of disks is for.
enum class VdevRole { data, log, cache, special, dedup, spare };
BOOST_DESCRIBE_ENUM(VdevRole, data, log, cache, special, dedup, spare)

/// Disks that zpool(8) is told of together: "mirror nda0 nda1", "log nda2".
struct VdevGroup {
    VdevRole role = VdevRole::data;
    PoolLayout layout = PoolLayout::stripe; ///< stripe: each disk by itself; the only one for cache and spare
    std::vector<DiskName> disks;
    static constexpr bool defaults_apply = true;
};
BOOST_DESCRIBE_STRUCT(VdevGroup, (), (role, layout, disks))

// ---- reading

struct Pool {
    PoolName name;
    std::string guid;
    ByteSize size; ///< of the disks: with raidz, parity is counted
    ByteSize allocated;
    ByteSize free;
    std::string health; ///< ONLINE, DEGRADED, ...
};
BOOST_DESCRIBE_STRUCT(Pool, (), (name, guid, size, allocated, free, health))
struct PoolList {
    BHYPE_OPERATION("pool.list", reads, 30);
    using Result = std::vector<Pool>;
};
BOOST_DESCRIBE_STRUCT(PoolList, (), ())

/// A line of the tree that zpool status and zpool import print.
struct Vdev {
    std::string name; ///< without /dev/: "mirror-0", "nda0p3", or a GUID when the device is not found
    VdevRole role = VdevRole::data;
    std::int64_t depth = 0; ///< 0: on top, with its own depth for what is inside it
    std::string state;      ///< ONLINE, OFFLINE, UNAVAIL, REMOVED, FAULTED, DEGRADED; AVAIL, INUSE of a spare
    std::optional<std::int64_t> read_errors;
    std::optional<std::int64_t> write_errors;
    std::optional<std::int64_t> checksum_errors;
    std::string note;  ///< what stands behind the numbers: "was /dev/nda1", "too many errors"
    bool leaf = false; ///< a device
};
BOOST_DESCRIBE_STRUCT(Vdev, (),
                      (name, role, depth, state, read_errors, write_errors, checksum_errors, note, leaf))

enum class ScanKind { none, scrub, resilver };
BOOST_DESCRIBE_ENUM(ScanKind, none, scrub, resilver)
enum class ScanState { finished, running, paused, cancelled };
BOOST_DESCRIBE_ENUM(ScanState, finished, running, paused, cancelled)
struct Scan {
    ScanKind kind = ScanKind::none;
    ScanState state = ScanState::finished;
    std::optional<double> percent;  ///< of one that is not over
    std::optional<std::int64_t> at; ///< epoch seconds: its end, or its beginning when it is not over
    std::int64_t errors = 0;        ///< that it could not repair
    std::string text;               ///< zpool's own words, on one line
};
BOOST_DESCRIBE_STRUCT(Scan, (), (kind, state, percent, at, errors, text))

struct PoolState {
    PoolName name;
    std::string state;
    std::string reason; ///< what zpool status says behind "status:"; empty when all is well
    std::string action; ///< behind "action:"
    Scan scan;
    std::vector<Vdev> vdevs;
    std::string errors;       ///< "No known data errors"
    ByteSize used;            ///< by file systems, volumes and snapshots
    ByteSize available;       ///< to them
    std::string encryption;   ///< of the root: "off", "aes-256-gcm"
    std::string key_status;   ///< "available", "unavailable", "-"
    std::string key_location; ///< "none", "prompt", "file:///..."
};
BOOST_DESCRIBE_STRUCT(PoolState, (),
                      (name, state, reason, action, scan, vdevs, errors, used, available, encryption,
                       key_status, key_location))
/// zpool status of all pools, and zfs list of their roots.
struct PoolStatus {
    BHYPE_OPERATION("pool.status", reads, 60);
    using Result = std::vector<PoolState>;
};
BOOST_DESCRIBE_STRUCT(PoolStatus, (), ())

/// A pool that is on disks of this host and not imported.
struct ImportablePool {
    std::string name; ///< as it is called there, which need not be a PoolName
    std::string guid;
    std::string state;
    std::string reason;
    std::string action;
    std::vector<Vdev> vdevs;
};
BOOST_DESCRIBE_STRUCT(ImportablePool, (), (name, guid, state, reason, action, vdevs))
/// zpool import without a name. Reads the labels of all disks.
struct PoolImportable {
    BHYPE_OPERATION("pool.importable", reads, 60);
    using Result = std::vector<ImportablePool>;
};
BOOST_DESCRIBE_STRUCT(PoolImportable, (), ())

// ---- pools

/// What opens an encrypted pool: a passphrase that somebody types after each boot, or a key in a file of this
/// host, which rc.d/zfskeys loads at boot.
enum class KeyKind { passphrase, file };
BOOST_DESCRIBE_ENUM(KeyKind, passphrase, file)
struct PoolEncryption {
    KeyKind key = KeyKind::passphrase;
    std::optional<SecretToken> secret; ///< the passphrase, as secret.keep named it
};
BOOST_DESCRIBE_STRUCT(PoolEncryption, (), (key, secret))

struct SecretKeepResult {
    SecretToken token;
};
BOOST_DESCRIBE_STRUCT(SecretKeepResult, (), (token))
/// Keeps a secret in memory until an operation takes it, ten minutes at most. It comes on a descriptor (a
/// pipe's end): one line of 8 to 512 bytes, without its end.
struct SecretKeep {
    BHYPE_OPERATION("secret.keep", reads, 10);
    using Result = SecretKeepResult;
};
BOOST_DESCRIBE_STRUCT(SecretKeep, (), ())

/// zpool create -m none -O compression=lz4 -O atime=off -o ashift=12 -o autotrim=on. Refused when a disk is
/// in use. Encrypted: its root is, and all in it; of a key in a file, hostd makes the file, with
/// zfskeys_enable=YES. Error(secret_gone).
struct PoolCreate {
    PoolName pool;
    std::vector<VdevGroup> groups; ///< at least one of data
    std::optional<PoolEncryption> encryption;
    BHYPE_OPERATION("pool.create", irreversible, 120);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(PoolCreate, (), (pool, groups, encryption))

/// zfs load-key of the pool's root, then zfs mount of what has a mountpoint. Error(key_wrong),
/// Error(secret_gone). Without a secret the key's own location counts.
struct PoolUnlock {
    PoolName pool;
    std::optional<SecretToken> secret;
    BHYPE_OPERATION("pool.unlock", reconciled, 600);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(PoolUnlock, (), (pool, secret))
/// zfs unmount of all in the pool, zfs unload-key. Error(dataset_busy) when something of it is in use: then
/// all is mounted again.
struct PoolLock {
    PoolName pool;
    BHYPE_OPERATION("pool.lock", reconciled, 600);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(PoolLock, (), (pool))

/// zpool import -N: nothing of it is mounted. Error(pool_exists) when the name is taken,
/// Error(pool_foreign) when another system had it last and `force` is not given.
struct PoolImport {
    PoolGuid guid;
    PoolName pool; ///< the name that it gets
    bool force = false;
    bool mount = false; ///< without -N: its file systems appear where their mountpoints say
    BHYPE_OPERATION("pool.import", irreversible, 300);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(PoolImport, (), (guid, pool, force, mount))

/// zpool export. A pool that is not there is exported. Error(dataset_busy).
struct PoolExport {
    PoolName pool;
    BHYPE_OPERATION("pool.export", irreversible, 300);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(PoolExport, (), (pool))

enum class UpkeepAction { start, pause, stop };
BOOST_DESCRIBE_ENUM(UpkeepAction, start, pause, stop)
/// zpool scrub; `start` resumes a paused one. As wanted already: done. It goes on by itself: PoolStatus
/// tells.
struct PoolScrub {
    PoolName pool;
    UpkeepAction action = UpkeepAction::start;
    BHYPE_OPERATION("pool.scrub", replaces, 60);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(PoolScrub, (), (pool, action))

/// zpool trim, which goes on by itself. As wanted already: done. Error(policy) when no device can trim.
struct PoolTrim {
    PoolName pool;
    UpkeepAction action = UpkeepAction::start;
    BHYPE_OPERATION("pool.trim", replaces, 60);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(PoolTrim, (), (pool, action))

/// zpool clear: forgets counted errors, of a device or of all.
struct PoolClear {
    PoolName pool;
    std::optional<VdevName> device;
    BHYPE_OPERATION("pool.clear", irreversible, 60);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(PoolClear, (), (pool, device))

/// zpool add, without -f: a group of another redundancy than the pool's is refused. Refused when a disk is in
/// use; one that is in this pool already, in this role: done.
struct PoolAdd {
    PoolName pool;
    VdevGroup group;
    BHYPE_OPERATION("pool.add", irreversible, 120);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(PoolAdd, (), (pool, group))

/// zpool labelclear -f: an exported pool's label goes from a disk. One without a label: done.
/// Error(disk_in_use) when the disk is used otherwise.
struct DiskWipe {
    DiskName disk;
    BHYPE_OPERATION("disk.wipe", irreversible, 60);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(DiskWipe, (), (disk))

// ---- devices in a pool

/// zpool replace, or attach, which makes a mirror of a device. The disk is wiped; refused when it is in use.
/// A disk that is in the pool already: done. The resilvering goes on by itself.
struct DevicePut {
    PoolName pool;
    VdevName device; ///< in the pool
    DiskName disk;
    bool attach = false;
    BHYPE_OPERATION("device.put", irreversible, 120);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(DevicePut, (), (pool, device, disk, attach))

enum class DeviceAction { online, offline, detach, remove };
BOOST_DESCRIBE_ENUM(DeviceAction, online, offline, detach, remove)
/// zpool online, offline, detach (from a mirror, or a replacement that is under way) or remove (a log, cache,
/// spare, or data that moves to other groups). As wanted already: done.
struct DeviceChange {
    PoolName pool;
    VdevName device;
    DeviceAction action = DeviceAction::online;
    BHYPE_OPERATION("device.change", irreversible, 120);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(DeviceChange, (), (pool, device, action))

} // namespace bhype::host
