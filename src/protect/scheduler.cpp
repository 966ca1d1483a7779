#include "protect/scheduler.h"

#include "base/log.h"

#include <algorithm>
#include <ctime>

namespace bhype::protect {

namespace {

using task::Work;

constexpr std::chrono::seconds period{2};

struct Context {
    Plans& plans;
    vm::Inventory& inventory;
    MayChange may_change;
    std::function<void()> require_room;
};

std::vector<vm::Record> records_of(const Context& context, const Plan& plan) {
    return chosen(plan, context.inventory.all(), context.may_change);
}

std::map<std::string, std::vector<host::Snapshot>> look(Work& work, const std::vector<vm::Record>& records) {
    return by_vm(work.step("Look at the snapshots of all VMs", host::SnapshotList{all_vms(records.front())}));
}

/// A run that was killed finds what it has made.
void take_once(Work& work, const Context& context, const RunInput& input, const Plan& plan) {
    auto records = records_of(context, plan);
    if (work.committed() && !records.empty()) {
        const auto present = look(work, records);
        std::erase_if(records, [&](const vm::Record& record) {
            const auto found = present.find(record.dataset.str());
            return found != present.end() &&
                   std::ranges::count(found->second, input.label.str(), &host::Snapshot::label) > 0;
        });
    }
    for (const auto& batch : batches(records, input.label.str().size()))
        work.commit("Snapshot " + std::to_string(batch.datasets.size()) + " VMs at once",
                    host::GuestSnapshot{batch.datasets, input.label, mark_of(plan.name), batch.live, Note()});
}

/// One VM that was deleted since the last look would fail all the others'.
void take(Work& work, const Context& context, const RunInput& input, const Plan& plan) {
    try {
        take_once(work, context, input, plan);
    } catch (const Error& error) {
        if (error.code() != Code::dataset_missing)
            throw;
        context.inventory.refresh();
        take_once(work, context, input, plan);
    }
}

std::size_t prune(Work& work, const Context& context, const Plan& plan) {
    const auto records = records_of(context, plan);
    // A list of all snapshots of the host takes its time.
    if (records.empty() || plan.retention == Retention())
        return 0;
    auto present = look(work, records);
    std::size_t destroyed = 0;
    for (const auto& record : records) {
        const auto labels = expired(plan, group(present[record.dataset.str()], record));
        if (labels.empty())
            continue;
        destroyed += labels.size();
        work.commit("Destroy what " + record.name.str() + " has too many of",
                    host::SnapshotDestroy{record.dataset, labels, true});
    }
    return destroyed;
}

json::value run(Work& work, Context& context, const RunInput& input) {
    const auto plan = context.plans.find(input.plan);
    if (!plan)
        return json::object{{"plan", input.plan.str()}}; // deleted since
    context.plans.set_task(input.plan, work.id());
    // What is too many goes also when there is no room for more.
    std::optional<Error> full;
    try {
        if (!work.committed())
            context.require_room();
        take(work, context, input, *plan);
    } catch (const Error& error) {
        if (error.code() != Code::below_floor)
            throw;
        full = error;
    }
    const auto destroyed = prune(work, context, *plan);
    if (full)
        throw task::Settled(*full);
    for (const auto& record : records_of(context, *plan))
        context.inventory.touch(record.name);
    return json::object{
        {"plan", input.plan.str()}, {"snapshot", input.label.str()}, {"destroyed", destroyed}};
}

} // namespace

Scheduler::Scheduler(task::Tasks& tasks, Plans& plans, Account account)
    : tasks_(tasks), plans_(plans), account_(std::move(account)) {}

Scheduler::~Scheduler() {
    stop();
}

void Scheduler::start() {
    thread_ = std::thread([this] {
        std::unique_lock lock(mutex_);
        while (!stopping_) {
            lock.unlock();
            look(std::time(nullptr));
            lock.lock();
            wake_.wait_for(lock, period, [this] { return stopping_; });
        }
    });
}

void Scheduler::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable())
        thread_.join();
}

void Scheduler::look(std::int64_t now) {
    for (const auto& plan : plans_.list()) {
        const auto state = plans_.state(plan.name);
        try {
            const auto due = plan.enabled ? task::Cron::parse(plan.schedule).next(state.due) : std::nullopt;
            if (!due || *due > now)
                continue;
            // The key: a bhyped that is killed here does not begin it twice.
            run(plan, now, "plan " + plan.name.str() + ' ' + std::to_string(*due));
        } catch (const Error& error) {
            log::error("plan {}: {}", plan.name.str(), error.what());
        }
        try {
            plans_.set_due(plan.name, now);
        } catch (const Error& error) {
            log::error("plan {}: {}", plan.name.str(), error.what());
        }
    }
}

TaskId Scheduler::run(const Plan& plan, std::int64_t now, const std::string& idempotency_key) {
    const auto account = account_(plan.owner);
    if (!account)
        throw Error(Code::policy,
                    plan.owner.str() + ", whose plan it is, is no account of this host any more");
    task::Submission submission;
    submission.kind = "plan.run";
    submission.object = plans_object;
    submission.title = "Run plan " + plan.name.str();
    submission.input = encode(RunInput{plan.name, label_of(plan.name, now)});
    submission.caller = *account;
    submission.idempotency_key = idempotency_key;
    submission.request = idempotency_key;
    return tasks_.submit(submission);
}

void add_plan_tasks(task::Tasks& tasks, Plans& plans, vm::Inventory& inventory, MayChange may_change,
                    std::function<void()> require_room) {
    const auto context = std::shared_ptr<Context>(
        new Context{plans, inventory, std::move(may_change), std::move(require_room)});
    tasks.add({"plan.run",
               [context](Work& work, const json::value& json) {
                   return run(work, *context, decode<RunInput>(json));
               },
               // The snapshots of one command are all there or none; those that are there stay.
               [](Work&, const json::value&) {}});
}

} // namespace bhype::protect
