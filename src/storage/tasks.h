#pragma once

#include "storage/pools.h"

namespace bhype::storage {

/// The object of a pool's tasks: one at a time.
std::string object_of(const PoolName& pool);
std::string object_of(const DiskName& disk);

/// pool.create, .import, .export, .unlock, .lock, .scrub, .trim, .clear, .add, .put and .device, disk.wipe:
/// each is one operation, which is its input, so what a killed task has done is found done. `changed`: a pool
/// was unlocked or locked, and with it what it holds.
void add_tasks(task::Tasks& tasks, Pools& pools, const std::function<void()>& changed);

} // namespace bhype::storage
