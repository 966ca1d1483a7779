#include "protect/endpoints.h"

#include "api/dispatch.h"

#include <algorithm>
#include <ctime>

namespace bhype::protect {

namespace {

using access::Privilege;
using api::Call;
using api::Method;
using api::ok;
using api::Reply;

bool may_see(const Call& call, const Plan& plan) {
    return call.caller.may(Privilege::administer) || call.caller.role == access::Role::viewer ||
           plan.owner == call.caller.user;
}

Plan seen(const PlanServices& services, const Call& call) {
    const auto name = PlanName::parse(call.path.at("name"));
    auto plan = name ? services.plans.find(*name) : std::nullopt;
    if (!plan || !may_see(call, *plan))
        throw Error(Code::not_found, "there is no plan of that name");
    return *plan;
}

Plan changeable(const PlanServices& services, const Call& call) {
    auto plan = seen(services, call);
    if (!call.caller.may(Privilege::administer) && plan.owner != call.caller.user)
        throw Error(Code::forbidden, "only its owner or an administrator changes plan " + plan.name.str());
    return plan;
}

PlanView view(const PlanServices& services, const Plan& plan) {
    return services.plans.view(plan, std::time(nullptr));
}

void check(const PlanServices& services, const Call& call, const Plan& plan) {
    std::vector<FieldProblem> problems;
    try {
        if (!task::Cron::parse(plan.schedule).next(std::time(nullptr)))
            problems.push_back({"schedule", "names a time that does not come within five years"});
    } catch (const Error& error) {
        problems = error.problems();
    }
    if (plan.all && !call.caller.may(Privilege::administer))
        problems.push_back({"all", "is for administrators: name the VMs"});
    if (plan.all && !plan.vms.empty())
        problems.push_back({"vms", "is left empty when all VMs are meant"});
    if (plan.all && !plan.tags.empty())
        problems.push_back({"tags", "is left empty when all VMs are meant"});
    std::ranges::move(host::tag_problems(plan.tags), std::back_inserter(problems));
    if (!plan.all && plan.vms.empty() && plan.tags.empty())
        problems.push_back({"vms", "names the VMs; or tags, or all for every one"});
    for (std::size_t i = 0; i < plan.vms.size(); ++i) {
        const auto record = services.vms.inventory.find(plan.vms[i]);
        const auto field = "vms[" + std::to_string(i) + "]";
        if (!record || !access::may_see(call.caller, record->ownership))
            problems.push_back({field, "there is no VM " + plan.vms[i].str()});
        else if (!access::may_change(call.caller, record->ownership))
            problems.push_back({field, "only its owner or an administrator snapshots " + plan.vms[i].str()});
        else if (std::ranges::count(plan.vms, plan.vms[i]) > 1)
            problems.push_back({field, plan.vms[i].str() + " is named twice"});
    }
    if (!problems.empty())
        throw Error(Code::invalid_field, {}, std::move(problems));
}

Reply create(const PlanServices& services, const Call& call, const CreatePlan& request) {
    call.note->object = request.name.str();
    call.note->only_asked = request.plan;
    Plan plan;
    plan.name = request.name;
    plan.owner = call.caller.user;
    plan.schedule = request.schedule;
    plan.retention = request.retention.value_or(Retention());
    plan.all = request.all;
    plan.tags = request.tags;
    plan.vms = request.vms;
    plan.enabled = request.enabled.value_or(true);
    plan.note = request.note.value_or(Note());
    check(services, call, plan);
    if (request.plan)
        return ok(encode(view(services, plan)));
    if (services.plans.find(plan.name))
        throw Error(Code::plan_exists, plan.name.str());
    services.plans.put(plan, std::time(nullptr));
    auto reply = ok(encode(view(services, plan)));
    reply.status = 201;
    return reply;
}

Reply edit(const PlanServices& services, const Call& call, const EditPlan& request) {
    auto plan = changeable(services, call);
    call.note->only_asked = request.plan;
    if (request.schedule)
        plan.schedule = *request.schedule;
    if (request.retention)
        plan.retention = *request.retention;
    if (request.all)
        plan.all = *request.all;
    if (request.tags)
        plan.tags = *request.tags;
    if (request.vms)
        plan.vms = *request.vms;
    if (request.enabled)
        plan.enabled = *request.enabled;
    if (request.note)
        plan.note = *request.note;
    // One of its VMs may have gone: that is no reason to refuse another change.
    if (request.schedule || request.all || request.tags || request.vms)
        check(services, call, plan);
    if (!request.plan)
        services.plans.put(plan, std::time(nullptr));
    return ok(encode(view(services, plan)));
}

Reply preview(const PlanServices& services, const Call& call) {
    const auto plan = seen(services, call);
    std::vector<PlanPreview> shown;
    const auto records = chosen(plan, services.vms.inventory.all(), services.may_change);
    if (records.empty())
        return ok(encode(shown));
    auto present = by_vm(services.vms.host.call(host::SnapshotList{all_vms(records.front())}));
    for (const auto& record : records)
        if (access::may_see(call.caller, record.ownership))
            shown.push_back(
                {record.name,
                 judge(made_by(plan.name, group(present[record.dataset.str()], record)), plan.retention)});
    return ok(encode(shown));
}

Reply run(const PlanServices& services, const Call& call) {
    const auto plan = changeable(services, call);
    return services.vms.task_endpoints.start(
        call, "plan.run", plans_object, "Run plan " + plan.name.str(),
        encode(RunInput{plan.name, label_of(plan.name, std::time(nullptr))}));
}

} // namespace

void add_plan_endpoints(api::Router& router, PlanServices& services) {
    router.add<std::vector<PlanView>>(
        {.method = Method::get,
         .path = "/api/v1/plans",
         .privilege = Privilege::look,
         .summary = "List the snapshot plans: your own, or all for administrators",
         .tag = "plans"},
        [&](const Call& call) {
            std::vector<PlanView> shown;
            for (const auto& plan : services.plans.list())
                if (may_see(call, plan))
                    shown.push_back(view(services, plan));
            return ok(encode(shown));
        });
    router.add<CreatePlan, PlanView>(
        {.method = Method::post,
         .path = "/api/v1/plans",
         .privilege = Privilege::make,
         .summary = "Make a plan: snapshots at set times; with plan=true tell its next times",
         .tag = "plans",
         .success = 201,
         .instead = router.component<PlanView>(),
         .errors = {Code::plan_exists}},
        [&](const Call& call, const CreatePlan& request) { return create(services, call, request); });
    router.add<PlanView>({.method = Method::get,
                          .path = "/api/v1/plans/{name}",
                          .privilege = Privilege::look,
                          .summary = "Show a plan with its next five times",
                          .tag = "plans"},
                         [&](const Call& call) { return ok(encode(view(services, seen(services, call)))); });
    router.add<EditPlan, PlanView>(
        {.method = Method::patch,
         .path = "/api/v1/plans/{name}",
         .privilege = Privilege::make,
         .summary = "Change a plan; with plan=true tell its next times",
         .tag = "plans"},
        [&](const Call& call, const EditPlan& request) { return edit(services, call, request); });
    router.add<PlanView>({.method = Method::del,
                          .path = "/api/v1/plans/{name}",
                          .privilege = Privilege::make,
                          .summary = "Delete a plan; its snapshots stay",
                          .tag = "plans"},
                         [&](const Call& call) {
                             const auto plan = changeable(services, call);
                             auto reply = ok(encode(view(services, plan)));
                             services.plans.remove(plan.name);
                             return reply;
                         });
    router.add<std::vector<PlanPreview>>(
        {.method = Method::get,
         .path = "/api/v1/plans/{name}/preview",
         .privilege = Privilege::look,
         .summary =
             "What the plan's next run would destroy of its snapshots, and which rule keeps the others",
         .tag = "plans"},
        [&](const Call& call) { return preview(services, call); });
    services.vms.task_endpoints.add(router,
                                    {.method = Method::post,
                                     .path = "/api/v1/plans/{name}/run",
                                     .privilege = Privilege::make,
                                     .summary = "Run a plan now: snapshot, then destroy what is too many",
                                     .tag = "plans"},
                                    [&](const Call& call) { return run(services, call); });
}

} // namespace bhype::protect
