#include "protect/plan.h"

#include "host/zfs_snapshot.h"
#include "task/local_time.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <ctime>

namespace bhype::protect {

namespace {

/// kern.argmax is 512 KiB on amd64 (sys/amd64/include: ARG_MAX), the environment included.
constexpr std::size_t longest_arguments = 400 << 10;
} // namespace

Plans::Plans(Keep keep) : keep_(std::move(keep)), plans_(keep_.load()), states_(keep_.load_states()) {}

std::vector<Plan> Plans::list() const {
    const std::lock_guard lock(mutex_);
    std::vector<Plan> all;
    for (const auto& [name, plan] : plans_)
        all.push_back(plan);
    return all;
}

std::optional<Plan> Plans::find(const PlanName& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = plans_.find(name.str());
    return found == plans_.end() ? std::nullopt : std::optional(found->second);
}

PlanState Plans::state(const PlanName& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = states_.find(name.str());
    return found == states_.end() ? PlanState() : found->second;
}

void Plans::put(const Plan& plan, std::int64_t now) {
    const auto before = find(plan.name);
    if (!before || before->schedule != plan.schedule || before->enabled != plan.enabled)
        set_due(plan.name, now);
    keep_.save(plan);
    const std::lock_guard lock(mutex_);
    plans_.insert_or_assign(plan.name.str(), plan);
}

void Plans::change(const PlanName& name, const std::function<void(PlanState&)>& how) {
    const std::lock_guard lock(mutex_);
    auto& state = states_[name.str()];
    how(state);
    keep_.save_state(name, state);
}

void Plans::set_due(const PlanName& name, std::int64_t due) {
    change(name, [&](PlanState& state) { state.due = due; });
}

void Plans::set_task(const PlanName& name, const TaskId& task) {
    change(name, [&](PlanState& state) { state.task = task; });
}

void Plans::remove(const PlanName& name) {
    keep_.remove(name);
    const std::lock_guard lock(mutex_);
    plans_.erase(name.str());
    states_.erase(name.str());
}

PlanView Plans::view(const Plan& plan, std::int64_t now) const {
    PlanView shown;
    static_cast<Plan&>(shown) = plan;
    shown.zone = task::local_text(now, "%Z");
    if (plan.enabled)
        shown.next = task::Cron::parse(plan.schedule).next(now, 5);
    shown.last_task = state(plan.name).task;
    return shown;
}

std::vector<vm::Record> chosen(const Plan& plan, std::vector<vm::Record> all, const MayChange& may_change) {
    std::erase_if(all, [&](const vm::Record& record) {
        return !(plan.all || std::ranges::count(plan.vms, record.name) > 0 ||
                 std::ranges::find_first_of(plan.tags, record.machine.tags) != plan.tags.end()) ||
               !may_change(plan.owner, record);
    });
    return all;
}

Note mark_of(const PlanName& name) {
    return Note::from("plan " + name.str());
}

SnapshotLabel label_of(const PlanName& name, std::int64_t moment) {
    return SnapshotLabel::from(
        fmt::format("{}-{:%Y%m%dT%H%M%SZ}", name.str(), fmt::gmtime(static_cast<std::time_t>(moment))));
}

namespace {

/// The moment that a plan's label tells: the host's clock may have been another when zfs made it.
std::int64_t moment_of(const PlanName& name, const VmSnapshot& snapshot) {
    const auto& label = snapshot.name;
    const auto prefix = name.str() + '-';
    std::tm parts{};
    const auto* end = label.starts_with(prefix)
                          ? ::strptime(label.c_str() + prefix.size(), "%Y%m%dT%H%M%SZ", &parts)
                          : nullptr;
    return end && *end == '\0' ? static_cast<std::int64_t>(::timegm(&parts)) : snapshot.created;
}

} // namespace

std::vector<Dated> made_by(const PlanName& name, const std::vector<VmSnapshot>& snapshots) {
    std::vector<Dated> found;
    for (const auto& one : snapshots)
        if (one.made_by == mark_of(name).str() && SnapshotLabel::accepts(one.name))
            found.push_back({one.name, moment_of(name, one), one.held || !one.clones.empty()});
    return found;
}

std::vector<SnapshotLabel> expired(const Plan& plan, const std::vector<VmSnapshot>& snapshots) {
    std::vector<SnapshotLabel> labels;
    for (const auto& one : judge(made_by(plan.name, snapshots), plan.retention))
        if (one.kept_by.empty())
            labels.push_back(SnapshotLabel::from(one.name));
    std::ranges::reverse(labels);
    return labels;
}

DatasetName all_vms(const vm::Record& record) {
    const auto& dataset = record.dataset.str();
    return DatasetName::from(dataset.substr(0, dataset.rfind('/')));
}

std::map<std::string, std::vector<host::Snapshot>> by_vm(const std::vector<host::Snapshot>& all) {
    std::map<std::string, std::vector<host::Snapshot>> found;
    for (const auto& one : all) {
        // POOL/bhype/vm/NAME, or what is below it.
        std::size_t end = 0;
        for (int slashes = 0; slashes < 4 && end != std::string::npos; ++slashes)
            end = one.dataset.find('/', end == 0 ? 0 : end + 1);
        found[one.dataset.substr(0, end)].push_back(one);
    }
    return found;
}

std::vector<Batch> batches(const std::vector<vm::Record>& records, std::size_t label_length) {
    std::vector<Batch> all;
    std::size_t arguments = 0;
    std::size_t property = 0;
    for (const auto& record : records) {
        const bool live = vm::is_live(record.guest.state);
        // The text, its end, and the pointer to it.
        const auto argument = record.dataset.str().size() + 1 + label_length + 1 + sizeof(char*);
        const auto listed = live ? record.name.str().size() + 1 : 0;
        if (all.empty() || arguments + argument > longest_arguments ||
            property + listed > host::longest_property) {
            all.emplace_back();
            arguments = 0;
            property = 0;
        }
        arguments += argument;
        property += listed;
        all.back().datasets.push_back(record.dataset);
        if (live)
            all.back().live.push_back(record.name);
    }
    return all;
}

} // namespace bhype::protect
