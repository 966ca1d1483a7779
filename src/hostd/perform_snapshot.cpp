#include "hostd/context.h"

#include "host/look.h"
#include "host/zfs.h"
#include "host/zfs_snapshot.h"

namespace bhype::hostd {

namespace {

void of_a_vm(Context& context, const DatasetName& dataset) {
    context.require(a_vm(dataset).pool);
}

void some(const std::vector<SnapshotLabel>& labels) {
    if (labels.empty())
        throw Error(Code::invalid_field, {}, {{"labels", "at least one"}});
}

} // namespace

void not_while_running(Context& context, const Inside& where) {
    if (where.parts.size() < 2 || where.parts[0] != "vm")
        return;
    const auto vm = VmName::parse(where.parts[1]);
    if (vm && context.house.guests.alive(*vm))
        throw Error(Code::vm_running, vm->str());
}

BHYPE_PERFORM(SnapshotList) {
    const auto where = inside(operation.dataset);
    if (where.parts != std::vector<std::string>{"vm"})
        a_vm(operation.dataset);
    context.require(where.pool);
    const auto list = host::zfs_list_snapshots(operation.dataset);
    auto found = host::parse_zfs_snapshots(list, context.command(list));
    for (auto& snapshot : found) // they go when they are in the way
        std::erase_if(snapshot.clones, [](const std::string& clone) { return host::is_look(clone); });
    return found;
}

BHYPE_PERFORM(GuestSnapshot) {
    if (operation.datasets.empty())
        throw Error(Code::invalid_field, {}, {{"datasets", "at least one"}});
    const auto pool = a_vm(operation.datasets.front()).pool;
    for (const auto& dataset : operation.datasets)
        if (a_vm(dataset).pool != pool)
            throw Error(Code::policy, "one command snapshots one pool");
    context.require(pool);
    const auto snapshot = host::zfs_snapshot_guests(operation);
    host::expect_zfs(snapshot, context.command(snapshot));
    return {};
}

BHYPE_PERFORM(SnapshotReclaim) {
    some(operation.labels);
    of_a_vm(context, operation.dataset);
    context.house.looks.release(operation.dataset.str(), operation.labels);
    const auto ask = host::zfs_destroy_snapshots(operation.dataset, operation.labels, true, true);
    return {host::parse_reclaim(ask, context.command(ask))};
}

BHYPE_PERFORM(SnapshotDestroy) {
    some(operation.labels);
    of_a_vm(context, operation.dataset);
    context.house.looks.release(operation.dataset.str(), operation.labels);
    const auto destroy =
        host::zfs_destroy_snapshots(operation.dataset, operation.labels, operation.below, false);
    const auto output = context.command(destroy);
    if (!host::none_of_them(output))
        host::expect_zfs(destroy, output);
    return {};
}

BHYPE_PERFORM(SnapshotHold) {
    of_a_vm(context, operation.dataset);
    const auto hold = host::zfs_hold(operation.dataset, operation.label, operation.held);
    host::expect_hold(hold, context.command(hold));
    return {};
}

BHYPE_PERFORM(SnapshotNote) {
    of_a_vm(context, operation.dataset);
    const auto set = host::zfs_set_note(operation.dataset, operation.label, operation.note);
    host::expect_zfs(set, context.command(set));
    return {};
}

BHYPE_PERFORM(VolumeRollback) {
    const auto where = a_disk(operation.volume);
    context.require(where.pool);
    not_while_running(context, where);
    context.house.looks.release(operation.volume.str());
    const auto rollback = host::zfs_rollback(operation.volume, operation.label);
    host::expect_zfs(rollback, context.command(rollback));
    return {};
}

BHYPE_PERFORM(SnapshotDefinition) {
    of_a_vm(context, operation.dataset);
    return {context.house.tree.read_in_snapshot(operation.dataset, operation.label, "vm.toml", 1 << 20)};
}

} // namespace bhype::hostd
