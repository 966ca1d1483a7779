#include "vm/show.h"

namespace bhype::vm {

namespace {

/// What a guest sees of its NICs: the switch and the address change while it runs.
std::string hardware(std::vector<host::MachineNic> nics) {
    for (auto& nic : nics) {
        nic.switch_ = {};
        nic.address.reset();
    }
    return encode_text(nics);
}

/// What the caller may do, and what the record alone does not say.
void judge(VmFacts& vm, const Record& record, Rights rights, const std::optional<TaskId>& task) {
    const auto& machine = record.machine;
    const bool live = is_live(record.guest.state);
    if (!record.broken.empty()) {
        vm.definition_error = record.broken;
        if (!live) {
            vm.state = host::GuestState::failed;
            vm.reason = "its definition cannot be used: " + record.broken;
        }
    }
    if (live && record.guest.generation != machine.generation) {
        const auto& old = record.running;
        if (old.cpus != machine.cpus)
            vm.pending_restart.push_back("cpus");
        if (old.memory.value != machine.memory.value)
            vm.pending_restart.push_back("memory");
        if (encode(old.screen) != encode(machine.screen))
            vm.pending_restart.push_back("screen");
        if (encode(old.cds) != encode(machine.cds))
            vm.pending_restart.push_back("cd");
        if (hardware(old.nics) != hardware(machine.nics))
            vm.pending_restart.push_back("nics");
        // Started before this bhyped looked: which fields is not known.
        if (!knows_running(record, record.guest))
            vm.pending_restart = {"definition"};
    }
    if (task) { // whatever it does, looking and pulling the plug do not wait for it
        if (rights.use && live)
            vm.actions = {Action::kill, Action::console};
        return;
    }
    if (rights.use && !live && record.broken.empty())
        vm.actions.push_back(Action::start);
    if (rights.use && live)
        vm.actions.insert(vm.actions.end(), {Action::stop, Action::kill, Action::reset, Action::console});
    if (rights.change && record.broken.empty())
        vm.actions.push_back(Action::edit);
    if (rights.change && !live)
        vm.actions.push_back(Action::delete_);
}

void fill(VmFacts& vm, const Record& record, Rights rights, const std::optional<TaskId>& task) {
    const auto& machine = record.machine;
    vm.name = record.name;
    vm.state = record.guest.state;
    vm.reason = record.guest.reason;
    vm.started = is_live(record.guest.state) ? record.guest.started : 0;
    vm.owner = record.ownership.owner;
    vm.group = record.ownership.group;
    vm.note = machine.note;
    vm.tags = machine.tags;
    vm.template_ = machine.created_from;
    vm.cpus = machine.cpus;
    vm.memory = machine.memory;
    vm.task = task;
    judge(vm, record, rights, task);
}

void fill(NicSummary& shown, const Record& record, const host::MachineNic& nic) {
    shown.name = nic.name;
    shown.mac = nic.mac;
    shown.switch_ = nic.switch_;
    if (const auto tap = record.taps.find(nic.name.str()); tap != record.taps.end())
        shown.tap = tap->second;
    if (const auto address = record.addresses.find(nic.name.str()); address != record.addresses.end())
        shown.address = address->second;
}

} // namespace

Rights rights_of(const Record& record, const access::Caller& caller) {
    return {access::may_use(caller, record.ownership) && caller.may(access::Privilege::use),
            access::may_change(caller, record.ownership) && caller.may(access::Privilege::make)};
}

Vm show(const Record& record, Rights rights, const std::optional<TaskId>& task) {
    const auto& machine = record.machine;
    const bool live = is_live(record.guest.state);
    Vm vm;
    fill(vm, record, rights, task);
    vm.last_lines = record.guest.last_lines;
    vm.since = record.guest.since;
    vm.reboots = live ? record.guest.reboots : 0;
    vm.cds = machine.cds;
    vm.screen = machine.screen;
    vm.id = machine.id;
    vm.generation = machine.generation;
    vm.running_generation = live ? record.guest.generation : 0;
    vm.dataset = record.dataset;
    for (const auto& disk : machine.disks) {
        Disk shown{.name = disk.name, .slot = disk.slot, .kind = disk.kind, .serial = disk.serial};
        for (const auto& volume : record.disks)
            if (volume.name == record.dataset.str() + "/" + disk.name.str()) {
                shown.size = volume.volsize;
                shown.used = volume.used;
                if (volume.origin != "-")
                    shown.origin = volume.origin;
            }
        vm.disks.push_back(std::move(shown));
    }
    for (const auto& nic : machine.nics) {
        Nic shown;
        fill(shown, record, nic);
        shown.slot = nic.slot;
        shown.kind = nic.kind;
        if (const auto more = record.inet6.find(nic.name.str()); more != record.inet6.end())
            shown.inet6 = more->second;
        shown.fixed = nic.address;
        vm.nics.push_back(std::move(shown));
    }
    return vm;
}

VmSummary summary(const Record& record, Rights rights, const std::optional<TaskId>& task) {
    VmSummary vm;
    fill(vm, record, rights, task);
    for (const auto& nic : record.machine.nics)
        fill(vm.nics.emplace_back(), record, nic);
    return vm;
}

} // namespace bhype::vm
