#include "storage/endpoints.h"

#include "host/disks.h"
#include "host/zpool.h"
#include "storage/tasks.h"
#include "task/cron.h"

#include <algorithm>
#include <ctime>

namespace bhype::storage {

PoolName named(const api::Call& call) {
    const auto name = PoolName::parse(call.path.at("pool"));
    if (!name)
        throw Error(Code::not_found, "there is no such pool");
    return *name;
}

Sizes sizes_of(const std::vector<host::Disk>& disks) {
    Sizes sizes;
    for (const auto& disk : disks)
        sizes.emplace(disk.name, disk.size);
    return sizes;
}

std::string described(const host::Disk& disk) {
    return "/dev/" + disk.name.str() + " (" + disk.size.human() +
           (disk.description.empty() ? "" : ", " + disk.description) +
           (disk.ident.empty() ? "" : ", serial " + disk.ident) + ")";
}

void judge(const std::vector<host::Disk>& disks, const DiskName& name, const std::string& field,
           std::vector<FieldProblem>& problems, StoragePlan& plan) {
    const auto disk = std::ranges::find(disks, name, &host::Disk::name);
    if (disk == disks.end())
        problems.push_back({field, "there is no disk " + name.str()});
    else if (!disk->used_by.empty())
        problems.push_back({field, name.str() + " is in use: " + disk->used_by});
    else
        plan.wipes.push_back(described(*disk));
}

namespace {

using access::Privilege;
using api::Call;
using api::Method;
using api::ok;
using api::Reply;

void judge(const std::vector<host::Disk>& disks, const std::vector<host::VdevGroup>& groups,
           const std::string& field, std::vector<FieldProblem>& problems, StoragePlan& plan) {
    for (std::size_t i = 0; i < groups.size(); ++i)
        for (std::size_t k = 0; k < groups[i].disks.size(); ++k)
            judge(disks, groups[i].disks[k],
                  field + '[' + std::to_string(i) + "].disks[" + std::to_string(k) + ']', problems, plan);
}

void raise(std::vector<FieldProblem> problems) {
    if (!problems.empty())
        throw Error(Code::invalid_field, {}, std::move(problems));
}

Reply start(const Services& services, const Call& call, const PoolName& pool, const char* kind,
            const std::string& title, json::value input) {
    return services.task_endpoints.start(call, kind, object_of(pool), title, std::move(input));
}

/// Throws Error(device_missing).
host::Vdev require_device(const PoolView& pool, const VdevName& device) {
    const auto found = std::ranges::find(pool.vdevs, device.str(), &host::Vdev::name);
    if (found == pool.vdevs.end())
        throw Error(Code::device_missing, device.str() + " is no device of pool " + pool.name.str());
    return *found;
}

Reply create(const Services& services, const Call& call, const CreatePool& request) {
    call.note->only_asked = request.plan;
    const host::PoolCreate operation{request.name, request.groups, request.encryption};
    auto problems = host::pool_problems(request.groups);
    storage::judge(request.encryption, request.plan, problems);
    for (const auto& pool : services.host.call(host::PoolList{}))
        if (pool.name == request.name)
            problems.push_back({"name", "there is a pool " + pool.name.str()});
    const auto disks = services.host.call(host::DiskList{});
    StoragePlan plan;
    judge(disks, request.groups, "groups", problems, plan);
    raise(std::move(problems));
    if (!request.plan)
        return start(services, call, request.name, "pool.create", "Create pool " + request.name.str(),
                     encode(operation));
    const auto sizes = sizes_of(disks);
    const auto found = capacity(request.groups, sizes);
    plan.commands.push_back(host::display(host::zpool_create(operation)));
    plan.warnings = warnings(request.groups, sizes);
    if (request.encryption)
        plan.warnings.push_back(warning(*request.encryption));
    plan.usable = found.usable;
    plan.survives = found.survives;
    return ok(encode(plan));
}

/// Whether a group has as much redundancy as the pool's data, since the weakest decides.
std::vector<std::string> weaker(const PoolView& pool, const host::VdevGroup& group) {
    const bool redundant = std::ranges::any_of(pool.vdevs, [](const host::Vdev& vdev) {
        return vdev.depth == 0 && vdev.role == host::VdevRole::data && !vdev.leaf;
    });
    if (group.role == host::VdevRole::data && group.layout == host::PoolLayout::stripe && redundant)
        return {"The pool has redundancy and this disk has none: zpool refuses it."};
    return {};
}

Reply add(const Services& services, const Call& call, const AddVdev& request) {
    call.note->only_asked = request.plan;
    const auto pool = services.pools.look(named(call));
    const host::PoolAdd operation{pool.name, request.group};
    auto problems = host::group_problems({request.group}, "group");
    const auto disks = services.host.call(host::DiskList{});
    StoragePlan plan;
    judge(disks, {request.group}, "group", problems, plan);
    raise(std::move(problems));
    if (!request.plan)
        return start(services, call, pool.name, "pool.add", "Add disks to pool " + pool.name.str(),
                     encode(operation));
    plan.commands.push_back(host::display(host::zpool_add(operation)));
    plan.warnings = warnings({request.group}, sizes_of(disks));
    for (auto& word : weaker(pool, request.group))
        plan.warnings.push_back(std::move(word));
    return ok(encode(plan));
}

Reply put(const Services& services, const Call& call, const PutDisk& request, bool attach) {
    call.note->only_asked = request.plan;
    const auto pool = services.pools.look(named(call));
    const auto device = require_device(pool, request.device);
    const host::DevicePut operation{pool.name, request.device, request.disk, attach};
    std::vector<FieldProblem> problems;
    StoragePlan plan;
    auto disks = services.host.call(host::DiskList{});
    // A new disk in the place of a failed one has its name: hostd looks whether it is free otherwise.
    if (!attach && request.device.str() == request.disk.str())
        for (auto& disk : disks)
            if (disk.name == request.disk && disk.used_by == "pool " + pool.name.str() &&
                device.state != "ONLINE")
                disk.used_by.clear();
    judge(disks, request.disk, "disk", problems, plan);
    raise(std::move(problems));
    if (request.plan) {
        plan.commands.push_back(host::display(host::zpool_put(operation)));
        return ok(encode(plan));
    }
    return start(
        services, call, pool.name, "pool.put",
        attach
            ? "Attach " + request.disk.str() + " to " + request.device.str() + " in pool " + pool.name.str()
            : "Replace " + request.device.str() + " by " + request.disk.str() + " in pool " + pool.name.str(),
        encode(operation));
}

Reply change(const Services& services, const Call& call, const ChangeDevice& request) {
    const auto pool = services.pools.look(named(call));
    require_device(pool, request.device);
    return start(services, call, pool.name, "pool.device",
                 "zpool " + enum_name(request.action) + ' ' + pool.name.str() + ' ' + request.device.str(),
                 encode(host::DeviceChange{pool.name, request.device, request.action}));
}

Reply import(const Services& services, const Call& call, const ImportPool& request) {
    const auto guid = PoolGuid::parse(call.path.at("guid"));
    const auto all = services.host.call(host::PoolImportable{});
    const auto found = std::ranges::find(all, guid ? guid->str() : "", &host::ImportablePool::guid);
    if (!guid || found == all.end())
        throw Error(Code::not_found, "no pool of that GUID can be imported");
    const auto name = request.name ? request.name : PoolName::parse(found->name);
    if (!name)
        throw Error(Code::invalid_field, {},
                    {{"name", "the pool's own name is none that bHype takes: give it another"}});
    for (const auto& pool : services.host.call(host::PoolList{}))
        if (pool.name == *name)
            throw Error(Code::invalid_field, {},
                        {{"name", "there is a pool " + name->str() + ": give this one another name"}});
    return start(services, call, *name, "pool.import", "Import pool " + name->str(),
                 encode(host::PoolImport{*guid, *name, request.force, request.mount}));
}

Reply export_(const Services& services, const Call& call) {
    const auto pool = services.pools.look(named(call));
    if (pool.bhype)
        throw Error(Code::policy, pool.name.str() + " holds bHype's VMs");
    return start(services, call, pool.name, "pool.export", "Export pool " + pool.name.str(),
                 encode(host::PoolExport{pool.name}));
}

template <class Operation>
Reply upkeep(const Services& services, const Call& call, const Upkeep& request, const char* word) {
    const auto pool = services.pools.look(named(call));
    const auto verb = enum_name(request.action);
    return start(services, call, pool.name, (std::string("pool.") + word).c_str(),
                 static_cast<char>(std::toupper(verb[0])) + verb.substr(1) + " the " + word + " of pool " +
                     pool.name.str(),
                 encode(Operation{pool.name, request.action}));
}

Reply clear(const Services& services, const Call& call, const ClearErrors& request) {
    const auto pool = services.pools.look(named(call));
    if (request.device)
        require_device(pool, *request.device);
    return start(services, call, pool.name, "pool.clear", "Clear the errors of pool " + pool.name.str(),
                 encode(host::PoolClear{pool.name, request.device}));
}

Reply schedule(const Services& services, const Call& call, const ScheduleScrub& request) {
    const auto pool = services.pools.look(named(call));
    std::optional<ScrubSchedule> wanted;
    if (request.scrub) {
        if (!task::Cron::parse(*request.scrub, "scrub").next(std::time(nullptr)))
            throw Error(Code::invalid_field, {}, {{"scrub", "never comes"}});
        wanted = ScrubSchedule{*request.scrub, call.caller.user};
    }
    services.pools.set_schedule(pool.name, wanted);
    return ok(encode(services.pools.look(pool.name)));
}

Reply wipe(const Services& services, const Call& call, const WipeDisk& request) {
    call.note->only_asked = request.plan;
    const auto name = DiskName::parse(call.path.at("disk"));
    const auto disks = services.host.call(host::DiskList{});
    const auto disk = std::ranges::find_if(disks, [&](const auto& one) { return name && one.name == *name; });
    if (disk == disks.end())
        throw Error(Code::not_found, "there is no such disk");
    if (!disk->used_by.empty() && !disk->used_by.starts_with(host::exported))
        throw Error(Code::disk_in_use, disk->name.str() + ": " + disk->used_by);
    if (!request.plan)
        return services.task_endpoints.start(call, "disk.wipe", object_of(disk->name),
                                             "Wipe disk " + disk->name.str(),
                                             encode(host::DiskWipe{disk->name}));
    StoragePlan plan;
    plan.commands.push_back(host::display(host::zpool_labelclear(disk->name)));
    plan.wipes.push_back(described(*disk));
    if (!disk->used_by.empty())
        plan.warnings.push_back("It is part of an " + disk->used_by +
                                ", which can then be imported no more, or with less redundancy.");
    return ok(encode(plan));
}

template <class Request>
void add_action(api::Router& router, Services& services, const char* word, const char* summary,
                const std::vector<Code>& errors,
                std::function<Reply(const Services&, const Call&, const Request&)> handler,
                const json::value& instead = nullptr) {
    services.task_endpoints.add<Request>(router,
                                         {.method = Method::post,
                                          .path = std::string("/api/v1/pools/{pool}/") + word,
                                          .privilege = Privilege::administer,
                                          .summary = summary,
                                          .tag = "storage",
                                          .instead = instead,
                                          .errors = errors},
                                         [&services, handler](const Call& call, const Request& request) {
                                             return handler(services, call, request);
                                         });
}

} // namespace

void add_endpoints(api::Router& router, Services& services) {
    auto& tasks = services.task_endpoints;
    add_reading_endpoints(router, services);
    add_key_endpoints(router, services);
    tasks.add<CreatePool>(
        router,
        {.method = Method::post,
         .path = "/api/v1/pools",
         .privilege = Privilege::administer,
         .summary = "Make a pool; what is on its disks is lost. With plan=true tell what would be done",
         .tag = "storage",
         .instead = router.component<StoragePlan>(),
         .errors = {Code::pool_exists, Code::disk_in_use, Code::secret_gone}},
        [&](const Call& call, const CreatePool& request) { return create(services, call, request); });
    tasks.add<ImportPool>(
        router,
        {.method = Method::post,
         .path = "/api/v1/importable-pools/{guid}/import",
         .privilege = Privilege::administer,
         .summary = "Import a pool; nothing of it is mounted unless asked for",
         .tag = "storage",
         .errors = {Code::pool_exists, Code::pool_foreign}},
        [&](const Call& call, const ImportPool& request) { return import(services, call, request); });
    tasks.add(router,
              {.method = Method::post,
               .path = "/api/v1/pools/{pool}/export",
               .privilege = Privilege::administer,
               .summary = "Export a pool, so that its disks can be taken out or used by another system",
               .tag = "storage",
               .errors = {Code::dataset_busy}},
              [&](const Call& call) { return export_(services, call); });
    add_action<Upkeep>(router, services, "scrub",
                       "Start, pause or stop a scrub, which reads and checks everything", {},
                       [](const auto& with, const auto& call, const auto& request) {
                           return upkeep<host::PoolScrub>(with, call, request, "scrub");
                       });
    add_action<Upkeep>(router, services, "trim",
                       "Start, pause or stop telling the disks which blocks are free", {},
                       [](const auto& with, const auto& call, const auto& request) {
                           return upkeep<host::PoolTrim>(with, call, request, "trim");
                       });
    add_action<ClearErrors>(router, services, "clear", "Forget counted errors, of a device or of all",
                            {Code::device_missing}, clear);
    add_action<AddVdev>(
        router, services, "vdevs",
        "Add a group of disks to a pool; what is on them is lost. With plan=true tell what would be done",
        {Code::disk_in_use}, add, router.component<StoragePlan>());
    add_action<PutDisk>(
        router, services, "replace",
        "Replace a device by a disk, whose content is lost. With plan=true tell what would be done",
        {Code::device_missing, Code::disk_in_use},
        [](const auto& with, const auto& call, const auto& request) {
            return put(with, call, request, false);
        },
        router.component<StoragePlan>());
    add_action<PutDisk>(
        router, services, "attach",
        "Make a mirror of a device and a disk, whose content is lost. With plan=true tell what would "
        "be done",
        {Code::device_missing, Code::disk_in_use},
        [](const auto& with, const auto& call, const auto& request) {
            return put(with, call, request, true);
        },
        router.component<StoragePlan>());
    add_action<ChangeDevice>(router, services, "devices",
                             "Take a device offline or back online; detach it from its mirror, or remove it",
                             {Code::device_missing}, change);
    tasks.add<WipeDisk>(
        router,
        {.method = Method::post,
         .path = "/api/v1/disks/{disk}/wipe",
         .privilege = Privilege::administer,
         .summary = "Clear the label of a pool that is not imported from a disk, so that the disk is free. "
                    "With plan=true tell "
                    "what would be lost",
         .tag = "storage",
         .instead = router.component<StoragePlan>(),
         .errors = {Code::disk_in_use}},
        [&](const Call& call, const WipeDisk& request) { return wipe(services, call, request); });
    router.add<ScheduleScrub, PoolView>(
        {.method = Method::put,
         .path = "/api/v1/pools/{pool}/schedule",
         .privilege = Privilege::administer,
         .summary = "Scrub a pool at set times, or no more",
         .tag = "storage"},
        [&](const Call& call, const ScheduleScrub& request) { return schedule(services, call, request); });
}

} // namespace bhype::storage
