#include "vm/promote.h"

#include "vm/plan.h"
#include "vm/tasks.h"

#include <algorithm>

namespace bhype::vm {

namespace {

using access::Privilege;
using api::Call;
using api::Reply;

/// Labels of a volume's snapshots up to `last`, oldest first; all when it is empty.
std::vector<std::string> labels_of(const std::vector<host::Snapshot>& all, const std::string& volume,
                                   const std::string& last = {}) {
    std::vector<std::string> labels;
    for (const auto& one : all)
        if (one.dataset == volume) {
            labels.push_back(one.label);
            if (one.label == last)
                break;
        }
    return labels;
}

Reply promote(const Services& services, const Call& call, const PromoteVm& request) {
    const auto record = changeable(services, call);
    call.note->only_asked = request.plan;
    Plan plan;
    std::map<std::string, std::vector<host::Snapshot>> listed; // a VM's disks mostly have one origin
    const auto snapshots_of = [&](const Record& one) -> const std::vector<host::Snapshot>& {
        const auto [known, fresh] = listed.try_emplace(one.name.str());
        if (fresh)
            known->second = services.host.call(host::SnapshotList{one.dataset});
        return known->second;
    };
    for (const auto& disk : record.disks) {
        const auto vm = vm_of_dataset(disk.origin);
        const auto origin = vm ? services.inventory.find(*vm) : std::nullopt;
        if (!origin)
            continue;
        if (!access::may_change(call.caller, origin->ownership))
            throw Error(Code::forbidden,
                        "only the owner of " + vm->str() +
                            ", whose snapshots it would take over, or an administrator does that");
        const auto at = disk.origin.find('@');
        const auto present = labels_of(snapshots_of(record), disk.name);
        for (const auto& label :
             labels_of(snapshots_of(*origin), disk.origin.substr(0, at), disk.origin.substr(at + 1))) {
            plan.steps.push_back(disk.origin.substr(0, at) + '@' + label + " becomes " + disk.name + '@' +
                                 label);
            if (std::ranges::count(present, label) > 0)
                plan.problems.push_back("both have a snapshot " + label +
                                        " of the disk: delete one of them first");
        }
        plan.keeps.push_back(disk.origin.substr(0, at) + " as it is; from then on it is the clone, and " +
                             vm->str() + " can be deleted");
    }
    if (plan.steps.empty())
        plan.problems.push_back(record.name.str() + " shares no blocks with another VM");
    if (request.plan)
        return api::ok(encode(plan));
    if (!plan.problems.empty())
        throw Error(Code::vm_refused, plan.problems.front());
    return services.task_endpoints.start(call, "vm.promote", "vm/" + record.name.str(),
                                         "Promote VM " + record.name.str(), encode(NameInput{record.name}));
}

} // namespace

json::value promote(task::Work& work, Inventory& inventory, const VmName& name) {
    inventory.refresh(name);
    const auto record = inventory.find(name);
    if (!record)
        throw Error(Code::not_found, "there is no VM " + name.str());
    for (const auto& disk : record->disks) {
        const auto origin = vm_of_dataset(disk.origin);
        if (!origin)
            continue;
        work.step("Give " + disk.origin + " to " + name.str(),
                  host::VolumePromote{DatasetName::from(disk.name)});
        inventory.refresh(*origin);
    }
    inventory.refresh(name);
    return json::object{{"name", name.str()}};
}

void add_promote_endpoint(api::Router& router, Services& services) {
    services.task_endpoints.add<PromoteVm>(
        router,
        {.method = api::Method::post,
         .path = "/api/v1/vms/{name}/promote",
         .privilege = Privilege::make,
         .summary =
             "Turn a clone's dependence round: it takes over the snapshots that it was made from, and the VM "
             "that they were of can be deleted; with plan=true tell what would change",
         .tag = "vms",
         .instead = router.component<Plan>(),
         .errors = {Code::vm_refused}},
        [&](const Call& call, const PromoteVm& request) { return promote(services, call, request); });
}

} // namespace bhype::vm
