// The agent: the one program of the appliance besides zfs(8) and zpool(8). It is the guest's init, answers
// the lab's connections (one thread each), makes device nodes, serves zvols by NBD and datasets by FUSE.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "../protocol.h"

namespace bhype::lab::agent {

// Devices live in a directory of their own: /dev shows what FreeBSD's would (nda0, zvol/), so that a scan of
// /dev for pools neither opens zvols nor finds pools inside them.
inline constexpr const char* device_root = "/.devices";
inline constexpr const char* zvol_root = "/dev/zvol";
inline constexpr const char* cache_file = "/etc/zfs/zpool.cache";

struct Connection {
    int fd = -1;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
};

// io.cpp
bool read_all(int fd, void* to, std::size_t length);
bool write_all(int fd, const void* from, std::size_t length);
// Writes to a volume; once it returns the bytes are ZFS's, not this kernel's page cache's. FreeBSD has no
// such cache between a device and ZFS: a snapshot has all that was written before it. The number of bytes or
// -1 with errno.
ssize_t write_volume(int volume, const void* from, std::size_t length, off_t offset);
bool send_frame(int fd, wire::Frame type, const void* data, std::size_t length);
std::vector<std::string> split_strings(const std::string& text);
std::string read_small_file(const std::string& path);
void send_status(int fd, int error);

// devices.cpp
void start_devices();
// Waits until every event that the kernel had raised when this was called has been worked off.
void settle_devices();
// Waits for the node of a disk (nda0) to be there or to be gone.
bool wait_disk(const std::string& name, bool present, int milliseconds);
std::vector<std::string> zvol_names();
// /.devices/zdN of a volume, or empty.
std::string zvol_device(const std::string& name);

// run.cpp
void run_command(const Connection& connection, const std::vector<std::string>& words);

// nbd.cpp
void serve_nbd(int fd);

// mounts.cpp: which mount points are served to the lab at this moment.
class ServedMount {
  public:
    // The function makes the lab's kernel forget what it has cached of the file system.
    ServedMount(std::string mountpoint, std::function<void()> invalidate, std::function<void()> let_go);
    ~ServedMount();
    ServedMount(const ServedMount&) = delete;
    ServedMount& operator=(const ServedMount&) = delete;

  private:
    std::string mountpoint_;
};
// False if the mount point is still served after the time.
bool wait_unserved(const std::string& mountpoint, int milliseconds);
// After a rollback or a receive: every served dataset of that name or below it.
void invalidate_dataset(const std::string& dataset);
// Closes what the lab's kernel remembers of the snapshots of a dataset and of all below it: FreeBSD's kernel
// unmounts them by force.
void let_go_of_snapshots(const std::string& dataset);
// The lab unmounts it itself now; otherwise the end of serving means that somebody unmounted it behind ZFS's
// back.
void expect_unserved(const std::string& mountpoint, bool expected);
bool is_expected_unserved(const std::string& mountpoint);

// fuse_dataset.cpp, fuse_zvol.cpp
void serve_dataset(int fd, const std::string& mountpoint);
void serve_zvols(int fd);

// cachefile.cpp: the gateway's standing connection, which keeps zpool.cache outside.
void watch_cache_file(int fd);
// Returns when the gateway has what the file holds now.
void publish_cache_file();

} // namespace bhype::lab::agent
