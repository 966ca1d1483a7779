#pragma once

#include "api/endpoint.h"
#include "vm/keeper.h"
#include "vm/plan.h"

namespace bhype::vm {

struct Services {
    wire::Host& host;
    task::Tasks& tasks;
    Inventory& inventory;
    Keeper& keeper;
    network::Switches& switches;
    templates::Library& library;
    /// Throws Error(no_pool).
    std::function<Offer()> offer;
    /// A single-use ticket for a console.
    std::function<std::string(const access::Caller&, const VmName&, host::ConsoleKind, host::ConsoleMode)>
        ticket;
    /// Whether a user or group of that name exists on the host.
    std::function<bool(const UserName&)> user_exists;
    std::function<bool(const GroupName&)> group_exists;
};

/// /api/v1/vms and what is below it, /api/v1/templates. `services` must outlive the router.
void add_endpoints(api::Router& router, Services& services);

} // namespace bhype::vm
