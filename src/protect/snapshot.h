#pragma once

// Snapshots of VMs, as the API shows them, and the requests about them.

#include "vm/inventory.h"

namespace bhype::protect {

/// stopped: nothing was open. crash_consistent: the guest ran, so the disks are what a loss of power would
/// have left. unknown: bHype did not make it.
enum class Consistency { stopped, crash_consistent, unknown };
BOOST_DESCRIBE_ENUM(Consistency, stopped, crash_consistent, unknown)

/// All of one label below a VM's dataset.
struct VmSnapshot {
    std::string name; ///< others' may be no SnapshotLabel: bHype shows them and leaves them alone
    std::int64_t created = 0;
    std::string made_by; ///< "user dev1", "plan nightly"; empty when bHype did not make it
    std::string note;
    Consistency consistency = Consistency::unknown;
    ByteSize used;                   ///< that only this one holds
    ByteSize referenced;             ///< what its disks and definition hold
    bool held = false;               ///< cannot be destroyed
    bool definition = false;         ///< it holds the VM's definition
    std::vector<std::string> disks;  ///< that it holds
    std::vector<std::string> clones; ///< VMs or datasets that share its blocks
};
BOOST_DESCRIBE_STRUCT(VmSnapshot, (),
                      (name, created, made_by, note, consistency, used, referenced, held, definition, disks,
                       clones))

/// Newest first.
struct SnapshotPage {
    std::int64_t total = 0;
    ByteSize used; ///< of all: what destroying them one by one would at least give back
    std::vector<VmSnapshot> snapshots;
};
BOOST_DESCRIBE_STRUCT(SnapshotPage, (), (total, used, snapshots))

struct TakeSnapshot {
    std::optional<SnapshotLabel> name; ///< the present time in UTC when missing
    std::optional<Note> note;
};
BOOST_DESCRIBE_STRUCT(TakeSnapshot, (), (name, note))

struct EditSnapshot {
    std::optional<Note> note;
    std::optional<bool> held; ///< a held one is destroyed by nobody
};
BOOST_DESCRIBE_STRUCT(EditSnapshot, (), (note, held))

/// What a rollback does with the definition: today's stays, or the snapshot's comes back.
enum class DefinitionChoice { keep, restore };
BOOST_DESCRIBE_ENUM(DefinitionChoice, keep, restore)
struct RollBack {
    std::optional<DefinitionChoice> definition; ///< keep when missing
    bool plan = false;                          ///< tell what would be done, do nothing
};
BOOST_DESCRIBE_STRUCT(RollBack, (), (definition, plan))

/// One value that a definition had otherwise. Empty: it was, or is, not there.
struct Difference {
    std::string field; ///< "nics.net0.switch"
    std::string then;
    std::string now;
};
BOOST_DESCRIBE_STRUCT(Difference, (), (field, then, now))

struct SnapshotDefinition {
    std::string text; ///< vm.toml as it was
    std::vector<Difference> differences;
    std::optional<std::string> error; ///< why it could not be used today
};
BOOST_DESCRIBE_STRUCT(SnapshotDefinition, (), (text, differences, error))

/// What rolling back or deleting does.
struct SnapshotPlan {
    std::vector<std::string> steps;
    std::vector<std::string> destroys; ///< what is lost, newer snapshots included
    std::vector<std::string> keeps;
    std::vector<Difference> differences; ///< of the definition, when it comes back
    std::optional<ByteSize> frees;
    std::vector<std::string> problems; ///< what is in the way
};
BOOST_DESCRIBE_STRUCT(SnapshotPlan, (), (steps, destroys, keeps, differences, frees, problems))

/// By label, newest first.
std::vector<VmSnapshot> group(const std::vector<host::Snapshot>& all, const vm::Record& record);
/// "POOL/bhype/vm/web2/disk0" is "web2"; other datasets stay as they are.
std::string owner_of_clone(const std::string& dataset);

/// Field by field; the generation does not count.
std::vector<Difference> differences(const host::Machine& then, const host::Machine& now);

/// The labels that a rollback to `to` destroys, oldest first.
std::vector<VmSnapshot> newer_than(const std::vector<VmSnapshot>& newest_first, const VmSnapshot& to);

/// What is in the way of destroying these: holds and clones, each by name.
std::vector<std::string> obstacles(const std::vector<VmSnapshot>& snapshots);

/// Throws Error(snapshot_in_use) with all that is in the way, if anything is.
void refuse(const std::vector<std::string>& obstacles);

SnapshotPlan rollback_plan(const vm::Record& record, const std::vector<VmSnapshot>& newest_first,
                           const VmSnapshot& to, const std::optional<host::Machine>& definition);
SnapshotPlan delete_plan(const vm::Record& record, const std::vector<VmSnapshot>& wanted);

} // namespace bhype::protect
