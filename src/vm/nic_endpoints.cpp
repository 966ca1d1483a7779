#include "vm/diagnosis.h"
#include "vm/endpoints.h"
#include "vm/nics.h"
#include "vm/tasks.h"

#include <algorithm>

namespace bhype::vm {

namespace {

using access::Privilege;
using api::Call;
using api::Method;
using api::ok;
using api::Reply;

/// Changes the definition's NICs. `change` gives the new definition, `nic` the name of the one that is to be
/// checked.
Reply edit_nics(const Services& services, const Call& call,
                const std::function<host::Machine(const host::Machine&)>& change,
                const std::function<const host::MachineNic*(const host::Machine&)>& nic) {
    const auto record = changeable(services, call);
    check_if_match(call, record);
    check_definition(record);
    EditInput input;
    input.name = record.name;
    input.expected = record.machine.generation;
    input.machine = change(record.machine);
    if (const auto* changed = nic(*input.machine))
        if (auto problems = nic_problems(record.name, *changed, services.switches,
                                         changed->address ? services.host.call(host::LeaseList{})
                                                          : std::vector<host::Lease>{},
                                         [&](const VmName& vm) {
                                             const auto ownership = services.inventory.ownership(vm);
                                             return ownership && access::may_see(call.caller, *ownership);
                                         });
            !problems.empty())
            throw Error(Code::invalid_field, {}, std::move(problems));
    if (encode(input.machine->nics) == encode(record.machine.nics))
        return show_reply(services, record, call);
    return submit(services, call, record.name, "vm.edit", "Change", encode(input));
}

} // namespace

void add_nic_endpoints(api::Router& router, Services& services) {
    const auto named = [](const Call& call) {
        const auto name = DeviceName::parse(call.path.at("nic"));
        if (!name)
            throw Error(Code::not_found, "the VM has no NIC of that name");
        return *name;
    };
    services.task_endpoints.add<AddNic>(
        router,
        {.method = Method::post,
         .path = "/api/v1/vms/{name}/nics",
         .privilege = Privilege::make,
         .summary = "Add a NIC; a running VM has it from its next start on",
         .tag = "vms",
         .instead = router.component<Vm>(),
         .errors = {Code::precondition_failed, Code::vm_refused}},
        [&](const Call& call, const AddNic& request) {
            return edit_nics(
                services, call, [&](const host::Machine& machine) { return with_nic(machine, request); },
                [](const host::Machine& machine) { return &machine.nics.back(); });
        });
    services.task_endpoints.add<EditNic>(
        router,
        {.method = Method::patch,
         .path = "/api/v1/vms/{name}/nics/{nic}",
         .privilege = Privilege::make,
         .summary = "Change a NIC; another switch takes effect at once, also while the VM runs",
         .tag = "vms",
         .instead = router.component<Vm>(),
         .errors = {Code::precondition_failed}},
        [&, named](const Call& call, const EditNic& request) {
            const auto name = named(call);
            return edit_nics(
                services, call,
                [&](const host::Machine& machine) { return with_changed_nic(machine, name, request); },
                [&](const host::Machine& machine) {
                    return &*std::ranges::find(machine.nics, name, &host::MachineNic::name);
                });
        });
    services.task_endpoints.add(
        router,
        {.method = Method::del,
         .path = "/api/v1/vms/{name}/nics/{nic}",
         .privilege = Privilege::make,
         .summary = "Remove a NIC; a running VM keeps it until its next start",
         .tag = "vms",
         .instead = router.component<Vm>(),
         .errors = {Code::precondition_failed}},
        [&, named](const Call& call) {
            const auto name = named(call);
            return edit_nics(
                services, call, [&](const host::Machine& machine) { return without_nic(machine, name); },
                [](const host::Machine&) -> const host::MachineNic* { return nullptr; });
        });
    const auto look = [&](const Record& record, const auto& use) {
        const NetworkNow now{services.host.call(host::InterfaceList{}), services.host.call(host::LeaseList{}),
                             services.host.call(host::FirewallShow{})};
        return use([&](const host::MachineNic& nic) {
            return diagnose(record, nic, services.switches.find(nic.switch_), now);
        });
    };
    router.add<std::vector<NicDiagnosis>>(
        {.method = Method::get,
         .path = "/api/v1/vms/{name}/diagnosis",
         .privilege = Privilege::look,
         .summary =
             "Why a VM has no network: of each NIC the checks on its packets' way, and what each found",
         .tag = "vms"},
        [&, look](const Call& call) {
            const auto record = seen(services, call);
            std::vector<NicDiagnosis> all;
            look(record, [&](const auto& findings) {
                for (const auto& nic : record.machine.nics)
                    all.push_back({nic.name, findings(nic)});
            });
            return ok(encode(all));
        });
    router.add<std::vector<Finding>>(
        {.method = Method::get,
         .path = "/api/v1/vms/{name}/nics/{nic}/diagnosis",
         .privilege = Privilege::look,
         .summary = "Why a NIC has no network: each check on its packets' way, and what it found",
         .tag = "vms"},
        [&, named, look](const Call& call) {
            const auto name = named(call);
            const auto record = seen(services, call);
            const auto& nics = record.machine.nics;
            const auto nic = std::ranges::find(nics, name, &host::MachineNic::name);
            if (nic == nics.end())
                throw Error(Code::not_found, "the VM has no NIC of that name");
            return look(record, [&](const auto& findings) { return ok(encode(findings(*nic))); });
        });
}

} // namespace bhype::vm
