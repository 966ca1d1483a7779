// What the lab's commands call, inside the lab. The state folder is /.lab, or BHYPE_LAB_DIR where a test says
// so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bhype::lab {

// zfs(8) and zpool(8). The arguments begin with the command's own name; the result is its exit status.
int zfs_main(const std::vector<std::string>& args);
int zpool_main(const std::vector<std::string>& args);

// What rc.d/zpool does at boot: mounts the tree below /dev/zvol, imports the pools that were imported when
// the power went. Keys and mounts are for rc.d/zfskeys and rc.d/zfs. Call it once, inside the lab, after
// start().
int zfs_boot();

// What a disk of the running lab was asked for since the power went on, as the emulated machine counts it.
struct Traffic {
    std::uint64_t bytes_read = 0, bytes_written = 0;
    std::uint64_t failed = 0; // reads and writes
};
Traffic disk_traffic(const std::string& disk);

// For a path below /dev/zvol: options of QEMU's -blockdev or -drive (driver=nbd,server...,export=...), to
// which the caller adds node-name, cache and so on. Nothing if the path is not a volume that exists.
std::optional<std::string> zvol_drive(const std::string& path);

// For the process whose child QEMU had volumes and has ended: waits until the appliance has closed them. On
// FreeBSD they are closed when bhyve has ended; here somebody would still find them busy.
void await_released_zvols();

} // namespace bhype::lab
