#pragma once

#include "base/fd.h"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bhype::os {

/// Makes one directory unless it is there. Throws Error(command_failed).
void make_directory(const std::string& path, mode_t mode);
/// Opens a directory that must not be a symbolic link; the components before the last may be. Throws
/// Error(not_found) when there is none, Error(policy) when it is something else.
Fd open_directory(const std::string& path);

/// Opens `relative` below a directory, following no symbolic link in any of its components. `flags` as for
/// open(2); O_CLOEXEC and O_NOFOLLOW are added. Refused with Error(policy): absolute paths, empty, "." and
/// ".." components, symbolic links. Error(not_found) when it does not exist, Error(no_space) when there
/// is no room, Error(command_failed) with the system's words otherwise.
Fd open_beneath(int directory, std::string_view relative, int flags, mode_t mode = 0);

struct FileOwner {
    uid_t uid = static_cast<uid_t>(-1); ///< -1: leave as it is
    gid_t gid = static_cast<gid_t>(-1);
};

/// Writes a file whole: temporary beside it, fsync, rename over it, fsync of the directory. Whoever reads it
/// sees the old text or the new, also after a crash. `name` is one component.
void write_file(int directory, std::string_view name, std::string_view text, mode_t mode,
                const FileOwner& owner = {});

/// A regular file's text; none when it does not exist. Larger than `most` bytes: Error(too_large).
std::optional<std::string> read_file(int directory, std::string_view relative, std::size_t most);
/// At most the last `most` bytes of a regular file; none when it does not exist.
std::optional<std::string> read_tail(int directory, std::string_view relative, std::size_t most);

/// A locked file with our pid, as pidfile(3) keeps it: rc.subr(8) reads it. Removed when it goes.
class PidFile {
  public:
    /// Throws Error(busy) with the other's pid when a process holds it.
    explicit PidFile(const std::string& path);
    PidFile(PidFile&&) noexcept = default;
    PidFile& operator=(PidFile&&) = delete;
    ~PidFile();

  private:
    std::string path_;
    Fd fd_;
};

} // namespace bhype::os
