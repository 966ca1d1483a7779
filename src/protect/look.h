#pragma once

// What is on the disks of a VM's snapshot, as the API shows it.

#include "protect/snapshot.h"

#include <mutex>

namespace bhype::protect {

/// One directory of one partition of one disk.
struct SnapshotFiles {
    std::vector<std::string> disks; ///< that the snapshot holds
    std::string disk;               ///< the one that is shown
    std::vector<host::LookPartition> partitions;
    std::optional<PartitionName> partition; ///< whose directory is shown; absent when one must be chosen
    std::string path;                       ///< links followed
    std::int64_t total = 0;                 ///< entries of the directory
    std::vector<host::LookEntry> entries;   ///< by name
};
BOOST_DESCRIBE_STRUCT(SnapshotFiles, (), (disks, disk, partitions, partition, path, total, entries))

/// How many looks each user has at a time, and how many make bhyped's workers wait. Safe to use from several
/// threads.
class LooksOfUsers : public std::enable_shared_from_this<LooksOfUsers> {
  public:
    static constexpr int most = 2;
    /// Counts until the last copy has gone. Throws Error(look_limit).
    std::shared_ptr<void> begin(const UserName& user);
    /// The same of all users: until hostd has answered.
    std::shared_ptr<void> work();

  private:
    static constexpr int most_at_work = 4; ///< half of the workers (http::Options)
    std::mutex mutex_;
    int at_work_ = 0;
    std::map<std::string, int> count_;
};

/// Content-Disposition for a name that a guest chose (RFC 6266): always to be saved, never to be shown;
/// without what leads elsewhere.
std::string attachment(std::string_view name);

} // namespace bhype::protect
