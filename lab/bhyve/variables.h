#pragma once

#include "base/fd.h"

#include <filesystem>
#include <string>

namespace bhype::lab {

/// The firmware's variable store. bhyve maps its file, so that the firmware's many small writes cost nothing
/// and reach the file when the kernel likes; QEMU makes a write of each, which is slow where the file lies on
/// ZFS. So QEMU gets a copy, and what changes there is written back now and then.
class VariableStore {
  public:
    /// Takes the file over and makes the copy. Throws std::runtime_error.
    VariableStore(Fd file, std::filesystem::path copy);

    const std::filesystem::path& copy() const { return copy_; }
    /// Writes what has changed since the last time.
    void write_back();

  private:
    Fd file_;
    std::filesystem::path copy_;
    std::string written_;
};

} // namespace bhype::lab
