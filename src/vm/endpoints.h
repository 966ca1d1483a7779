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

/// The VM that the path names, if the caller may see it. One answer for missing and forbidden.
Record seen(const Services& services, const api::Call& call);
/// The same for its owner and administrators; others who see it get Error(forbidden).
Record changeable(const Services& services, const api::Call& call);
/// The definition's tag: of what an edit changes and a delete destroys, not of what the guest does meanwhile.
std::string definition_tag(const Record& record);
/// If-Match against the definition's tag. Throws Error(precondition_failed).
void check_if_match(const api::Call& call, const Record& record);
/// Whether these may have a VM.
std::vector<FieldProblem> owner_problems(const Services& services, const std::optional<UserName>& owner,
                                         const std::optional<GroupName>& group);

/// A VM as its page shows it. The tag is "DEFINITION.ALL": If-None-Match compares the whole, If-Match the
/// first half.
api::Reply show_reply(const Services& services, const Record& record, const api::Call& call);
/// A task "VERB VM NAME".
api::Reply submit(const Services& services, const api::Call& call, const VmName& name,
                  const std::string& kind, const std::string& verb, json::value input);

/// /api/v1/vms/{name}/nics and what tells why they have no network; add_endpoints() has it.
void add_nic_endpoints(api::Router& router, Services& services);
/// /api/v1/vms/{name}/clone; add_endpoints() has it.
void add_clone_endpoint(api::Router& router, Services& services);
/// /api/v1/vms and what is below it, /api/v1/templates. `services` must outlive the router.
void add_endpoints(api::Router& router, Services& services);

} // namespace bhype::vm
