#include "storage/space.h"

#include <algorithm>

namespace bhype::storage {

namespace {

using access::Privilege;
using api::Call;
using api::Method;
using api::ok;
using api::Reply;

/// The journaled input of vm.limit and vm.grow.
struct LimitInput {
    VmName vm;
    ByteSize quota;
    ByteSize reservation;
};
BOOST_DESCRIBE_STRUCT(LimitInput, (), (vm, quota, reservation))
struct GrowInput {
    VmName vm;
    DeviceName disk;
    ByteSize size;
};
BOOST_DESCRIBE_STRUCT(GrowInput, (), (vm, disk, size))

SpaceView look(const SpaceServices& services, const Call& call) {
    const auto pool = services.pool();
    if (!pool)
        throw Error(Code::no_pool);
    auto view = space_view(*pool, services.vms.host.call(host::SpaceList{*pool}), [&](const VmName& name) {
        const auto ownership = services.vms.inventory.ownership(name);
        return ownership && access::may_see(call.caller, *ownership);
    });
    view.floor = services.floor();
    for (const auto& state : services.vms.host.call(host::PoolStatus{}))
        if (state.name == *pool)
            view.available = state.available;
    return view;
}

Reply limit(const SpaceServices& services, const Call& call, const LimitVm& request) {
    const auto record = vm::seen(services.vms, call);
    if (!request.quota && !request.reservation)
        throw Error(Code::invalid_field, {}, {{"", "quota or reservation: nothing is to be changed"}});
    const auto view = look(services, call);
    const auto now = std::ranges::find(view.items, record.name, &SpaceItem::vm);
    if (now == view.items.end())
        throw Error(Code::dataset_missing, record.name.str());
    const LimitInput input{record.name, request.quota.value_or(now->quota),
                           request.reservation.value_or(now->reservation)};
    const ByteSize used(now->live.bytes() + now->snapshots.bytes() + now->reserved.bytes());
    std::vector<FieldProblem> problems;
    const bool limited = input.quota.bytes() > 0;
    if (limited && input.quota < used)
        problems.push_back({"quota", "is less than the " + used.human() + " that it uses already"});
    if (limited && input.reservation > input.quota)
        problems.push_back({"reservation", "is more than the quota"});
    if (input.reservation.bytes() > used.bytes() + view.available.bytes())
        problems.push_back({"reservation", "so much is not free: " + view.available.human()});
    if (!problems.empty())
        throw Error(Code::invalid_field, {}, std::move(problems));
    return services.vms.task_endpoints.start(call, "vm.limit", "vm/" + record.name.str(),
                                             "Limit the space of VM " + record.name.str(), encode(input));
}

Reply grow(const SpaceServices& services, const Call& call, const GrowDisk& request) {
    const auto record = vm::changeable(services.vms, call);
    call.note->only_asked = request.plan;
    const auto& text = call.path.at("disk");
    const auto disk =
        std::ranges::find_if(record.machine.disks, [&](const auto& one) { return one.name.str() == text; });
    if (disk == record.machine.disks.end())
        throw Error(Code::not_found, record.name.str() + " has no disk of that name");
    const auto volume = record.dataset.str() + '/' + disk->name.str();
    const auto present = std::ranges::find(record.disks, volume, &host::Dataset::name);
    const auto now = present == record.disks.end() ? ByteSize() : present->volsize;
    const auto offer = services.vms.offer();
    std::vector<FieldProblem> problems;
    if (request.size <= now)
        problems.push_back(
            {"size", "must be more than the " + now.human() + " that it has: a disk is never made smaller"});
    if (request.size.bytes() % (1 << 20) != 0)
        problems.push_back({"size", "must be a whole number of MiB"});
    if (offer.too_full)
        problems.push_back({"pool", *offer.too_full});
    if (!request.plan) {
        if (!problems.empty())
            throw Error(Code::invalid_field, {}, std::move(problems));
        return services.vms.task_endpoints.start(call, "vm.grow", "vm/" + record.name.str(),
                                                 "Grow " + disk->name.str() + " of VM " + record.name.str() +
                                                     " to " + request.size.human(),
                                                 encode(GrowInput{record.name, disk->name, request.size}));
    }
    GrowPlan plan;
    plan.steps.push_back("zfs set volsize=" + request.size.str() + ' ' + volume);
    // zvol(4) tells bhyve of another size from OpenZFS 2.2 on.
    constexpr std::int64_t notices = 1400000;
    if (vm::is_live(record.guest.state) && offer.facts.osreldate < notices)
        plan.inside.emplace_back(
            "stop the VM and start it: on this release of FreeBSD a running guest does not notice");
    const auto template_ = TemplateName::parse(record.machine.created_from);
    const auto known = template_ ? services.vms.library.find(*template_) : std::nullopt;
    const auto number = static_cast<std::size_t>(disk - record.machine.disks.begin());
    for (auto& step : inside_the_guest(known ? known->family : templates::Family::other, disk->kind, number))
        plan.inside.push_back(std::move(step));
    for (const auto& problem : problems)
        plan.problems.push_back(problem.field + ": " + problem.rule);
    return ok(encode(plan));
}

} // namespace

void add_space_tasks(task::Tasks& tasks, vm::Inventory& inventory, vm::Keeper& keeper) {
    const auto dataset_of = [&inventory](const VmName& name) {
        const auto record = inventory.find(name);
        if (!record)
            throw Error(Code::not_found, "there is no VM " + name.str());
        return record->dataset;
    };
    const auto refresh = [&inventory](const VmName& name) {
        inventory.refresh(name);
        inventory.touch(name);
    };
    tasks.add({"vm.limit",
               [dataset_of, refresh](task::Work& work, const json::value& json) -> json::value {
                   const auto input = decode<LimitInput>(json);
                   work.commit("Set quota and reservation",
                               host::DatasetLimit{dataset_of(input.vm), input.quota, input.reservation});
                   refresh(input.vm);
                   return json::object{{"vm", input.vm.str()}};
               },
               [](task::Work&, const json::value&) {}});
    tasks.add({"vm.grow",
               [dataset_of, refresh, &keeper](task::Work& work, const json::value& json) -> json::value {
                   const auto input = decode<GrowInput>(json);
                   const vm::Keeper::Claim claim(keeper, input.vm);
                   const auto volume = DatasetName::from(dataset_of(input.vm).str() + '/' + input.disk.str());
                   work.commit("Make the volume larger", host::DiskGrow{volume, input.size});
                   refresh(input.vm);
                   return json::object{{"vm", input.vm.str()}, {"disk", input.disk.str()}};
               },
               [refresh](task::Work&, const json::value& json) { refresh(decode<GrowInput>(json).vm); }});
}

void add_space_endpoints(api::Router& router, SpaceServices& services) {
    auto& tasks = services.vms.task_endpoints;
    router.add<SpaceView>({.method = Method::get,
                           .path = "/api/v1/space",
                           .privilege = Privilege::look,
                           .summary = "Who uses what of bHype's pool: live, by snapshots, reserved",
                           .tag = "storage"},
                          [&](const Call& call) { return ok(encode(look(services, call))); });
    router.add<SetFloor, SpaceView>(
        {.method = Method::put,
         .path = "/api/v1/space/floor",
         .privilege = Privilege::administer,
         .summary = "How much of the pool stays free: with less, nothing is started that writes",
         .tag = "storage"},
        [&](const Call& call, const SetFloor& request) {
            services.set_floor(request.percent);
            return ok(encode(look(services, call)));
        });
    tasks.add<LimitVm>(
        router,
        {.method = Method::patch,
         .path = "/api/v1/vms/{name}/limits",
         .privilege = Privilege::administer,
         .summary = "Limit what a VM may take of the pool, and keep room for it; 0 ends either",
         .tag = "storage",
         .errors = {Code::no_space}},
        [&](const Call& call, const LimitVm& request) { return limit(services, call, request); });
    tasks.add<GrowDisk>(
        router,
        {.method = Method::post,
         .path = "/api/v1/vms/{name}/disks/{disk}/grow",
         .privilege = Privilege::make,
         .summary =
             "Make a VM's disk larger, also while it runs. With plan=true tell what is to be done in the "
             "guest then",
         .tag = "storage",
         .instead = router.component<GrowPlan>(),
         .errors = {Code::no_space, Code::below_floor}},
        [&](const Call& call, const GrowDisk& request) { return grow(services, call, request); });
}

} // namespace bhype::storage
