#pragma once

// A disk as libtsk reads it: through one open descriptor, and never by a name.

#include "base/error.h"

#include <tsk/libtsk.h>

#include <cstdint>
#include <memory>
#include <string>

namespace bhype::look {

class Image {
  public:
    /// The descriptor stays the caller's. Throws Error(look_unreadable) when it has no size.
    explicit Image(int descriptor);
    ~Image();
    Image(const Image&) = delete;

    TSK_IMG_INFO* tsk();
    std::uint64_t size() const;
    /// Bytes at that place, fewer at the disk's end or where it cannot be read.
    std::string read(std::uint64_t at, std::size_t count) const;

  private:
    struct Open;
    std::unique_ptr<Open> open_;
};

/// What libtsk said last, made harmless and cut short.
std::string tsk_words();

struct CloseVolumes {
    void operator()(TSK_VS_INFO* volumes) const { ::tsk_vs_close(volumes); }
};
using Volumes = std::unique_ptr<TSK_VS_INFO, CloseVolumes>;
struct CloseFileSystem {
    void operator()(TSK_FS_INFO* system) const { ::tsk_fs_close(system); }
};
using FileSystem = std::unique_ptr<TSK_FS_INFO, CloseFileSystem>;
struct CloseFile {
    void operator()(TSK_FS_FILE* file) const { ::tsk_fs_file_close(file); }
};
using File = std::unique_ptr<TSK_FS_FILE, CloseFile>;
struct CloseDirectory {
    void operator()(TSK_FS_DIR* directory) const { ::tsk_fs_dir_close(directory); }
};
using Directory = std::unique_ptr<TSK_FS_DIR, CloseDirectory>;

} // namespace bhype::look
