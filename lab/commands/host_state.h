#pragma once

#include "lab/core/layout.h"

#include <cstdint>
#include <string>
#include <vector>

namespace bhype::lab {

/// What this lab was made of.
const LabConfig& lab_config();

/// Memory of the guests that run now, bytes: the -m of every bhyve.
std::uint64_t guest_memory();

/// Pages of 4 KiB as vmstat(8) sees them: the configured memory less the kernel, the ARC and the guests.
struct MemoryPages {
    std::uint64_t total, free, active, inactive, laundry, wired;
};
MemoryPages memory_pages();

/// Bytes that the ARC holds, and the least that it keeps.
std::uint64_t arc_size();
std::uint64_t arc_minimum();

unsigned cpu_count();
std::string cpu_model();

/// A disk as geom(8) shows it.
struct LabDisk {
    std::string name, description, ident;
    std::uint64_t size;
    bool open;              ///< by a pool
    std::string controller; ///< "nvme0"; numbered from the last disk, since nothing ties the two numbers
};
std::vector<LabDisk> lab_disks();

/// kern.geom.confxml
std::string geom_confxml();

} // namespace bhype::lab
