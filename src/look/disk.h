#pragma once

// A disk's partitions and which file system each holds.

#include "host/look_operations.h"
#include "look/image.h"

#include <vector>

namespace bhype::look {

/// In the table's order of numbers, as the guest's own tools count: GPT and MBR from 1, logical partitions of
/// an MBR from 5, BSD partitions with a letter behind their MBR partition's number. The whole disk as "0"
/// when there is no table. At most 128.
std::vector<host::LookPartition> partitions(Image& image);

/// The one of that name, or the only readable one; nothing when none was named and several can be read.
/// Throws Error(invalid_field) that names those there are, Error(look_unreadable) when it, or all of them,
/// cannot be read.
const host::LookPartition* chosen(const std::vector<host::LookPartition>& all,
                                  const std::optional<PartitionName>& wanted);

/// Throws Error(look_unreadable).
FileSystem open_file_system(Image& image, const host::LookPartition& partition);

} // namespace bhype::look
