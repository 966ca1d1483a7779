#include "vm/clone.h"

#include "vm/endpoints.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <ctime>

namespace bhype::vm {

namespace {

using access::Privilege;
using api::Call;
using api::Reply;

/// The same machine for another guest.
host::Machine another(const host::Machine& then, const CloneVm& request) {
    auto machine = then;
    machine.id = random_uuid();
    machine.generation = 1;
    machine.note = request.note.value_or(Note());
    for (auto& nic : machine.nics) {
        nic.mac = random_mac();
        nic.address.reset(); // DHCP keeps an address for one NIC alone
    }
    return machine;
}

bool on_every_disk(const std::vector<host::Snapshot>& all, const Record& record, const SnapshotLabel& label,
                   const host::Machine& then) {
    const auto has = [&](const std::string& dataset) {
        return std::ranges::any_of(all, [&](const host::Snapshot& one) {
            return one.dataset == dataset && one.label == label.str();
        });
    };
    return has(record.dataset.str()) && std::ranges::all_of(then.disks, [&](const host::MachineDisk& disk) {
               return has(record.dataset.str() + '/' + disk.name.str());
           });
}

Reply clone(const Services& services, const Call& call, const CloneVm& request) {
    const auto record = changeable(services, call);
    check_definition(record);
    call.note->object = request.name.str();
    call.note->only_asked = request.plan;
    if (auto problems = owner_problems(services, request.owner, request.group); !problems.empty())
        throw Error(Code::invalid_field, {}, std::move(problems));
    CloneGround ground{.origin = record, .then = record.machine};
    if (request.snapshot) {
        const auto all = services.host.call(host::SnapshotList{record.dataset});
        if (std::ranges::any_of(all, [&](const host::Snapshot& one) {
                return one.dataset == record.dataset.str() && one.label == request.snapshot->str();
            })) {
            ground.then = definition_in(services.host, record, *request.snapshot);
            ground.snapshot_there = on_every_disk(all, record, *request.snapshot, ground.then);
        }
        for (const auto& one : all)
            if (one.label == request.snapshot->str())
                ground.to_copy = ByteSize(ground.to_copy.bytes() + one.referenced.bytes());
    } else {
        for (const auto& disk : record.disks)
            ground.to_copy = ByteSize(ground.to_copy.bytes() + disk.referenced.bytes());
    }
    const auto offer = services.offer();
    if (request.full)
        ground.available = available_to_vms(services.host, offer.pool.name);
    ground.name_taken =
        !services.host
             .call(host::DatasetList{below(offer.pool.name, "vm/" + request.name.str()), false, false})
             .empty();
    auto decision = decide_clone(request, call.caller, ground, offer, services.switches);
    if (request.plan)
        return api::ok(encode(decision.plan));
    if (!decision.problems.empty())
        throw Error(decision.code, {}, decision.problems);
    return services.task_endpoints.start(call, "vm.create", "vm/" + request.name.str(),
                                         "Clone VM " + record.name.str() + " to " + request.name.str(),
                                         encode(decision.input));
}

} // namespace

host::Machine definition_in(wire::Host& host, const Record& record, const SnapshotLabel& label) {
    return host::parse_machine(host.call(host::SnapshotDefinition{record.dataset, label}).text);
}

SnapshotLabel utc_label(std::string_view prefix) {
    return SnapshotLabel::from(fmt::format("{}{:%Y%m%dT%H%M%SZ}", prefix, fmt::gmtime(std::time(nullptr))));
}

CreateDecision decide_clone(const CloneVm& request, const access::Caller& caller, const CloneGround& ground,
                            const Offer& offer, const network::Switches& switches) {
    CreateDecision decision;
    auto& input = decision.input;
    auto& problems = decision.problems;
    const auto& origin = ground.origin;

    input.name = request.name;
    input.pool = offer.pool.name;
    input.owner = request.owner ? request.owner->str() : caller.user.str();
    input.group = request.group ? request.group->str() : "";
    input.start = request.start;
    input.machine = another(ground.then, request);
    input.origin = CloneOrigin{origin.name,
                               origin.dataset,
                               request.snapshot.value_or(utc_label("clone-" + request.name.str() + '-')),
                               !request.snapshot,
                               is_live(origin.guest.state),
                               request.full};

    decision.code = Code::vm_refused;
    if (request.owner && request.owner->str() != caller.user.str() && !caller.may(Privilege::administer))
        problems.push_back({"owner", "only an administrator makes VMs for others"});
    if (request.snapshot && !ground.snapshot_there)
        problems.push_back({"snapshot", origin.name.str() + " has no snapshot " + request.snapshot->str() +
                                            " of its definition and every disk"});
    for (auto& problem : start_problems(input.machine, offer, switches))
        if (request.start || problem.field == "cpus" || problem.field == "switch" || problem.field == "pool")
            problems.push_back(std::move(problem));
    if (request.full && ground.to_copy > ground.available)
        problems.push_back({"full", "the copy takes " + ground.to_copy.human() + ", and " +
                                        offer.pool.name.str() + "/bhype/vm has only " +
                                        ground.available.human() + " available"});
    if (ground.name_taken) {
        if (problems.empty())
            decision.code = Code::vm_name_taken;
        problems.push_back({"name", request.name.str() + " exists"});
    }

    auto& plan = decision.plan;
    const auto label = '@' + input.origin->label.str();
    if (input.origin->take)
        plan.steps.push_back(
            "snapshot " + origin.dataset.str() + label + " with all its disks" +
            (input.origin->live ? "; the VM runs, so it is what a loss of power would leave" : ""));
    for (const auto& disk : input.machine.disks)
        plan.steps.push_back((request.full ? "copy " : "clone ") + origin.dataset.str() + '/' +
                             disk.name.str() + label);
    plan.steps.push_back("copy the firmware's variables; write vm.toml with another id and other MACs");
    if (request.start)
        plan.steps.push_back("start it");
    if (request.full && input.origin->take)
        plan.steps.push_back("destroy the snapshot, which is not needed any more");
    if (request.full)
        plan.space_now = ground.to_copy;
    else
        plan.keeps.push_back(origin.dataset.str() + label + " (cannot be destroyed while " +
                             request.name.str() + " shares its blocks)");
    for (const auto& disk : origin.disks)
        plan.space_most = ByteSize(plan.space_most.bytes() + disk.volsize.bytes());
    for (const auto& problem : problems)
        plan.problems.push_back(problem.field + ": " + problem.rule);
    return decision;
}

void add_clone_endpoint(api::Router& router, Services& services) {
    services.task_endpoints.add<CloneVm>(
        router,
        {.method = api::Method::post,
         .path = "/api/v1/vms/{name}/clone",
         .privilege = Privilege::make,
         .summary = "Make a VM from a snapshot of another, sharing its blocks or, with full=true, copying "
                    "them; with "
                    "plan=true tell what would be done",
         .tag = "vms",
         .instead = router.component<Plan>(),
         .errors = {Code::vm_name_taken, Code::vm_refused, Code::no_pool, Code::vm_definition_broken}},
        [&](const Call& call, const CloneVm& request) { return clone(services, call, request); });
}

} // namespace bhype::vm
