#include "vm/plan.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>

namespace bhype::vm {

namespace {

constexpr int first_disk_slot = 4;
constexpr int first_nic_slot = 10; ///< away from the disks, so that a new disk never moves a NIC
constexpr int first_cd_slot = 3;

std::optional<ByteSize> size_of(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode))
        return std::nullopt;
    return ByteSize(static_cast<std::uint64_t>(status.st_size));
}

ByteSize whole_mebibytes(ByteSize size) {
    return ByteSize((size.bytes() + (1 << 20) - 1) >> 20 << 20);
}

ByteSize free_memory(const Offer& offer) {
    // A guest's memory is taken page by page, so what running guests were promised counts, not what they use
    // yet.
    const auto promised = offer.memory_of_running.bytes();
    const auto usable = offer.facts.memory.bytes() - offer.facts.memory.bytes() / 20;
    return std::min(offer.facts.memory_free, ByteSize(usable > promised ? usable - promised : 0));
}

} // namespace

std::vector<FieldProblem> never_fits(const host::Machine& machine, const Offer& offer) {
    std::vector<FieldProblem> problems;
    const auto most_cpus = offer.facts.max_vcpus.value_or(offer.facts.cpus);
    if (machine.cpus > most_cpus)
        problems.push_back({"cpus", "is " + std::to_string(machine.cpus.value) +
                                        ", but this host allows at most " + std::to_string(most_cpus) +
                                        " (hw.vmm.maxcpu)"});
    if (machine.memory.value > offer.facts.memory)
        problems.push_back({"memory", "is " + machine.memory.value.human() + ", but this host has only " +
                                          offer.facts.memory.human()});
    return problems;
}

void require_room(const Offer& offer) {
    if (offer.too_full)
        throw Error(Code::below_floor, *offer.too_full);
}

std::vector<FieldProblem> start_problems(const host::Machine& machine, const Offer& offer,
                                         const network::Switches& switches) {
    auto problems = never_fits(machine, offer);
    if (offer.too_full)
        problems.push_back({"pool", *offer.too_full});
    const auto free = free_memory(offer);
    if (machine.memory.value <= offer.facts.memory && machine.memory.value > free)
        problems.push_back({"memory", "is " + machine.memory.value.human() + ", but only " + free.human() +
                                          " is free (the ARC and running guests counted)"});
    for (const auto& nic : machine.nics) {
        const auto wanted = switches.find(nic.switch_);
        if (!wanted)
            problems.push_back(
                {"switch", "there is no switch " + nic.switch_.str() + "; `bhype setup` makes nat"});
        else if (!switches.up(nic.switch_))
            problems.push_back(
                {"switch", network::bridge_of(*wanted).str() + ", the bridge of switch " + nic.switch_.str() +
                               ", is missing or down; bHype makes its own again within seconds, "
                               "or `bhype doctor` tells why it cannot"});
    }
    for (auto& problem : medium_problems(machine))
        problems.push_back(std::move(problem));
    if (machine.firmware == host::Firmware::uefi)
        for (const auto& file : offer.firmware_missing)
            problems.push_back({"firmware", file + " is not there: pkg install edk2-bhyve"});
    return problems;
}

std::vector<FieldProblem> medium_problems(const host::Machine& machine) {
    std::vector<FieldProblem> problems;
    for (const auto& cd : machine.cds)
        if (!size_of(cd.image.str()))
            problems.push_back({"cd", cd.image.str() + " is not there"});
    return problems;
}

