#pragma once

#include "protect/scheduler.h"
#include "protect/snapshot.h"
#include "vm/endpoints.h"

namespace bhype::protect {

struct PlanServices {
    vm::Services& vms;
    Plans& plans;
    MayChange may_change;
};
/// /api/v1/plans. `services` must outlive the router.
void add_plan_endpoints(api::Router& router, PlanServices& services);

/// As the host has them now.
std::vector<VmSnapshot> snapshots_of(const vm::Services& services, const vm::Record& record);
/// Throws Error(not_found).
VmSnapshot find(const std::vector<VmSnapshot>& all, std::string_view name);
/// The request's {snapshot}, which bHype can name in an operation. Throws Error(not_found).
SnapshotLabel label_of(const api::Call& call);

/// /api/v1/vms/{name}/snapshots. `services` must outlive the router.
void add_endpoints(api::Router& router, vm::Services& services);

/// .../snapshots/{snapshot}/files and .../file. `services` must outlive the router.
void add_look_endpoints(api::Router& router, vm::Services& services);

} // namespace bhype::protect
