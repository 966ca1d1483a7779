#include "vm/tasks.h"

#include "vm/promote.h"

#include <algorithm>
#include <set>

namespace bhype::vm {

namespace {

using task::Work;

struct Context {
    Inventory& inventory;
    network::Switches& switches;
    StartProblems start_problems;
    std::mutex admitting;
    std::mutex writing;
    std::set<std::string> images; ///< template disks that are being written
};

Record find(Context& context, const VmName& name) {
    auto record = context.inventory.find(name);
    if (!record)
        throw Error(Code::not_found, "there is no VM " + name.str());
    return *record;
}

/// One task writes a template's disk; the others that need it wait for it.
class Writing {
  public:
    Writing(Work& work, Context& context, const std::string& image) : context_(context), image_(image) {
        if (begin())
            return;
        waited_ = true;
        work.progress(std::nullopt, "waiting for another task, which writes the template's image");
        if (!work.wait_until([this] { return begin(); }, host::ImageWrite::deadline))
            throw Error(Code::busy, "another task is still writing the template's image");
    }
    ~Writing() {
        const std::lock_guard lock(context_.writing);
        context_.images.erase(image_);
    }
    Writing(const Writing&) = delete;
    Writing& operator=(const Writing&) = delete;
    bool waited() const { return waited_; }

  private:
    bool begin() {
        const std::lock_guard lock(context_.writing);
        return context_.images.insert(image_).second;
    }

