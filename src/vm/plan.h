#pragma once

// From a request to what would be done: everything is looked at before anything is changed, and all problems
// are told at once.

#include "network/switches.h"
#include "vm/inventory.h"

namespace bhype::vm {

/// What the host offers, gathered for one decision.
struct Offer {
    host::HostFactsResult facts;
    host::Pool pool;
    ByteSize memory_of_running;
    std::vector<std::string> firmware_missing; ///< files of edk2-bhyve
    /// Why nothing may be started that writes: the pool's free room is below the floor.
    std::optional<std::string> too_full = std::nullopt;
};

/// Throws Error(below_floor).
void require_room(const Offer& offer);

/// What POOL/bhype/vm can still take: zfs's AVAIL, quotas counted. Throws Error(dataset_missing).
ByteSize available_to_vms(wire::Host& host, const PoolName& pool);

/// What a create finds on the host besides.
struct Ground {
    ByteSize available;       ///< available_to_vms()
    bool name_taken = false;  ///< there is a dataset of that name
    bool image_there = false; ///< the template's image was written before
};

/// What a VM is cloned from.
struct CloneOrigin {
    VmName vm;
    DatasetName dataset;
    SnapshotLabel label;
    bool take = false; ///< the task makes that snapshot first
    bool live = false; ///< it runs then
    bool full = false; ///< its blocks are copied; a snapshot that the task made goes when that is done
    static constexpr bool defaults_apply = true;
};
BOOST_DESCRIBE_STRUCT(CloneOrigin, (), (vm, dataset, label, take, live, full))

/// The journaled input of the task vm.create: all choices made, so that a second run does the same.
struct CreateInput {
    VmName name;
    PoolName pool;
    host::Machine machine;
    ByteSize disk;
    std::string owner;
    std::string group;
    std::optional<std::string> image_dataset; ///< name under POOL/bhype/template
    std::optional<HostPath> image_file;
    std::optional<Sha256> image_sha256;
    ByteSize image_size;
    bool start = false;
    std::optional<CloneOrigin> origin; ///< instead of a template
};
BOOST_DESCRIBE_STRUCT(CreateInput, (),
                      (name, pool, machine, disk, owner, group, image_dataset, image_file, image_sha256,
                       image_size, start, origin))

/// Problems with starting a machine on this host now: vCPUs, memory, switch, files.
std::vector<FieldProblem> start_problems(const host::Machine& machine, const Offer& offer,
                                         const network::Switches& switches);

struct CreateDecision {
    CreateInput input;
    std::vector<FieldProblem> problems;
    Code code = Code::vm_refused; ///< of the problems
    Plan plan;
};
/// Throws nothing for problems of the request: they are in the decision.
CreateDecision decide_create(const CreateVm& request, const templates::Template& template_,
                             const access::Caller& caller, const Offer& offer, const Ground& ground,
                             const network::Switches& switches);

/// Applies an edit to a definition. The generation grows by one.
/// CD images that are not there.
std::vector<FieldProblem> medium_problems(const host::Machine& machine);
host::Machine edited(const host::Machine& machine, const EditVm& edit);

/// What deleting would destroy, with sizes, and what stays.
/// `datasets`: the VM's and all below it, snapshots too, as the host has them now.
Plan delete_plan(const Record& record, const std::vector<host::Dataset>& datasets);
/// Whose "POOL/bhype/vm/web2/disk0" or a snapshot there is: web2. Nothing for other datasets.
std::optional<VmName> vm_of_dataset(std::string_view dataset);
/// What keeps a VM's snapshots from being destroyed, each with its reason, "; " between: holds and clones.
std::string bound_snapshots(const std::vector<host::Snapshot>& snapshots);
/// The VMs that are clones of its disks, with ", " between; empty when there are none.
std::string clones_of(const Record& record, const std::vector<Record>& all);
/// What no start of this machine could have on this host, whatever else runs.
std::vector<FieldProblem> never_fits(const host::Machine& machine, const Offer& offer);

} // namespace bhype::vm
