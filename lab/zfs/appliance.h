// The machine with real OpenZFS behind the lab's zfs(8) and zpool(8): QEMU by software emulation, started
// from a saved state, and beside it a gateway process that hands out connections to it. Both live outside the
// lab's namespaces and belong to nobody's process tree. Built by tools/lab/build-appliance.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace bhype::lab {

struct Disk {
    std::string name;           // as FreeBSD calls it: nda0
    std::filesystem::path path; // raw file; made sparse if it does not exist
    std::uint64_t size = 0;     // bytes, for a file that is to be made
};

struct ApplianceConfig {
    std::filesystem::path image_dir; // what build-appliance printed
    std::filesystem::path
        state_dir; // the lab's state folder: run/zfs.sock, run/nbd.sock, zpool.cache, appliance.log
    std::vector<Disk> disks;
    std::string hostname = "freebsd";
    std::uint32_t hostid = 0; // kern.hostid; 0: taken from the name
};

// All of them throw std::runtime_error with what went wrong. Times are about a second for start, less for the
// rest.

// Power on. Returns when the disks are there; no pool is imported yet (see zfs_boot). Call it outside the
// lab's namespaces, from a process without threads.
void start(const ApplianceConfig& config);
bool is_running(const std::filesystem::path& state_dir);
// Writes out what is in memory and switches off, as a shutdown does. Nothing happens if it is not running.
void stop(const std::filesystem::path& state_dir);
// Loss of power: what was not synchronized is lost.
void power_off(const std::filesystem::path& state_dir);
// Out of a running machine, and back in (or another disk in its place).
void pull_disk(const std::filesystem::path& state_dir, const std::string& name);
void insert_disk(const std::filesystem::path& state_dir, const Disk& disk);

} // namespace bhype::lab
