#pragma once

#include "api/tasks.h"
#include "console/consoles.h"
#include "vm/keeper.h"
#include "vm/plan.h"

namespace bhype::vm {

struct Services {
    wire::Host& host;
    task::Tasks& tasks;
    api::TaskEndpoints& task_endpoints;
    Inventory& inventory;
    Keeper& keeper;
    network::Switches& switches;
    templates::Library& library;
    console::Consoles& consoles;
    /// Throws Error(no_pool).
    std::function<Offer()> offer;
    /// Whether it is a user of the host who may have VMs, a group of the host.
    std::function<bool(const UserName&)> may_own;
    std::function<bool(const GroupName&)> group_exists;
};

/// /api/v1/vms and what is below it, /api/v1/templates. `services` must outlive the router.
void add_endpoints(api::Router& router, Services& services);

} // namespace bhype::vm