CreateDecision decide_create(const CreateVm& request, const templates::Template& template_,
                             const access::Caller& caller, const Offer& offer, const Ground& ground,
                             const network::Switches& switches) {
    CreateDecision decision;
    auto& input = decision.input;
    auto& problems = decision.problems;
    auto& machine = input.machine;

    input.name = request.name;
    input.pool = offer.pool.name;
    input.owner = request.owner ? request.owner->str() : caller.user.str();
    input.group = request.group ? request.group->str() : "";
    input.start = request.start;
    if (request.owner && request.owner->str() != caller.user.str() &&
        !caller.may(access::Privilege::administer))
        problems.push_back({"owner", "only an administrator makes VMs for others"});

    machine.id = random_uuid();
    machine.created_from = template_.name.str();
    machine.note = request.note.value_or(Note());
    machine.tags = request.tags;
    std::ranges::move(host::tag_problems(machine.tags), std::back_inserter(problems));
    machine.cpus = request.cpus.value_or(Ranged<1, 1024>(template_.cpus));
    machine.memory = request.memory.value_or(SizeBetween<32, 16777216>(template_.memory));
    machine.clock = template_.clock;
    machine.firmware = template_.firmware;
    machine.tablet = template_.tablet;
    if (template_.screen)
        machine.screen = host::MachineScreen();
    if (machine.memory.value < template_.smallest_memory)
        problems.push_back(
            {"memory", "must be at least " + template_.smallest_memory.str() + " for " + template_.title});

    if (!template_.available)
        problems.push_back({"template", template_.why_not.value_or("cannot be used")});
    const auto media_size = template_.media ? size_of(template_.media->file.str()) : std::nullopt;
    if (template_.kind == templates::Kind::image && template_.available && media_size) {
        input.image_dataset = templates::image_dataset(template_);
        input.image_file = template_.media->file;
        input.image_sha256 = template_.media->sha256;
        input.image_size = whole_mebibytes(*media_size);
    }
    input.disk = request.disk ? request.disk->value : std::max(template_.disk, input.image_size);
    if (const auto least = std::max(template_.smallest_disk, input.image_size); input.disk < least)
        problems.push_back({"disk", "must be at least " + least.str() + " for " + template_.title});

    // A guest names its disk by the serial number, so it must not depend on the path (bhyve(8) derives it
    // from there).
    machine.disks.push_back({DeviceName::from("disk0"), host::free_slot(machine, first_disk_slot),
                             template_.disk_kind, "bh" + machine.id.str().substr(0, 8) + "d0"});
    if (template_.kind == templates::Kind::iso && template_.media)
        machine.cds.push_back(
            {DeviceName::from("cd0"), host::free_slot(machine, first_cd_slot), template_.media->file});
    machine.nics.push_back({DeviceName::from("net0"), host::free_slot(machine, first_nic_slot),
                            template_.nic_kind, random_mac(),
                            request.switch_.value_or(SwitchName::from("nat")), std::nullopt});

    const auto dataset = offer.pool.name.str() + "/bhype/vm/" + request.name.str();
    const auto problem_of = [&](Code code, FieldProblem problem) {
        decision.code = code;
        problems.push_back(std::move(problem));
    };
    if (ground.name_taken)
        problem_of(Code::vm_name_taken, {"name", request.name.str() + " exists (" + dataset + ")"});
    const auto space_now = input.image_dataset && !ground.image_there ? input.image_size : 1_MiB;
    if (ground.available < space_now)
        problem_of(Code::no_space,
                   {"disk", "needs " + space_now.human() + " now, but " + offer.pool.name.str() +
                                "/bhype/vm has only " + ground.available.human() + " available"});
    for (auto& problem : start_problems(machine, offer, switches))
        if (request.start || problem.field == "cpus" || problem.field == "switch" ||
            problem.field == "firmware" || problem.field == "pool" ||
            (problem.field == "memory" && machine.memory.value > offer.facts.memory))
            problems.push_back(std::move(problem));

    if (problems.size() > 1)
        decision.code = Code::vm_refused;

    auto& plan = decision.plan;
    if (input.image_dataset && !ground.image_there)
        plan.steps.push_back("write the template's image to " + offer.pool.name.str() + "/bhype/template/" +
                             *input.image_dataset + "/disk0, once");
    if (input.image_dataset)
        plan.steps.push_back("clone " + offer.pool.name.str() + "/bhype/template/" + *input.image_dataset +
                             "/disk0@template to " + dataset + "/disk0");
    else
        plan.steps.push_back("create volume " + dataset + "/disk0, " + input.disk.human() + ", sparse");
    plan.steps.push_back("copy the firmware's variable store to " + dataset);
    plan.steps.push_back("write " + dataset + "/vm.toml");
    if (request.start)
        plan.steps.push_back("start it on switch " + machine.nics.front().switch_.str());
    plan.space_now = space_now;
    plan.space_most = input.disk;
    const auto free = free_memory(offer);
    plan.memory_left =
        ByteSize(free > machine.memory.value ? free.bytes() - machine.memory.value.bytes() : 0);
    for (const auto& problem : problems)
        plan.problems.push_back(problem.field + ": " + problem.rule);
    return decision;
}

