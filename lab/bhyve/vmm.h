#pragma once

#include "base/fd.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace bhype::lab {

/// A VM as the kernel has it: a node /dev/vmm/NAME, which outlives the bhyve that made it. The lab keeps
/// beside it, in run_dir()/bhyve, its memory's size, whether it is suspended, and who runs it.
/// sys/dev/vmm/vmm_dev.c, lib/libvmmapi/vmmapi.c.
class VmObject {
  public:
    /// Makes it, or with a boot ROM takes over the one that is there. Leaves by Exit with 4 and the release's
    /// text.
    static VmObject open_to_run(const std::string& name, bool boot_rom, int release);

    /// Whether there is such a node.
    static bool exists(const std::string& name);

    /// Where its lab's files are: "control" is the running bhyve's socket, "memory" the size in bytes.
    static std::filesystem::path folder(const std::string& name);

    /// Marks a VM that nobody runs as suspended. 0, or EALREADY.
    static int suspend(const std::string& name);

    /// Removes node and folder. With --slow in the lab they linger for a moment after this has returned.
    static void destroy(const std::string& name);

    /// Leaves by Exit with 4 if the memory of an earlier run has another size.
    void set_memory(std::uint64_t bytes);

    const std::filesystem::path& state() const { return state_; }

  private:
    std::filesystem::path state_;
    Fd lock_;
};

} // namespace bhype::lab
