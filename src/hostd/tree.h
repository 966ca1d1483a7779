#pragma once

// What of the host's datasets is bHype's. Everything that an operation names goes through here.

#include "base/fd.h"
#include "host/command.h"
#include "host/operations.h"

#include <functional>
#include <mutex>
#include <set>

namespace bhype::hostd {

using Runner = std::function<host::Output(const host::Command&)>;

/// A name inside POOL/bhype, taken apart.
struct Inside {
    PoolName pool;
    std::vector<std::string> parts; ///< below POOL/bhype
};

/// Which part of the tree a name may lie in. Pure checks by the name alone; throw Error(policy).
Inside inside(const DatasetName& name);
/// .new/TASKID or deeper.
Inside being_made(const DatasetName& name);
/// vm/NAME or template/NAME, exactly.
Inside published(const DatasetName& name);
/// vm/NAME, exactly.
Inside a_vm(const DatasetName& name);
/// vm/NAME/DISK, exactly.
Inside a_disk(const DatasetName& name);
/// vm/NAME, exactly, and the NAME is `vm`.
void is_of(const DatasetName& name, const VmName& vm);

/// A volume's device appears some time after zfs has ended. Throws Error(command_timeout) after 10 s.
void await_device(const std::string& path);

class Tree {
  public:
    /// `root`: below which /POOL/bhype is mounted.
    Tree(std::string root, gid_t group) : root_(std::move(root)), group_(group) {}

    /// Throws Error(policy) unless POOL/bhype carries bhype:id.
    void require(const PoolName& pool, const Runner& run);
    /// POOL/bhype's id, as zfs says now.
    std::optional<Uuid> id_of(const PoolName& pool, const Runner& run);
    /// The directory of a file system of bHype's, reached without any symbolic link.
    Fd open(const DatasetName& name) const;
    /// A file in a snapshot of a file system, by its .zfs directory (zfsprops(7), snapdir); at most `most`
    /// bytes. Throws Error(vm_file_missing).
    std::string read_in_snapshot(const DatasetName& name, const SnapshotLabel& label, const std::string& file,
                                 std::size_t most) const;
    /// root:_bhype 0750.
    void give_to_group(const DatasetName& name) const;
    gid_t group() const { return group_; }

  private:
    const std::string root_;
    const gid_t group_;
    std::mutex mutex_;
    std::set<std::string> known_;
};

} // namespace bhype::hostd