host::Machine edited(const host::Machine& machine, const EditVm& edit) {
    host::Machine result = machine;
    if (edit.cpus)
        result.cpus = *edit.cpus;
    if (edit.memory)
        result.memory = *edit.memory;
    if (edit.note)
        result.note = *edit.note;
    if (edit.tags)
        result.tags = *edit.tags;
    if (edit.screen)
        result.screen = *edit.screen;
    if (edit.cd) {
        const auto slot = result.cds.empty() ? host::free_slot(result, first_cd_slot) : result.cds[0].slot;
        result.cds.clear();
        if (!edit.cd->empty())
            result.cds.push_back({DeviceName::from("cd0"), slot, HostPath::from(edit.cd->str())});
    }
    result.generation = machine.generation + 1;
    return result;
}

ByteSize available_to_vms(wire::Host& host, const PoolName& pool) {
    const auto vms = host.call(host::DatasetList{below(pool, "vm"), false, false});
    if (vms.empty())
        throw Error(Code::dataset_missing, pool.str() + "/bhype/vm; `bhype setup` makes it");
    return vms.front().available;
}

std::optional<VmName> vm_of_dataset(std::string_view dataset) {
    constexpr std::string_view place = "/bhype/vm/";
    const auto at = dataset.find(place);
    if (at == dataset.npos)
        return std::nullopt;
    const auto name = dataset.substr(at + place.size());
    return VmName::parse(name.substr(0, name.find_first_of("/@")));
}

std::string bound_snapshots(const std::vector<host::Snapshot>& snapshots) {
    std::set<std::string> reasons;
    for (const auto& one : snapshots) {
        if (one.holds > 0)
            reasons.insert("snapshot " + one.label + " is held");
        for (const auto& clone : one.clones)
            reasons.insert(clone + " is a clone of snapshot " + one.label);
    }
    std::string text;
    for (const auto& reason : reasons)
        text += (text.empty() ? "" : "; ") + reason;
    return text;
}

std::string clones_of(const Record& record, const std::vector<Record>& all) {
    std::string names;
    for (const auto& other : all)
        for (const auto& disk : other.disks)
            if (disk.origin.starts_with(record.dataset.str() + '/')) {
                names += (names.empty() ? "" : ", ") + other.name.str();
                break;
            }
    return names;
}

Plan delete_plan(const Record& record, const std::vector<host::Dataset>& datasets) {
    Plan plan;
    for (const auto& dataset : datasets) {
        const auto used = dataset.used.human() + " used";
        const auto what = dataset.name == record.dataset.str()        ? "definition, firmware variables, log"
                          : dataset.type == host::DatasetType::volume ? dataset.volsize.human() + ", " + used
                          : dataset.type == host::DatasetType::snapshot ? "snapshot, " + used
                                                                        : "dataset, " + used;
        plan.destroys.push_back(dataset.name + " (" + what + ")");
        if (dataset.type == host::DatasetType::volume && dataset.origin != "-")
            plan.keeps.push_back(dataset.origin + " (the snapshot it was cloned from)");
    }
    for (const auto& cd : record.machine.cds)
        plan.keeps.push_back(cd.image.str() + " (install medium)");
    return plan;
}

} // namespace bhype::vm
