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

} // namespace

Rights rights_of(const Record& record, const access::Caller& caller) {
    return {access::may_use(caller, record.ownership) && caller.may(access::Privilege::use),
            access::may_change(caller, record.ownership) && caller.may(access::Privilege::make)};
}

Vm show(const Record& record, Rights rights, const std::optional<TaskId>& task) {
    const auto& machine = record.machine;
    const bool live = is_live(record.guest.state);
    Vm vm{.name = record.name,
          .state = record.guest.state,
          .reason = record.guest.reason,
          .last_lines = record.guest.last_lines,
          .since = record.guest.since,
          .started = live ? record.guest.started : 0,
          .reboots = live ? record.guest.reboots : 0,
          .owner = record.ownership.owner,
          .group = record.ownership.group,
          .note = machine.note,
          .tags = machine.tags,
          .template_ = machine.created_from,
          .cpus = machine.cpus,
          .memory = machine.memory,
          .disks = {},
          .nics = {},
          .cds = machine.cds,
          .screen = machine.screen,
          .id = machine.id,
          .generation = machine.generation,
          .running_generation = live ? record.guest.generation : 0,
          .pending_restart = {},
          .actions = {},
          .task = task,
          .dataset = record.dataset};
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
        Nic shown{nic.name, nic.slot, nic.kind, nic.mac, nic.switch_, {}, {}, {}, nic.address};
        if (const auto tap = record.taps.find(nic.name.str()); tap != record.taps.end())
            shown.tap = tap->second;
        if (const auto address = record.addresses.find(nic.name.str()); address != record.addresses.end())
            shown.address = address->second;
        if (const auto more = record.inet6.find(nic.name.str()); more != record.inet6.end())
            shown.inet6 = more->second;
        vm.nics.push_back(std::move(shown));
    }
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
        return vm;
    }
    if (rights.use && !live && record.broken.empty())
        vm.actions.push_back(Action::start);
    if (rights.use && live)
        vm.actions.insert(vm.actions.end(), {Action::stop, Action::kill, Action::reset, Action::console});
    if (rights.change && record.broken.empty())
        vm.actions.push_back(Action::edit);
    if (rights.change && !live)
        vm.actions.push_back(Action::delete_);
    return vm;
}

VmSummary summary(Vm vm) {
    VmSummary found{.name = std::move(vm.name),
                    .state = vm.state,
                    .reason = std::move(vm.reason),
                    .started = vm.started,
                    .owner = std::move(vm.owner),
                    .group = std::move(vm.group),
                    .note = std::move(vm.note),
                    .tags = std::move(vm.tags),
                    .template_ = std::move(vm.template_),
                    .cpus = vm.cpus,
                    .memory = vm.memory,
                    .nics = {},
                    .pending_restart = std::move(vm.pending_restart),
                    .actions = std::move(vm.actions),
                    .task = std::move(vm.task),
                    .definition_error = std::move(vm.definition_error)};
    for (auto& nic : vm.nics)
        found.nics.push_back({std::move(nic.name), std::move(nic.mac), std::move(nic.switch_),
                              std::move(nic.tap), std::move(nic.address)});
    return found;
}

} // namespace bhype::vm
