#pragma once

// The dependence of a linked clone, turned round: zfs-promote(8).

#include "task/task.h"
#include "vm/endpoints.h"

namespace bhype::vm {

/// Makes the VM's disks that are clones of another VM's own the snapshots that they were made from.
json::value promote(task::Work& work, Inventory& inventory, const VmName& name);
void add_promote_endpoint(api::Router& router, Services& services);

} // namespace bhype::vm
