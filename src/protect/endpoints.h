#pragma once

#include "protect/scheduler.h"
#include "vm/endpoints.h"

namespace bhype::protect {

struct PlanServices {
    vm::Services& vms;
    Plans& plans;
    MayChange may_change;
};
/// /api/v1/plans. `services` must outlive the router.
void add_plan_endpoints(api::Router& router, PlanServices& services);

/// /api/v1/vms/{name}/snapshots. `services` must outlive the router.
void add_endpoints(api::Router& router, vm::Services& services);

/// .../snapshots/{snapshot}/files and .../file. `services` must outlive the router.
void add_look_endpoints(api::Router& router, vm::Services& services);

} // namespace bhype::protect
