#pragma once

// Keys of encrypted pools: zfs-load-key(8), and what has to be mounted once they are there.

#include "base/secret.h"
#include "host/command.h"
#include "host/operations.h"

namespace bhype::host {

/// What `zpool create` gets. `file` is where the raw key lies that FreeBSD's rc.d/zfskeys loads at boot.
struct PoolKey {
    Secret passphrase;
    std::optional<HostPath> file;
};

/// Where hostd keeps key files, root's alone.
inline const HostPath key_directory = HostPath::from("/usr/local/etc/bhype/keys");
/// "tank.key", later "tank-2.key": a key is never written over, since a pool that is exported may need it.
std::string key_name(const PoolName& pool, int number);
constexpr std::size_t key_bytes = 32; ///< keyformat=raw

/// The passphrase goes through standard input; a key file is read by ZFS itself.
Command zfs_load_key(const PoolName& pool, const Secret& passphrase);
/// False when the key was loaded already. Throws Error(key_wrong).
bool expect_key_loaded(const Command& command, const Output& output);
Command zfs_unload_key(const PoolName& pool);
/// False when it was not loaded.
bool expect_key_unloaded(const Command& command, const Output& output);

struct Mount {
    std::string dataset;
    bool mounted = false;
    bool wanted = false; ///< canmount=on and a mountpoint of its own
};
/// The file systems of a pool, parents first.
Command zfs_list_mounts(const PoolName& pool);
std::vector<Mount> parse_mounts(const Command& command, const Output& output);
Command zfs_mount(const std::string& dataset);
Command zfs_unmount(const std::string& dataset);

} // namespace bhype::host
