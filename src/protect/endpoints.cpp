#include "protect/endpoints.h"

#include "api/dispatch.h"
#include "host/text.h"
#include "protect/tasks.h"
#include "vm/clone.h"

#include <algorithm>

namespace bhype::protect {

namespace {

using access::Privilege;
using api::Call;
using api::Method;
using api::ok;
using api::Reply;
using vm::Services;

Reply start(const Services& services, const Call& call, const vm::Record& record, const char* kind,
            const std::string& title, json::value input) {
    return services.task_endpoints.start(call, kind, "vm/" + record.name.str(), title, std::move(input));
}

Reply list(const Services& services, const Call& call) {
    const auto record = vm::seen(services, call);
    const auto limit = api::query_number(call, "limit", 100, 1, 1000);
    const auto offset = api::query_number(call, "offset", 0, 0, 1000000000);
    auto all = snapshots_of(services, record);
    SnapshotPage page;
    page.total = static_cast<std::int64_t>(all.size());
    for (const auto& one : all)
        page.used = ByteSize(page.used.bytes() + one.used.bytes());
    const auto begin = std::min(offset, page.total);
    const auto end = std::min(begin + limit, page.total);
    page.snapshots.assign(std::make_move_iterator(all.begin() + begin),
                          std::make_move_iterator(all.begin() + end));
    return ok(encode(page));
}

Reply take(const Services& services, const Call& call, const TakeSnapshot& request) {
    const auto record = vm::changeable(services, call);
    vm::require_room(services.offer());
    const auto label = request.name.value_or(vm::utc_label(""));
    const auto all = snapshots_of(services, record);
    if (std::ranges::count(all, label.str(), &VmSnapshot::name) > 0)
        throw Error(Code::snapshot_exists, record.name.str() + '@' + label.str());
    return start(services, call, record, "snapshot.create", "Snapshot VM " + record.name.str(),
                 encode(TakeInput{record.name, label, Note::from("user " + call.caller.user.str()),
                                  request.note.value_or(Note())}));
}

Reply edit(const Services& services, const Call& call, const EditSnapshot& request) {
    const auto record = vm::changeable(services, call);
    const auto label = label_of(call);
    find(snapshots_of(services, record), label.str());
    if (!request.note && !request.held)
        throw Error(Code::invalid_field, {}, {{"", "note or held: nothing is to be changed"}});
    return start(services, call, record, "snapshot.edit",
                 "Change snapshot " + label.str() + " of VM " + record.name.str(),
                 encode(EditInput{record.name, label, request.note, request.held}));
}

std::vector<VmSnapshot> wanted(const Call& call, const std::vector<VmSnapshot>& all) {
    const auto names = call.query.find("names");
    if (names == call.query.end() || names->second.empty())
        throw Error(Code::invalid_field, {}, {{"names", "names the snapshots, with commas between"}});
    std::vector<VmSnapshot> found;
    std::vector<FieldProblem> problems;
    for (const auto name : host::split(names->second, ',')) {
        const auto one = std::ranges::find(all, name, &VmSnapshot::name);
        if (one == all.end())
            problems.push_back({"names", "the VM has no snapshot " + std::string(name)});
        else if (std::ranges::count(found, one->name, &VmSnapshot::name) == 0)
            found.push_back(*one);
    }
    if (!problems.empty())
        throw Error(Code::invalid_field, {}, std::move(problems));
    return found;
}

Reply remove(const Services& services, const Call& call) {
    const auto record = vm::changeable(services, call);
    const auto chosen = wanted(call, snapshots_of(services, record));
    auto plan = delete_plan(record, chosen);
    std::vector<SnapshotLabel> labels;
    for (const auto& one : chosen)
        if (const auto label = SnapshotLabel::parse(one.name))
            labels.push_back(*label);
    if (api::query_flag(call, "plan")) {
        call.note->only_asked = true;
        if (plan.problems.empty())
            plan.frees = services.host.call(host::SnapshotReclaim{record.dataset, labels}).reclaim;
        return ok(encode(plan));
    }
    refuse(plan.problems);
    return start(services, call, record, "snapshot.delete",
                 labels.size() == 1
                     ? "Delete snapshot " + labels[0].str() + " of VM " + record.name.str()
                     : "Delete " + std::to_string(labels.size()) + " snapshots of VM " + record.name.str(),
                 encode(DeleteInput{record.name, labels}));
}

Reply definition(const Services& services, const Call& call) {
    const auto record = vm::seen(services, call);
    const auto label = label_of(call);
    const auto one = find(snapshots_of(services, record), label.str());
    if (!one.definition)
        throw Error(Code::not_found, label.str() + " does not hold the VM's definition");
    SnapshotDefinition shown;
    shown.text = services.host.call(host::SnapshotDefinition{record.dataset, label}).text;
    try {
        shown.differences = differences(host::parse_machine(shown.text), record.machine);
    } catch (const Error& error) {
        shown.error = error.what();
    }
    return ok(encode(shown));
}

Reply roll_back(const Services& services, const Call& call, const RollBack& request) {
    const auto record = vm::changeable(services, call);
    call.note->only_asked = request.plan;
    const auto label = label_of(call);
    const auto all = snapshots_of(services, record);
    const auto to = find(all, label.str());
    std::optional<host::Machine> machine;
    if (request.definition == DefinitionChoice::restore && to.definition)
        machine = vm::definition_in(services.host, record, label);
    auto plan = rollback_plan(record, all, to, machine);
    if (request.plan)
        return ok(encode(plan));
    if (vm::is_live(record.guest.state))
        throw Error(Code::vm_running, record.name.str() + " is running");
    refuse(plan.problems);
    return start(services, call, record, "vm.rollback",
                 "Roll VM " + record.name.str() + " back to " + label.str(),
                 encode(RollbackInput{record.name, label, machine}));
}

} // namespace

std::vector<VmSnapshot> snapshots_of(const Services& services, const vm::Record& record) {
    return group(services.host.call(host::SnapshotList{record.dataset}), record);
}

VmSnapshot find(const std::vector<VmSnapshot>& all, std::string_view name) {
    const auto found = std::ranges::find(all, name, &VmSnapshot::name);
    if (found == all.end())
        throw Error(Code::not_found, "the VM has no snapshot of that name");
    return *found;
}

/// One that bHype can name in an operation.
SnapshotLabel label_of(const Call& call) {
    const auto label = SnapshotLabel::parse(call.path.at("snapshot"));
    if (!label)
        throw Error(Code::not_found, "the VM has no snapshot of that name");
    return *label;
}

void add_endpoints(api::Router& router, vm::Services& services) {
    auto& tasks = services.task_endpoints;
    router.add<SnapshotPage>({.method = Method::get,
                              .path = "/api/v1/vms/{name}/snapshots",
                              .privilege = Privilege::look,
                              .summary = "A VM's snapshots, newest first",
                              .tag = "snapshots",
                              .query = {{"limit", "at most that many, 100 when missing"},
                                        {"offset", "leave out that many of the newest"}}},
                             [&](const Call& call) { return list(services, call); });
    tasks.add<TakeSnapshot>(
        router,
        {.method = Method::post,
         .path = "/api/v1/vms/{name}/snapshots",
         .privilege = Privilege::make,
         .summary = "Snapshot a VM: its definition and all its disks, at one moment. Of a running VM the "
                    "disks are what a loss of power would leave",
         .tag = "snapshots",
         .errors = {Code::snapshot_exists}},
        [&](const Call& call, const TakeSnapshot& request) { return take(services, call, request); });
    tasks.add(router,
              {.method = Method::del,
               .path = "/api/v1/vms/{name}/snapshots",
               .privilege = Privilege::make,
               .summary = "Delete snapshots of a VM in one command; with plan=1 tell what goes and what it "
                          "frees",
               .tag = "snapshots",
               .query = {{"names", "which ones, with commas between"},
                         {"plan", "1: tell what would be destroyed, do nothing"}},
               .instead = router.component<SnapshotPlan>(),
               .errors = {Code::snapshot_in_use}},
              [&](const Call& call) { return remove(services, call); });
    tasks.add<EditSnapshot>(
        router,
        {.method = Method::patch,
         .path = "/api/v1/vms/{name}/snapshots/{snapshot}",
         .privilege = Privilege::make,
         .summary = "Change a snapshot's note, hold it or release it",
         .tag = "snapshots"},
        [&](const Call& call, const EditSnapshot& request) { return edit(services, call, request); });
    router.add<SnapshotDefinition>(
        {.method = Method::get,
         .path = "/api/v1/vms/{name}/snapshots/{snapshot}/definition",
         .privilege = Privilege::look,
         .summary = "A VM's definition as a snapshot holds it, and how today's differs",
         .tag = "snapshots"},
        [&](const Call& call) { return definition(services, call); });
    tasks.add<RollBack>(
        router,
        {.method = Method::post,
         .path = "/api/v1/vms/{name}/snapshots/{snapshot}/rollback",
         .privilege = Privilege::make,
         .summary = "Put a stopped VM back to a snapshot. What was written since and newer snapshots are "
                    "lost; with plan=true tell what",
         .tag = "snapshots",
         .instead = router.component<SnapshotPlan>(),
         .errors = {Code::vm_running, Code::snapshot_in_use}},
        [&](const Call& call, const RollBack& request) { return roll_back(services, call, request); });
}

} // namespace bhype::protect