    Context& context_;
    std::string image_;
    bool waited_ = false;
};

/// Makes the template's disk once; the next VMs are cloned from it.
void ensure_image(Work& work, Context& context, const CreateInput& input) {
    const auto wanted = below(input.pool, "template/" + *input.image_dataset);
    const auto present = [&] {
        return !work.step("Look for the template's disk", host::DatasetList{wanted, false}).empty();
    };
    if (present())
        return;
    const Writing alone(work, context, *input.image_dataset);
    if (alone.waited() && present())
        return;
    const auto aside = below(input.pool, ".new/" + work.id().str());
    const auto disk = DatasetName::from(aside.str() + "/disk0");
    work.step("Make a place for the template's disk", host::DatasetCreate{aside, {}});
    work.step("Make the template's volume", host::VolumeCreate{disk, input.image_size});
    work.progress(std::nullopt, "writing the template's image");
    work.step("Check the image and write it to the volume",
              host::ImageWrite{*input.image_file, *input.image_sha256, disk});
    work.step("Snapshot the template's disk", host::SnapshotCreate{disk, SnapshotLabel::from("template")});
    try {
        work.step("Put the template in its place", host::DatasetPublish{aside, wanted});
    } catch (const Error& error) {
        if (error.code() != Code::dataset_exists || !present())
            throw;
        work.step("Remove it: another task was first", host::AsideRemove{input.pool, work.id()});
    }
}

/// Looks again whether the host can take it: what was free when the start was asked for may have been given
/// to another since. One at a time, so that two cannot both count on the same memory.
std::unique_ptr<Inventory::Promise> admit(Context& context, const Record& record) {
    const std::lock_guard lock(context.admitting);
    check_definition(record);
    if (auto problems = context.start_problems(record.machine); !problems.empty())
        throw Error(Code::vm_refused, {}, std::move(problems));
    return std::make_unique<Inventory::Promise>(context.inventory, record.name, record.machine.memory.value);
}

void power_on(Work& work, Context& context, const Record& record) {
    const auto promise = admit(context, record);
    host::GuestStart operation{record.name, record.dataset, {}};
    for (const auto& nic : record.machine.nics) {
        const auto made = work.step("Connect " + nic.name.str() + " to switch " + nic.switch_.str(),
                                    context.switches.tap(record.name, nic.name, nic.switch_));
        operation.taps.push_back({nic.name, made.tap});
    }
    if (!record.machine.nics.empty())
        work.step("Tell DHCP its name and addresses", context.switches.dhcp());
    context.inventory.apply(work.step("Start bhyve", operation));
}

void clear_after_end(Work& work, const VmName& name) {
    work.step("Remove the kernel's VM object", host::GuestForget{name});
    work.step("Remove its taps", host::TapsRemove{name});
}

/// After a failed or broken start: nothing may be left of a guest that does not run.
void clear_unless_live(Work& work, Context& context, const VmName& name) {
    for (const auto& guest : work.step("Look at the guests", host::GuestList{})) {
        if (guest.vm != name)
            continue;
        context.inventory.apply(guest);
        if (is_live(guest.state))
            return;
    }
    clear_after_end(work, name);
}

/// Whether the task's own VM is in its place; what else has the name is somebody else's.
bool is_made(Context& context, const CreateInput& input) {
    context.inventory.refresh(input.name);
    const auto present = context.inventory.find(input.name);
    return present && present->machine.id == input.machine.id;
}

/// How the snapshot that a clone's task made is told from others of its name.
Note mark_of(const Work& work, const CreateInput& input) {
    return Note::from("clone " + input.name.str() + " " + work.id().str());
}

bool snapshot_is_ours(Work& work, const CreateInput& input) {
    const auto& origin = *input.origin;
    const auto all =
        work.step("Look at " + origin.vm.str() + "'s snapshots", host::SnapshotList{origin.dataset});
    return std::ranges::any_of(all, [&](const host::Snapshot& one) {
        return one.label == origin.label.str() && one.made_by == mark_of(work, input).str();
    });
}

void drop_snapshot(Work& work, const CreateInput& input) {
    if (input.origin && input.origin->take && snapshot_is_ours(work, input))
        work.commit("Destroy the snapshot that was made for it",
                    host::SnapshotDestroy{input.origin->dataset, {input.origin->label}, true});
}

void clean_create(Work& work, Context& context, const CreateInput& input) {
    work.step("Remove what was half made", host::AsideRemove{input.pool, work.id()});
    if (!is_made(context, input))
        drop_snapshot(work, input);
    if (is_made(context, input)) {
        context.inventory.set_ownership(input.name, {input.owner, input.group});
        clear_unless_live(work, context, input.name);
    }
}

void clone_disks(Work& work, const CreateInput& input, const DatasetName& building) {
    const auto& origin = *input.origin;
    if (origin.take)
        work.step("Snapshot " + origin.vm.str(),
                  host::GuestSnapshot{{origin.dataset},
                                      origin.label,
                                      mark_of(work, input),
                                      origin.live ? std::vector{origin.vm} : std::vector<VmName>{},
                                      Note::from("origin of " + input.name.str())});
    for (const auto& disk : input.machine.disks) {
        const auto from = DatasetName::from(origin.dataset.str() + '/' + disk.name.str());
        const auto to = DatasetName::from(building.str() + '/' + disk.name.str());
        if (origin.full)
            work.step("Copy " + disk.name.str(), host::VolumeCopy{from, origin.label, to});
        else
            work.step("Clone " + disk.name.str(), host::CloneCreate{from, origin.label, to});
    }
}

/// Makes it aside and puts it in its place whole.
void build(Work& work, Context& context, const CreateInput& input) {
    const auto building = below(input.pool, ".new/" + work.id().str());
    const auto disk = DatasetName::from(building.str() + "/disk0");
    const auto final = below(input.pool, "vm/" + input.name.str());
    if (input.image_dataset)
        ensure_image(work, context, input);
    work.progress(std::nullopt, "making the VM's datasets");
    work.step("Make the VM's dataset aside", host::DatasetCreate{building, input.machine.id});
    if (input.origin) {
        clone_disks(work, input, building);
    } else if (input.image_dataset) {
        const auto origin = below(input.pool, "template/" + *input.image_dataset + "/disk0");
        work.step("Clone the template's disk",
                  host::CloneCreate{origin, SnapshotLabel::from("template"), disk});
        if (input.disk > input.image_size)
            work.step("Grow the disk to " + input.disk.human(), host::VolumeGrow{disk, input.disk});
    } else {
        work.step("Make the disk", host::VolumeCreate{disk, input.disk});
    }
    host::FirmwareCopy firmware{building, {}};
    if (input.origin)
        firmware.from = host::SnapshotOf{input.origin->dataset, input.origin->label};
    work.step("Copy the firmware's variable store", firmware);
    work.step("Write the definition", host::DefinitionWrite{building, input.machine, 0});
    try {
        work.commit("Put the VM in its place", host::DatasetPublish{building, final});
    } catch (const Error& error) {
        if (is_made(context, input))
            return; // it was done all the same
        clean_create(work, context, input);
        throw task::Settled(error);
    }
}

json::value create(Work& work, Context& context, const CreateInput& input) {
    // Two requests for one name can be queued behind each other, and a dataset may have come from elsewhere.
    const bool made = is_made(context, input);
    if (!made && context.inventory.find(input.name))
        throw Error(Code::vm_name_taken, input.name.str() + " exists");
    if (!made && work.committed()) { // it never came to its place
        clean_create(work, context, input);
        throw task::Settled(Error(Code::interrupted, "it ended while the VM was put in its place"));
    }
    if (!made)
        build(work, context, input);
    context.inventory.set_ownership(input.name, {input.owner, input.group});
    if (input.origin && input.origin->full)
        drop_snapshot(work, input);
    context.inventory.refresh(input.name);
    if (input.origin)
        context.inventory.touch(input.origin->vm);
    if (input.start) {
        work.progress(std::nullopt, "starting");
        if (work.committed())
            clear_unless_live(work, context, input.name);
        const auto record = find(context, input.name);
        try {
            if (!is_live(record.guest.state))
                power_on(work, context, record);
        } catch (const Error& error) {
            clear_unless_live(work, context, input.name);
            throw task::Settled(error);
        }
    }
    return json::object{{"name", input.name.str()}};
}

json::value start(Work& work, Context& context, const NameInput& input) {
    const auto record = find(context, input.name);
    if (!is_live(record.guest.state))
        power_on(work, context, record);
    return json::object{{"name", input.name.str()}};
}

void clean_start(Work& work, Context& context, const NameInput& input) {
    clear_unless_live(work, context, input.name);
}

json::value stop(Work& work, Context& context, const NameInput& input) {
    const auto before = find(context, input.name);
    if (is_live(before.guest.state)) {
        const auto since = before.guest.started;
        context.inventory.apply(
            work.step("Press the power button", host::GuestStop{input.name, Ranged<0, 3600>(input.seconds)}));
        work.progress(std::nullopt, "waiting for the guest");
        const bool ended = work.wait_until(
            [&] {
                const auto record = context.inventory.find(input.name);
                return !record || record->guest.state != host::GuestState::stopping ||
                       record->guest.started != since;
            },
            std::chrono::seconds(input.seconds + 10));
        const auto after = context.inventory.find(input.name);
        if (!ended || (after && is_live(after->guest.state)))
            throw Error(Code::vm_deaf, input.name.str() + " did not react to the power button within " +
                                           std::to_string(input.seconds) + " s");
    }
    clear_after_end(work, input.name);
    return json::object{{"name", input.name.str()}};
}

/// Who gives up waiting has changed his mind: the guest is not to end a minute later.
void clean_stop(Work& work, Context& context, const NameInput& input) {
    const auto record = context.inventory.find(input.name);
    if (record && record->guest.state == host::GuestState::stopping)
        try {
            context.inventory.apply(
                work.step("Press the power button no more", host::GuestStop{input.name, 0}));
        } catch (const Error& error) {
            if (error.code() != Code::vm_not_running) // it has ended
                throw;
        }
    clear_unless_live(work, context, input.name);
}

json::value kill(Work& work, Context& context, const NameInput& input) {
    context.inventory.apply(work.commit("End bhyve", host::GuestKill{input.name}));
    clear_after_end(work, input.name);
    return json::object{{"name", input.name.str()}};
}

json::value reset(Work& work, Context& context, const NameInput& input) {
    // A second one would hit a guest that has booted since; whether the first one came, the guest tells.
    bool wanted = true;
    if (work.committed()) {
        wanted = false;
        for (const auto& guest : work.step("Look whether it was reset", host::GuestList{}))
            wanted =
                wanted || (guest.vm == input.name && is_live(guest.state) && guest.reboots <= input.reboots);
    }
    if (wanted)
        context.inventory.apply(work.commit("Reset the machine", host::GuestReset{input.name}));
    return json::object{{"name", input.name.str()}};
}

/// Whose snapshots its disks share: these tell of it.
void touch_origins(Context& context, const Record& record) {
    for (const auto& disk : record.disks)
        if (const auto origin = vm_of_dataset(disk.origin))
            context.inventory.touch(*origin);
}

json::value remove(Work& work, Context& context, const NameInput& input) {
    // A destroy that came half way leaves a dataset that is not mounted: the host tells, not the memory.
    context.inventory.refresh(input.name);
    if (const auto record = context.inventory.find(input.name)) {
        if (is_live(record->guest.state))
            throw Error(Code::vm_running, input.name.str() + " is running");
        clear_after_end(work, input.name);
        // zfs destroys one after the other: what is bound would leave half of it.
        if (!work.committed())
            if (const auto bound =
                    bound_snapshots(work.step("Look at its snapshots", host::SnapshotList{record->dataset}));
                !bound.empty())
                throw Error(Code::snapshot_in_use, bound);
        work.commit("Destroy " + record->dataset.str() + " and everything below it",
                    host::DatasetDestroy{record->dataset});
        touch_origins(context, *record);
    }
    context.inventory.forget(input.name);
    // Names and addresses that were kept for it are free for others at once.
    work.step("Tell DHCP its names and addresses", context.switches.dhcp());
    if (context.switches.forget_forwards(input.name))
        work.step("Load pf's rules", context.switches.firewall());
    return json::object{{"name", input.name.str()}};
}

/// Moves the taps of a running VM to the switches that its NICs have now. What a crash leaves undone here the
/// keeper does.
void connect(Work& work, Context& context, const Record& before, const host::Machine& machine) {
    for (const auto& nic : machine.nics) {
        const auto old = std::ranges::find(before.machine.nics, nic.name, &host::MachineNic::name);
        if (is_live(before.guest.state) && before.taps.contains(nic.name.str()) &&
            old != before.machine.nics.end() && old->switch_ != nic.switch_)
            work.step("Move " + nic.name.str() + " to switch " + nic.switch_.str(),
                      context.switches.tap(before.name, nic.name, nic.switch_));
    }
    work.step("Tell DHCP its names and addresses", context.switches.dhcp());
}

json::value edit(Work& work, Context& context, const EditInput& input) {
    // A new attempt may find it written already.
    context.inventory.refresh(input.name);
    const auto record = find(context, input.name);
    if (input.machine && encode(record.machine) != encode(*input.machine)) {
        work.commit("Write the definition",
                    host::DefinitionWrite{record.dataset, *input.machine, input.expected});
        context.inventory.refresh(input.name);
        if (encode(record.machine.nics) != encode(input.machine->nics))
            connect(work, context, record, *input.machine);
    }
    if (input.ownership)
        context.inventory.set_ownership(input.name, *input.ownership);
    return json::object{{"name", input.name.str()}};
}

void clean_edit(Work&, Context& context, const EditInput& input) {
    context.inventory.refresh(input.name);
}

json::value promote_disks(Work& work, Context& context, const NameInput& input) {
    return promote(work, context.inventory, input.name);
}

/// Each disk's promotion is whole by itself: those that were done stay. Whose disks they were cannot be seen
/// any more.
void clean_promote(Work&, Context& context, const NameInput&) {
    context.inventory.refresh();
}

} // namespace

void add_tasks(task::Tasks& tasks, Inventory& inventory, Keeper& keeper, network::Switches& switches,
               StartProblems start_problems) {
    const auto context =
        std::shared_ptr<Context>(new Context{inventory, switches, std::move(start_problems), {}, {}, {}});
    // Every input names its VM: while a task works on it, the keeper stays away.
    const auto add = [&]<class Input>(const char* kind, json::value (*run)(Work&, Context&, const Input&),
                                      void (*clean)(Work&, Context&, const Input&)) {
        tasks.add({kind,
                   [context, &keeper, run](Work& work, const json::value& json) {
                       const auto input = decode<Input>(json);
                       const Keeper::Claim claim(keeper, input.name);
                       return run(work, *context, input);
                   },
                   [context, &keeper, clean](Work& work, const json::value& json) {
                       const auto input = decode<Input>(json);
                       const Keeper::Claim claim(keeper, input.name);
                       clean(work, *context, input);
                   }});
    };
    add("vm.create", create, clean_create);
    add("vm.start", start, clean_start);
    add("vm.stop", stop, clean_stop);
    add("vm.kill", kill, clean_start);
    add("vm.reset", reset, clean_start);
    add("vm.delete", remove, clean_start);
    add("vm.edit", edit, clean_edit);
    add("vm.promote", promote_disks, clean_promote);
}

} // namespace bhype::vm
