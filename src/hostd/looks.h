#pragma once

// Disks of snapshots that are being looked into.

#include "hostd/guests.h"
#include "hostd/tree.h"

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace bhype::hostd {

/// A volume's snapshot becomes readable as a clone POOL/bhype/.new/look-HEX. It stays for a minute after its
/// last use, since whoever walks through folders comes back within seconds and a clone costs two transaction
/// groups; snapdev=visible would cost nothing of that, but makes a device of each snapshot of the volume, and
/// stays set when hostd is killed.
///
/// Nothing depends on a look: release() ends those in the way of an operation, SnapshotList does not tell of
/// their clones, and what a killed hostd has left is destroyed at the next start and before the next look in
/// its pool.
///
/// Safe to call from several threads.
class Looks {
  public:
    static constexpr std::chrono::seconds kept{60};
    static constexpr std::size_t most = 8;          ///< clones at a time
    static constexpr std::size_t most_readers = 32; ///< that were started and have not ended

    /// `zvol` as in Paths. Commands that nobody asked for go through `quiet`.
    Looks(std::string zvol, Tree& tree, Runner quiet, StartProgram start);
    /// Destroys all clones.
    ~Looks();
    Looks(const Looks&) = delete;

    struct Clone;
    /// One use of a clone: it is not destroyed meanwhile.
    class Disk {
      public:
        Disk(Looks& looks, std::shared_ptr<Clone> clone) : looks_(&looks), clone_(std::move(clone)) {}
        Disk(Disk&&) = default;
        Disk& operator=(Disk&&) = delete;
        ~Disk();
        /// Open for reading.
        int device() const { return device_.get(); }
        /// Becomes readable when the look is to end.
        int wish() const;

      private:
        friend class Looks;
        Looks* looks_;
        std::shared_ptr<Clone> clone_;
        Fd device_;
    };

    /// Makes the clone unless it is there. Throws Error(look_limit) and what zfs says.
    Disk open(const DatasetName& volume, const SnapshotLabel& label, const Runner& run);

    struct Reader {
        pid_t pid = 0;
        Fd output;
    };
    /// Starts bhype-look, which has the disk until it ends. Throws Error(look_limit).
    Reader start(Disk disk, const host::Command& command);
    /// Ends a reader that was started.
    void end(pid_t reader);

    /// Ends all looks into snapshots of `dataset` and of what is below it, of those labels alone unless there
    /// are none. What could not be destroyed in time is in the way of what comes next, and zfs says so.
    void release(const std::string& dataset, const std::vector<SnapshotLabel>& labels = {});

  private:
    std::shared_ptr<Clone> find(const DatasetName& volume, const SnapshotLabel& label);
    std::vector<std::shared_ptr<Clone>> take(const std::function<bool(const Clone&)>& condition);
    void make_room(const Runner& run);
    void sweep(const PoolName& pool, const Runner& run);
    void destroy(const DatasetName& name, const Runner& run);
    void reap();
    void keep();

    const std::string zvol_;
    Tree& tree_;
    const Runner quiet_;
    const StartProgram start_;
    std::mutex work_;  ///< held while clones are made and destroyed; taken before mutex_
    std::mutex mutex_; ///< of what follows
    std::condition_variable changed_;
    std::vector<std::shared_ptr<Clone>> clones_;
    std::map<pid_t, std::shared_ptr<Clone>> readers_;
    std::set<std::string> swept_; ///< pools
    std::set<std::string> left_;  ///< clones that could not be destroyed yet
    bool stopping_ = false;
    std::thread keeper_;
};

} // namespace bhype::hostd
