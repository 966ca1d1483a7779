#pragma once

// Plans: snapshots of VMs at set times, and how long they stay.

#include "protect/retention.h"
#include "protect/snapshot.h"
#include "task/cron.h"

#include <functional>
#include <mutex>

namespace bhype::protect {

struct PlanSettings {
    std::string schedule; ///< crontab(5)'s five fields, in the host's time zone
    Retention retention;
    bool all = false;        ///< of every VM, also of later ones; administrators only
    std::vector<Tag> tags;   ///< else of those that have one of these, also later
    std::vector<VmName> vms; ///< and of these
    bool enabled = true;
    Note note;
    static constexpr bool defaults_apply = true;
};
BOOST_DESCRIBE_STRUCT(PlanSettings, (), (schedule, retention, all, tags, vms, enabled, note))

/// As it is kept.
struct Plan : PlanSettings {
    PlanName name;
    UserName owner; ///< it snapshots what this user may change
};
BOOST_DESCRIBE_STRUCT(Plan, (PlanSettings), (name, owner))

struct PlanState {
    std::int64_t due = 0; ///< the last time that was taken care of, epoch seconds; at first when it was made
    std::optional<TaskId> task; ///< the last run's
};
BOOST_DESCRIBE_STRUCT(PlanState, (), (due, task))

/// As the API shows it.
struct PlanView : Plan {
    std::vector<std::int64_t> next; ///< the next five times, epoch seconds; none when it is not enabled
    std::string zone;               ///< of the schedule: "CET"
    std::optional<TaskId> last_task;
};
BOOST_DESCRIBE_STRUCT(PlanView, (Plan), (next, zone, last_task))

struct CreatePlan {
    PlanName name;
    std::string schedule;
    std::optional<Retention> retention; ///< everything stays when missing
    bool all = false;
    std::vector<Tag> tags;
    std::vector<VmName> vms;
    std::optional<bool> enabled; ///< yes when missing
    std::optional<Note> note;
    bool plan = false; ///< tell its next times, do nothing
    static constexpr bool defaults_apply = true;
};
BOOST_DESCRIBE_STRUCT(CreatePlan, (), (name, schedule, retention, all, tags, vms, enabled, note, plan))

struct EditPlan {
    std::optional<std::string> schedule;
    std::optional<Retention> retention; ///< the whole
    std::optional<bool> all;
    std::optional<std::vector<Tag>> tags;
    std::optional<std::vector<VmName>> vms;
    std::optional<bool> enabled;
    std::optional<Note> note;
    bool plan = false; ///< tell its next times, do nothing
    static constexpr bool defaults_apply = true;
};
BOOST_DESCRIBE_STRUCT(EditPlan, (), (schedule, retention, all, tags, vms, enabled, note, plan))

/// What a plan's retention makes of a VM's snapshots, as they are now.
struct PlanPreview {
    VmName vm;
    std::vector<Verdict> snapshots; ///< newest first
};
BOOST_DESCRIBE_STRUCT(PlanPreview, (), (vm, snapshots))
BOOST_DESCRIBE_STRUCT(Verdict, (), (name, at, kept_by))

/// Kept in the database. Safe to call from several threads.
class Plans {
  public:
    struct Keep {
        std::function<std::map<std::string, Plan>()> load;
        std::function<void(const Plan&)> save;
        std::function<void(const PlanName&)> remove;
        std::function<std::map<std::string, PlanState>()> load_states;
        std::function<void(const PlanName&, const PlanState&)> save_state;
    };
    explicit Plans(Keep keep);

    std::vector<Plan> list() const; ///< by name
    std::optional<Plan> find(const PlanName& name) const;
    PlanState state(const PlanName& name) const;
    /// A new one, or one with another schedule, begins now: times before it are not made up.
    void put(const Plan& plan, std::int64_t now);
    void set_due(const PlanName& name, std::int64_t due);
    void set_task(const PlanName& name, const TaskId& task);
    void remove(const PlanName& name);
    PlanView view(const Plan& plan, std::int64_t now) const;

  private:
    void change(const PlanName& name, const std::function<void(PlanState&)>& how);

    Keep keep_;
    mutable std::mutex mutex_;
    std::map<std::string, Plan> plans_;
    std::map<std::string, PlanState> states_;
};

using MayChange = std::function<bool(const UserName&, const vm::Record&)>;
/// The VMs that a plan is for and its owner may snapshot.
std::vector<vm::Record> chosen(const Plan& plan, std::vector<vm::Record> all, const MayChange& may_change);

/// "plan nightly": what its snapshots carry as bhype:made-by.
Note mark_of(const PlanName& name);
/// "nightly-20261127T030000Z"
SnapshotLabel label_of(const PlanName& name, std::int64_t moment);

/// Those of a VM that the plan made, as its retention sees them.
std::vector<Dated> made_by(const PlanName& name, const std::vector<VmSnapshot>& snapshots);
/// What goes: labels, oldest first.
std::vector<SnapshotLabel> expired(const Plan& plan, const std::vector<VmSnapshot>& snapshots);

/// POOL/bhype/vm, in which a VM lies.
DatasetName all_vms(const vm::Record& record);
/// Of one listing of POOL/bhype/vm, by VM's dataset.
std::map<std::string, std::vector<host::Snapshot>> by_vm(const std::vector<host::Snapshot>& all);

/// The datasets that one command takes: together with the label they stay below FreeBSD's limit for a
/// command's arguments, and the names of those that run below ZFS's for a property.
struct Batch {
    std::vector<DatasetName> datasets;
    std::vector<VmName> live;
};
std::vector<Batch> batches(const std::vector<vm::Record>& records, std::size_t label_length);

} // namespace bhype::protect
