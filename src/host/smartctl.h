#pragma once

// smartctl(8) of smartmontools 7.0 or later, FreeBSD's port sysutils/smartmontools, and diskinfo(8) for the
// one thing that smartctl does not know.
//
// What it takes for a device on FreeBSD (lib/os_freebsd.cpp): /dev/adaN and /dev/daN by CAM; for NVMe the
// controller alone, /dev/nvmeN. It refuses /dev/nvdN, and takes /dev/ndaN for a SCSI disk, which it is not.
// The numbers of nda(4), nvd(4) and their controllers have nothing to do with each other; GEOM knows the
// controller as the disk's attachment (sys/cam/nvme/nvme_da.c, sys/dev/nvd/nvd.c).
//
// What it returns (smartctl.8, EXIT STATUS) is a set of bits: 0 the command line, which is also a device of
// unknown kind; 1 the device could not be opened; 2 a command to it failed; 3 it says that it fails; 4 to 7
// attributes and logs with something in them. So only the first two are a failure of smartctl's. -n asks ATA
// and SCSI disks (NVMe has no such thing) whether they stand still before anything else, and then ends with
// the status that it was given. -j prints JSON in each of these cases; smartctl.messages has the errors.

#include "host/command.h"
#include "host/disk_operations.h"

namespace bhype::host {

/// Of a disk that is reached by an NVMe controller, which only diskinfo_attachment() names.
bool is_nvme(const DiskName& disk);
Command diskinfo_attachment(const DiskName& disk);
/// "nvme0"; nothing when the disk hangs on something else, as NVMe behind an AHCI controller does.
std::optional<DiskName> parse_attachment(const Command& command, const Output& output);

/// A disk of whose health nothing is known.
DiskHealthResult unknown_health(HealthReason reason, std::string remark);

/// `device`: nvmeN, or the disk itself.
Command smartctl_health(const DiskName& device);
DiskHealthResult parse_health(const Command& command, const Output& output);

} // namespace bhype::host
