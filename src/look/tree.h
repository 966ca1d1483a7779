#pragma once

// Directories and files of one file system. Everything in it may be a lie: what is followed is counted.

#include "host/look_operations.h"
#include "look/image.h"

#include <functional>
#include <vector>

namespace bhype::look {

struct Found {
    std::string path; ///< in bytes, links followed
    File file;
};

/// Follows symbolic links, at most 32, all within this file system. Throws Error(not_found) that names the
/// component which is missing, Error(look_unreadable).
Found find(TSK_FS_INFO& system, const GuestPath& path);

struct Page {
    GuestPath path;
    std::int64_t total = 0;
    std::vector<host::LookEntry> entries;
};
/// A directory's entries by name. Throws Error(invalid_field) when the path is no directory,
/// Error(look_too_large) when it has more than a million entries, and as find() does.
Page list(TSK_FS_INFO& system, const GuestPath& path, std::int64_t from, std::int64_t limit);

/// Calls `begin` with name and size, then `piece` with the file's bytes in order until that returns false.
/// Throws Error(invalid_field) when the path is no file, Error(look_too_large), as find() does, and
/// Error(look_unreadable) also after the beginning.
void read(TSK_FS_INFO& system, const GuestPath& path,
          const std::function<void(const host::SnapshotFileResult&)>& begin,
          const std::function<bool(std::string_view)>& piece);

} // namespace bhype::look
