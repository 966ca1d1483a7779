#include "vm/endpoints.h"

#include "api/dispatch.h"
#include "vm/list.h"
#include "vm/promote.h"
#include "vm/show.h"
#include "vm/tasks.h"

#include <fmt/format.h>

#include <algorithm>

namespace bhype::vm {

namespace {

using access::Privilege;
using api::Call;
using api::Method;
using api::ok;
using api::Reply;

/// One that the caller may use: a member who may not gets the same answer as for a missing one; a viewer sees
/// it and is told that looking is all.
Record usable(const Services& services, const Call& call) {
    auto record = seen(services, call);
    if (!access::may_use(call.caller, record.ownership))
        throw Error(Code::forbidden, "you may look at " + record.name.str() + ", not use it");
    check_if_match(call, record);
    return record;
}

Reply submit_named(const Services& services, const Call& call, const VmName& name, const std::string& kind,
                   const std::string& verb, std::int64_t seconds = 0) {
    return submit(services, call, name, kind, verb, encode(NameInput{name, seconds}));
}

Ground ground_of(const Services& services, const PoolName& pool, const VmName& name,
                 const templates::Template& template_) {
    const auto look = [&](const std::string& path) {
        return services.host.call(host::DatasetList{below(pool, path), false, false});
    };
    return {.available = available_to_vms(services.host, pool),
            .name_taken = !look("vm/" + name.str()).empty(),
            .image_there = template_.kind == templates::Kind::image && template_.media &&
                           !look("template/" + templates::image_dataset(template_)).empty()};
}

Reply create(const Services& services, const Call& call, const CreateVm& request) {
    call.note->object = request.name.str();
    call.note->only_asked = request.plan;
    const auto template_ = services.library.find(request.template_);
    std::vector<FieldProblem> problems;
    if (!template_)
        problems.push_back({"template", "there is no template " + request.template_.str()});
    for (auto& problem : owner_problems(services, request.owner, request.group))
        problems.push_back(std::move(problem));
    const bool valid = problems.empty();
    CreateDecision decision;
    try {
        if (template_) {
            const auto offer = services.offer();
            decision = decide_create(request, *template_, call.caller, offer,
                                     ground_of(services, offer.pool.name, request.name, *template_),
                                     services.switches);
        }
    } catch (const Error&) { // what the request itself has wrong comes first
        if (valid)
            throw;
    }
    problems.insert(problems.end(), decision.problems.begin(), decision.problems.end());
    if (!valid)
        throw Error(Code::invalid_field, {}, problems);
    if (request.plan)
        return ok(encode(decision.plan));
    if (!problems.empty())
        throw Error(decision.code, {}, problems);
    return submit(services, call, request.name, "vm.create", "Create", encode(decision.input));
}

Reply start(const Services& services, const Call& call) {
    const auto record = usable(services, call);
    if (is_live(record.guest.state))
        throw Error(Code::vm_running, record.name.str() + " is running");
    check_definition(record);
    if (auto problems = start_problems(record.machine, services.offer(), services.switches);
        !problems.empty()) {
        services.keeper.wake(); // a switch that is missing comes back
        throw Error(Code::vm_refused, {}, std::move(problems));
    }
    return submit_named(services, call, record.name, "vm.start", "Start");
}

Reply edit(const Services& services, const Call& call, const EditVm& request) {
    const auto record = changeable(services, call);
    check_if_match(call, record);
    check_definition(record);
    auto problems = owner_problems(services, request.owner, std::nullopt);
    if (request.owner && !call.caller.may(Privilege::administer) &&
        request.owner->str() != record.ownership.owner)
        problems.push_back({"owner", "only an administrator gives a VM to another user"});
    if (request.group && !request.group->empty() &&
        (!GroupName::accepts(*request.group) || !services.group_exists(GroupName::from(*request.group))))
        problems.push_back({"group", "there is no such group on this host"});
    if (request.tags)
        std::ranges::move(host::tag_problems(*request.tags), std::back_inserter(problems));
    if (!problems.empty())
        throw Error(Code::invalid_field, {}, problems);

    EditInput input;
    input.name = record.name;
    input.expected = record.machine.generation;
    const auto machine = edited(record.machine, request);
    if (request.cd)
        if (auto missing = medium_problems(machine); !missing.empty())
            throw Error(Code::invalid_field, {}, std::move(missing));
    auto same = machine;
    same.generation = record.machine.generation;
    if (encode(same) != encode(record.machine))
        input.machine = machine;
    if (machine.cpus != record.machine.cpus || machine.memory.value != record.machine.memory.value)
        if (auto never = never_fits(machine, services.offer()); !never.empty())
            throw Error(Code::vm_refused, {}, std::move(never));
    const access::Ownership ownership{request.owner ? request.owner->str() : record.ownership.owner,
                                      request.group ? *request.group : record.ownership.group};
    if (ownership != record.ownership)
        input.ownership = ownership;
    if (!input.machine && !input.ownership)
        return show_reply(services, record, call);
    return submit(services, call, record.name, "vm.edit", "Change", encode(input));
}

/// A kill or a reset does not wait behind a stop that waits for the guest.
void end_stop(const Services& services, const VmName& name) {
    const auto id = services.keeper.task_of(name);
    const auto task = id ? services.tasks.find(*id) : std::nullopt;
    if (!task || task->kind != "vm.stop")
        return;
    try {
        services.tasks.cancel(*id);
    } catch (const Error& error) {
        if (error.code() != Code::task_not_cancellable) // it is at its end
            throw;
    }
}

/// Of what a delete would destroy, by name: sizes change while people read.
std::string plan_tag(const std::vector<host::Dataset>& datasets) {
    std::string names;
    for (const auto& dataset : datasets)
        names += dataset.name + '\n';
    return "plan." + fingerprint_text(fingerprint(names));
}

Reply remove(const Services& services, const Call& call) {
    const auto record = changeable(services, call);
    const bool plan = api::query_flag(call, "plan");
    const bool planned = call.if_match.starts_with("plan.");
    const auto clones = clones_of(record, services.inventory.all());
    std::vector<host::Dataset> datasets;
    if (plan || planned)
        datasets = services.host.call(host::DatasetList{record.dataset, true});
    if (plan) {
        call.note->only_asked = true;
        auto shown = delete_plan(record, datasets);
        for (const auto& forward : services.switches.forwards())
            if (forward.vm == record.name)
                shown.destroys.push_back("forward " + forward.name + " (" + enum_name(forward.protocol) +
                                         " port " + std::to_string(forward.port.value) + " of the host)");
        if (const auto bound = bound_snapshots(services.host.call(host::SnapshotList{record.dataset}));
            !bound.empty())
            shown.problems.push_back(bound);
        auto reply = ok(encode(shown));
        reply.etag = plan_tag(datasets);
        return reply;
    }
    if (!planned)
        check_if_match(call, record);
    else if (call.if_match != plan_tag(datasets))
        throw Error(Code::precondition_failed,
                    "what " + record.name.str() + " consists of has changed since");
    if (is_live(record.guest.state))
        throw Error(Code::vm_running, record.name.str() + " is running");
    if (!clones.empty())
        throw Error(Code::dataset_has_clones, record.name.str() + "'s disks have clones: " + clones);
    return submit_named(services, call, record.name, "vm.delete", "Delete");
}

Reply log_text(const Services& services, const Call& call) {
    const auto record = seen(services, call);
    host::GuestLog operation{record.name, record.dataset, {}};
    operation.bytes = api::query_number(call, "bytes", 65536, 1, 262144);
    return ok(encode(LogText{services.host.call(operation).text}));
}

Reply console(const Services& services, const Call& call, const OpenConsole& request) {
    const auto record = usable(services, call);
    if (!is_live(record.guest.state))
        throw Error(Code::vm_not_running, record.name.str() + " is not running");
    if (request.kind == host::ConsoleKind::screen && !record.machine.screen)
        throw Error(Code::invalid_field, {}, {{"kind", record.name.str() + " has no screen"}});
    const auto made = services.consoles.ticket(call.caller, record.name, request.kind,
                                               request.mode.value_or(host::ConsoleMode::control));
    Reply reply = ok(
        encode(ConsoleTicket{made.ticket, "/api/v1/console", "bhype.console." + made.ticket, made.viewers}));
    reply.status = 201;
    return reply;
}

void add_template_endpoints(api::Router& router, Services& services) {
    router.add<std::vector<templates::Template>>(
        {.method = Method::get,
         .path = "/api/v1/templates",
         .privilege = Privilege::look,
         .summary = "List the OS templates",
         .tag = "templates"},
        [&](const Call&) { return ok(encode(services.library.list())); });
    router.add<templates::Template>({.method = Method::get,
                                     .path = "/api/v1/templates/{name}",
                                     .privilege = Privilege::look,
                                     .summary = "Show a template",
                                     .tag = "templates"},
                                    [&](const Call& call) {
                                        const auto name = TemplateName::parse(call.path.at("name"));
                                        const auto found = name ? services.library.find(*name) : std::nullopt;
                                        if (!found)
                                            throw Error(Code::not_found, "there is no template of that name");
                                        return ok(encode(*found));
                                    });
}

} // namespace

void add_endpoints(api::Router& router, Services& services) {
    const auto list = std::make_shared<List>(
        services.inventory, [&keeper = services.keeper](const VmName& name) { return keeper.task_of(name); });
    router.add<std::vector<VmSummary>>(
        {.method = Method::get,
         .path = "/api/v1/vms",
         .privilege = Privilege::look,
         .summary = "List the VMs that you may see, with what is asked of all at once",
         .tag = "vms",
         .at_once = [list](const Call& call) { return list->ready(call.caller); }},
        [list](const Call& call) { return list->reply(call.caller); });
    services.task_endpoints.add<CreateVm>(
        router,
        {.method = Method::post,
         .path = "/api/v1/vms",
         .privilege = Privilege::make,
         .summary = "Create a VM from a template; with plan=true tell what would be done",
         .tag = "vms",
         .instead = router.component<Plan>(),
         .errors = {Code::vm_name_taken, Code::vm_refused, Code::no_space, Code::no_pool}},
        [&](const Call& call, const CreateVm& request) { return create(services, call, request); });
    router.add<Vm>({.method = Method::get,
                    .path = "/api/v1/vms/{name}",
                    .privilege = Privilege::look,
                    .summary = "Show a VM",
                    .tag = "vms"},
                   [&](const Call& call) { return show_reply(services, seen(services, call), call); });
    services.task_endpoints.add<EditVm>(
        router,
        {.method = Method::patch,
         .path = "/api/v1/vms/{name}",
         .privilege = Privilege::make,
         .summary = "Change a VM; what needs a restart is then listed in its pending_restart. The VM itself "
                    "when there is nothing to change",
         .tag = "vms",
         .instead = router.component<Vm>(),
         .errors = {Code::precondition_failed}},
        [&](const Call& call, const EditVm& request) { return edit(services, call, request); });
    services.task_endpoints.add(
        router,
        {.method = Method::del,
         .path = "/api/v1/vms/{name}",
         .privilege = Privilege::make,
         .summary =
             "Delete a VM with its disks; with plan=1 list exactly what goes. With the ETag of that list "
             "as If-Match nothing else is deleted",
         .tag = "vms",
         .query = {{"plan", "1: tell what would be destroyed and what stays, do nothing"}},
         .instead = router.component<Plan>(),
         .errors = {Code::vm_running, Code::precondition_failed, Code::dataset_has_clones}},
        [&](const Call& call) { return remove(services, call); });
    services.task_endpoints.add(router,
                                {.method = Method::post,
                                 .path = "/api/v1/vms/{name}/start",
                                 .privilege = Privilege::use,
                                 .summary = "Start a VM",
                                 .tag = "vms",
                                 .errors = {Code::vm_running, Code::vm_refused, Code::precondition_failed}},
                                [&](const Call& call) { return start(services, call); });
    services.task_endpoints.add<StopVm>(
        router,
        {.method = Method::post,
         .path = "/api/v1/vms/{name}/stop",
         .privilege = Privilege::use,
         .summary = "Press the VM's power button and wait for the guest",
         .tag = "vms",
         .errors = {Code::vm_not_running, Code::precondition_failed}},
        [&](const Call& call, const StopVm& request) {
            const auto record = usable(services, call);
            if (!is_live(record.guest.state))
                throw Error(Code::vm_not_running, record.name.str() + " is not running");
            return submit_named(services, call, record.name, "vm.stop", "Stop",
                                request.seconds.value_or(Ranged<1, 3600>(60)));
        });
    const auto simple = [&](const char* verb, const char* title, const char* summary) {
        services.task_endpoints.add(
            router,
            {.method = Method::post,
             .path = std::string("/api/v1/vms/{name}/") + verb,
             .privilege = Privilege::use,
             .summary = summary,
             .tag = "vms",
             .errors = {Code::vm_not_running, Code::precondition_failed}},
            [&services, verb, title](const Call& call) {
                const auto record = usable(services, call);
                if (!is_live(record.guest.state))
                    throw Error(Code::vm_not_running, record.name.str() + " is not running");
                end_stop(services, record.name);
                return submit(services, call, record.name, std::string("vm.") + verb, title,
                              encode(NameInput{record.name, 0, record.guest.reboots}));
            });
    };
    simple("kill", "Kill", "End a VM at once; what the guest has not written is lost");
    simple("reset", "Reset", "Reset a VM as its reset button would");
    router.add<LogText>({.method = Method::get,
                         .path = "/api/v1/vms/{name}/log",
                         .privilege = Privilege::look,
                         .summary = "The last lines that bhyve wrote",
                         .tag = "vms",
                         .query = {{"bytes", "at most that many, 65536 when missing"}}},
                        [&](const Call& call) { return log_text(services, call); });
    router.add<OpenConsole, ConsoleTicket>(
        {.method = Method::post,
         .path = "/api/v1/vms/{name}/console",
         .privilege = Privilege::use,
         .summary = "Get a ticket for one console connection within 30 seconds",
         .tag = "vms",
         .success = 201,
         .errors = {Code::vm_not_running, Code::console_in_use, Code::precondition_failed}},
        [&](const Call& call, const OpenConsole& request) { return console(services, call, request); });
    add_nic_endpoints(router, services);
    add_clone_endpoint(router, services);
    add_promote_endpoint(router, services);
    add_template_endpoints(router, services);
}

} // namespace bhype::vm
