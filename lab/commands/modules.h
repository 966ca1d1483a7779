#pragma once

#include <string>
#include <vector>

namespace bhype::lab {

/// A kernel module as kldload(8) and kldstat(8) know it.
struct KernelModule {
    const char* name; ///< "if_tuntap"
    bool compiled_in; ///< in GENERIC: found by -m, has no file of its own
    unsigned size;    ///< what kldstat prints, bytes
    const char* source;
};

/// Null for a name that the release has no module of.
const KernelModule* find_module(const std::string& name);

bool module_loaded(const std::string& name);

/// Remembers that it is loaded until the next boot, and makes what appears with it (/dev/vmm).
/// Returns 0, or an errno: EEXIST if it is loaded already, ENOENT if there is no such module.
int load_module(const std::string& name);

/// Loaded files in the order of their loading, without the kernel.
std::vector<std::string> loaded_modules();

/// Loads what /boot/loader.conf and /boot/loader.conf.d ask for; to be called once at boot.
void load_modules_at_boot();

/// What the loader's files say, the last assignment of a name winning: kenv(1) and tunables.
std::string loader_variable(const std::string& name);
std::vector<std::pair<std::string, std::string>> loader_variables();

} // namespace bhype::lab
