#pragma once

// smartctl(8) of the port sysutils/smartmontools, for the lab's disks, which are NVMe disks in what they say.

#include "lab/core/layout.h"

#include <cstdint>
#include <map>

namespace bhype::lab {

/// What a disk's machine counted since its power went on.
struct DiskTraffic {
    std::uint64_t bytes_read{0}, bytes_written{0}, failed{0};
};
int smartctl_main(const std::vector<std::string>& arguments, DiskTraffic (*traffic)(const std::string& disk));

/// Outside: what a disk shall say of itself from now on, by the names of NVMe's log page as smartctl has
/// them; none: the truth again. Throws std::invalid_argument for a field or a value that there is not.
void set_smart(const std::filesystem::path& state, const std::string& disk,
               const std::vector<std::string>& fields);
/// The disk's "FIELD=VALUE" as set.
std::map<std::string, std::int64_t> smart_set(const std::filesystem::path& state, const std::string& disk);

} // namespace bhype::lab
