#pragma once

// zpool(8): zpool-list, -create, -status, -import.

#include "host/command.h"
#include "host/operations.h"

#include <map>

namespace bhype::host {

Command zpool_list();
std::vector<Pool> parse_zpool_list(const Command& command, const Output& output);

/// zpoolconcepts(7): a raidz group takes one disk more than its parity.
std::size_t fewest_disks(PoolLayout layout);
/// Throws Error(invalid_field) when the layout needs another number of disks, or a disk is named twice.
Command zpool_create(const PoolCreate& pool);

Command zpool_status();
/// Which pool each device belongs to: "nda0p2" or "gpt/disk0" (without /dev/) to "tank".
std::map<std::string, std::string> parse_zpool_status(const Command& command, const Output& output);

/// Lists pools that could be imported: exported ones, and those of another system.
Command zpool_import_list();
std::map<std::string, std::string> parse_zpool_import(const Command& command, const Output& output);

} // namespace bhype::host
