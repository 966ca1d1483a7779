#include "hostd/context.h"

#include "host/disks.h"
#include "host/facts.h"
#include "host/zfs.h"
#include "host/zpool.h"
#include "host/zpool_status.h"

#include <unistd.h>

#include <algorithm>

namespace bhype::hostd {

namespace {

std::vector<host::PoolState> look(Context& context) {
    const auto status = host::zpool_status();
    return host::parse_zpool_status(status, context.command(status));
}

std::vector<host::Vdev> vdevs_of(Context& context, const PoolName& pool) {
    for (auto& one : look(context))
        if (one.name == pool)
            return std::move(one.vdevs);
    throw Error(Code::dataset_missing, "there is no pool " + pool.str());
}

/// `replaced`: a pool's device that a new disk of the same name is to stand in for: the pool's claim is to
/// the old one.
std::vector<host::Disk> list_disks(Context& context, const std::string& replaced = {}) {
    host::DeviceUses uses;
    host::add_swap(context.command(host::swapctl_list()), uses);
    host::add_mounts(context.command(host::mount_list()), uses);
    const auto importable = host::zpool_import_list();
    host::add_pools(host::devices_of(host::parse_zpool_import(importable, context.command(importable))),
                    host::exported, uses);
    auto members = host::devices_of(look(context));
    members.erase(replaced);
    host::add_pools(members, "pool ", uses);
    const auto disks = host::geom_confxml();
    return host::parse_disks(disks, context.command(disks), uses);
}

/// Asked again here: what bhyped believes about disks does not count.
void require_free(Context& context, const std::vector<DiskName>& wanted, const std::string& replaced = {}) {
    const auto disks = list_disks(context, replaced);
    for (const auto& name : wanted) {
        const auto disk = std::ranges::find(disks, name, &host::Disk::name);
        if (disk == disks.end())
            throw Error(Code::policy, name.str() + " is no disk of this host");
        if (!disk->used_by.empty())
            throw Error(Code::disk_in_use, name.str() + ": " + disk->used_by);
    }
}

host::Vdev device_of(const std::vector<host::Vdev>& vdevs, const PoolName& pool, const VdevName& name) {
    const auto* found = host::find_device(vdevs, name.str());
    if (!found)
        throw Error(Code::device_missing, name.str() + " is no device of pool " + pool.str());
    return *found;
}

bool holds_vms_of_this_host(Context& context, const PoolName& pool) {
    const auto list = host::zfs_list(DatasetName::from(pool.str() + "/bhype"), false, false);
    const auto tree = host::parse_zfs_list(list, context.command(list));
    const auto ask = host::hostuuid_sysctl();
    const auto uuid = host::parse_hostuuid(ask, context.command(ask));
    return !tree.empty() && Uuid::parse(tree.front().id) && tree.front().host == uuid.str();
}

std::vector<host::Pool> imported(Context& context) {
    const auto list = host::zpool_list();
    return host::parse_zpool_list(list, context.command(list));
}

bool is_imported(Context& context, const PoolName& pool) {
    const auto all = imported(context);
    return std::ranges::find(all, pool, &host::Pool::name) != all.end();
}

/// True also when that cannot be told.
bool may_be_imported(Context& context, const PoolName& pool) {
    try {
        return is_imported(context, pool);
    } catch (const Error&) {
        return true;
    }
}

void zpool(Context& context, const host::Command& command) {
    host::expect_zfs(command, context.command(command));
}

} // namespace

BHYPE_PERFORM(DiskList) {
    static_cast<void>(operation);
    return list_disks(context);
}

BHYPE_PERFORM(PoolList) {
    static_cast<void>(operation);
    return imported(context);
}

BHYPE_PERFORM(PoolStatus) {
    static_cast<void>(operation);
    auto pools = look(context);
    if (!pools.empty())
        host::add_roots(context.command(host::zfs_list_roots()), pools);
    return pools;
}

BHYPE_PERFORM(PoolImportable) {
    static_cast<void>(operation);
    const auto list = host::zpool_import_list();
    return host::parse_zpool_import(list, context.command(list));
}

BHYPE_PERFORM(PoolCreate) {
    host::zpool_create(operation); // refuses groups that cannot be
    std::vector<DiskName> wanted;
    for (const auto& group : operation.groups)
        wanted.insert(wanted.end(), group.disks.begin(), group.disks.end());
    require_free(context, wanted);
    const auto key = key_of(context, operation);
    try {
        zpool(context, host::zpool_create(operation, key));
    } catch (const Error&) {
        if (key.file && !may_be_imported(context, operation.pool))
            ::unlink(key.file->str().c_str()); // nothing was closed with it
        throw;
    }
    return {};
}

BHYPE_PERFORM(PoolImport) {
    for (const auto& pool : imported(context)) {
        if (pool.guid == operation.guid.str() && pool.name == operation.pool)
            return {};
        if (pool.name == operation.pool)
            throw Error(Code::pool_exists, pool.name.str());
    }
    const auto import = host::zpool_import(operation);
    host::expect_import(import, context.command(import));
    return {};
}

BHYPE_PERFORM(PoolExport) {
    if (holds_vms_of_this_host(context, operation.pool))
        throw Error(Code::policy, operation.pool.str() + " holds bHype's VMs");
    context.house.looks.release(operation.pool.str());
    if (is_imported(context, operation.pool))
        zpool(context, host::zpool_export(operation.pool));
    return {};
}

BHYPE_PERFORM(PoolScrub) {
    const auto scrub = host::zpool_scrub(operation);
    host::expect_scrub(scrub, context.command(scrub));
    return {};
}

BHYPE_PERFORM(PoolTrim) {
    const auto trim = host::zpool_trim(operation);
    host::expect_trim(trim, context.command(trim));
    return {};
}

BHYPE_PERFORM(PoolClear) {
    if (operation.device)
        device_of(vdevs_of(context, operation.pool), operation.pool, *operation.device);
    zpool(context, host::zpool_clear(operation));
    return {};
}

BHYPE_PERFORM(PoolAdd) {
    const auto add = host::zpool_add(operation);
    const auto vdevs = vdevs_of(context, operation.pool);
    const auto there = [&](const DiskName& disk) {
        const auto* found = host::find_device(vdevs, disk.str());
        return found && found->role == operation.group.role;
    };
    if (std::ranges::all_of(operation.group.disks, there))
        return {};
    require_free(context, operation.group.disks);
    zpool(context, add);
    return {};
}

BHYPE_PERFORM(DiskWipe) {
    const auto disks = list_disks(context);
    const auto disk = std::ranges::find(disks, operation.disk, &host::Disk::name);
    if (disk == disks.end())
        throw Error(Code::policy, operation.disk.str() + " is no disk of this host");
    if (disk->used_by.empty())
        return {};
    if (!disk->used_by.starts_with(host::exported))
        throw Error(Code::disk_in_use, disk->name.str() + ": " + disk->used_by);
    zpool(context, host::zpool_labelclear(operation.disk));
    return {};
}

BHYPE_PERFORM(DevicePut) {
    const auto vdevs = vdevs_of(context, operation.pool);
    const auto old = host::find_device(vdevs, operation.device.str());
    const auto there = std::ranges::find(vdevs, operation.disk.str(), &host::Vdev::name);
    const bool in_place = there != vdevs.end() && old == &*there && there->state != "ONLINE";
    if (there != vdevs.end() && !in_place)
        return {};
    device_of(vdevs, operation.pool, operation.device);
    require_free(context, {operation.disk}, in_place ? operation.disk.str() : std::string());
    zpool(context, host::zpool_put(operation));
    return {};
}

BHYPE_PERFORM(DeviceChange) {
    const auto vdevs = vdevs_of(context, operation.pool);
    const bool leaves =
        operation.action == host::DeviceAction::detach || operation.action == host::DeviceAction::remove;
    if (leaves && !host::find_device(vdevs, operation.device.str()))
        return {};
    device_of(vdevs, operation.pool, operation.device);
    zpool(context, host::zpool_change(operation));
    return {};
}

} // namespace bhype::hostd
