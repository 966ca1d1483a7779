#pragma once

#include "storage/pools.h"

namespace bhype::storage {

/// The object of a pool's tasks: one at a time.
std::string object_of(const PoolName& pool);
std::string object_of(const DiskName& disk);

/// pool.create, .import, .export, .scrub, .trim, .clear, .add, .put and .device, disk.wipe: each is one
/// operation, which is its input, so what a killed task has done is found done.
void add_tasks(task::Tasks& tasks, Pools& pools);

} // namespace bhype::storage
