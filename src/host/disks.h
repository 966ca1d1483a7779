#pragma once

// Disks of the host: sysctl kern.geom.confxml (geom(4)), with what swapctl(8), mount(8) and zpool(8) know of
// their use. dd(1) for writing an image into a volume.

#include "host/command.h"
#include "host/operations.h"

#include <map>

namespace bhype::host {

Command geom_confxml();
Command swapctl_list();
Command mount_list();

/// What is known of the use of devices, by name without /dev/: "nda0p2" to "pool tank".
using DeviceUses = std::map<std::string, std::string>;
/// These two only name the use better: what is swapped to or mounted is open in GEOM too, so a command that
/// fails, or is not there, hides no use.
void add_swap(const Output& output, DeviceUses& uses);
void add_mounts(const Output& output, DeviceUses& uses);
/// What Disk::used_by of a disk begins with that has the label of a pool which is not imported.
inline constexpr std::string_view exported = "exported pool ";
/// `text` before the pool's name: "pool " or `exported`.
void add_pools(const std::map<std::string, std::string>& pools, std::string_view text, DeviceUses& uses);

/// Disks by name, without CD drives. A disk is used when it, or anything that GEOM made of it (partitions,
/// labels, encryption), is in `uses`, is open, or when it has a partition table.
std::vector<Disk> parse_disks(const Command& command, const Output& output, const DeviceUses& uses);

/// Writes what it reads from its standard input (Options::input: the descriptor whose checksum was taken)
/// into /dev/zvol/VOLUME, and says once a second how far it is.
Command dd_to_volume(const DatasetName& volume);
/// Bytes written so far, when the line is such a report of dd's.
std::optional<std::uint64_t> parse_dd_progress(std::string_view line);

} // namespace bhype::host
