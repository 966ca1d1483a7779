#include "protect/tasks.h"

#include <algorithm>

namespace bhype::protect {

namespace {

using task::Work;

struct Context {
    vm::Inventory& inventory;
    network::Switches& switches;
};

vm::Record find(Context& context, const VmName& name) {
    auto record = context.inventory.find(name);
    if (!record)
        throw Error(Code::not_found, "there is no VM " + name.str());
    return *record;
}

std::vector<VmSnapshot> look(Work& work, const vm::Record& record) {
    return group(work.step("Look at the snapshots", host::SnapshotList{record.dataset}), record);
}

const VmSnapshot* named(const std::vector<VmSnapshot>& all, const SnapshotLabel& label) {
    const auto found = std::ranges::find(all, label.str(), &VmSnapshot::name);
    return found == all.end() ? nullptr : &*found;
}

json::value told(const VmName& vm, const SnapshotLabel& label) {
    return json::object{{"vm", vm.str()}, {"snapshot", label.str()}};
}

/// zfs makes all of them or none, so making it is the commit: what a killed task has made stays.
json::value take(Work& work, Context& context, const TakeInput& input) {
    const auto record = find(context, input.vm);
    const auto all = look(work, record);
    if (const auto* present = named(all, input.label)) {
        if (!work.committed() || present->made_by != input.made_by.str())
            throw Error(Code::snapshot_exists, input.vm.str() + '@' + input.label.str());
        return told(input.vm, input.label);
    }
    const bool live = vm::is_live(record.guest.state);
    work.commit("Snapshot the definition and all disks at once",
                host::GuestSnapshot{{record.dataset},
                                    input.label,
                                    input.made_by,
                                    live ? std::vector{record.name} : std::vector<VmName>{},
                                    input.note});
    context.inventory.touch(input.vm);
    return told(input.vm, input.label);
}

json::value edit(Work& work, Context& context, const EditInput& input) {
    const auto record = find(context, input.vm);
    if (input.note)
        work.commit("Write the note", host::SnapshotNote{record.dataset, input.label, *input.note});
    if (input.held)
        work.commit(*input.held ? "Hold it" : "Release it",
                    host::SnapshotHold{record.dataset, input.label, *input.held});
    context.inventory.touch(input.vm);
    return told(input.vm, input.label);
}

json::value destroy(Work& work, Context& context, const DeleteInput& input) {
    const auto record = find(context, input.vm);
    if (!work.committed()) {
        const auto all = look(work, record);
        std::vector<VmSnapshot> wanted;
        for (const auto& label : input.labels)
            if (const auto* one = named(all, label))
                wanted.push_back(*one);
        refuse(obstacles(wanted));
    }
    work.commit("Destroy the snapshots", host::SnapshotDestroy{record.dataset, input.labels, true});
    context.inventory.refresh(input.vm);
    context.inventory.touch(input.vm);
    return json::object{{"vm", input.vm.str()}, {"destroyed", input.labels.size()}};
}

/// Written once: a second attempt finds it.
void restore(Work& work, Context& context, const RollbackInput& input) {
    context.inventory.refresh(input.vm);
    const auto record = find(context, input.vm);
    auto machine = *input.definition;
    machine.generation = record.machine.generation;
    if (encode(machine) == encode(record.machine))
        return;
    machine.generation = record.machine.generation + 1;
    work.commit("Write the definition of then",
                host::DefinitionWrite{record.dataset, machine, record.machine.generation});
    context.inventory.refresh(input.vm);
    work.step("Tell DHCP its names and addresses", context.switches.dhcp());
}

json::value roll_back(Work& work, Context& context, const RollbackInput& input) {
    const auto record = find(context, input.vm);
    if (vm::is_live(record.guest.state))
        throw Error(Code::vm_running, input.vm.str() + " is running");
    const auto all = look(work, record);
    const auto* to = named(all, input.label);
    if (!to || !to->definition)
        throw Error(Code::not_found, input.vm.str() + " has no snapshot " + input.label.str());
    const auto newer = newer_than(all, *to);
    refuse(obstacles(newer));
    for (const auto& disk : to->disks)
        work.commit("Put " + disk + " back",
                    host::VolumeRollback{DatasetName::from(record.dataset.str() + '/' + disk), input.label});
    std::vector<SnapshotLabel> labels;
    for (const auto& one : newer)
        labels.push_back(SnapshotLabel::from(one.name));
    if (!labels.empty())
        work.commit("Destroy what is left of newer snapshots",
                    host::SnapshotDestroy{record.dataset, labels, true});
    work.commit("Put the firmware's variables back", host::FirmwareRestore{record.dataset, input.label});
    if (input.definition)
        restore(work, context, input);
    context.inventory.refresh(input.vm);
    context.inventory.touch(input.vm);
    return told(input.vm, input.label);
}

template <class Input>
void nothing_to_clean(Work&, Context& context, const Input& input) {
    context.inventory.refresh(input.vm);
}

} // namespace

void add_tasks(task::Tasks& tasks, vm::Inventory& inventory, vm::Keeper& keeper,
               network::Switches& switches) {
    const auto context = std::shared_ptr<Context>(new Context{inventory, switches});
    const auto add = [&]<class Input>(const char* kind, json::value (*run)(Work&, Context&, const Input&)) {
        tasks.add({kind,
                   [context, &keeper, run](Work& work, const json::value& json) {
                       const auto input = decode<Input>(json);
                       const vm::Keeper::Claim claim(keeper, input.vm);
                       return run(work, *context, input);
                   },
                   [context](Work& work, const json::value& json) {
                       nothing_to_clean(work, *context, decode<Input>(json));
                   }});
    };
    add("snapshot.create", take);
    add("snapshot.edit", edit);
    add("snapshot.delete", destroy);
    add("vm.rollback", roll_back);
}

} // namespace bhype::protect
