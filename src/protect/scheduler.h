#pragma once

// Runs plans when they are due: one task, plan.run, for each.

#include "protect/plan.h"
#include "task/task.h"

#include <condition_variable>
#include <thread>

namespace bhype::protect {

struct RunInput {
    PlanName plan;
    SnapshotLabel label;
};
BOOST_DESCRIBE_STRUCT(RunInput, (), (plan, label))

class Scheduler {
  public:
    /// Gives the account of a plan's owner; nothing when there is none any more.
    using Account = std::function<std::optional<access::Caller>(const UserName&)>;
    Scheduler(task::Tasks& tasks, Plans& plans, Account account);
    ~Scheduler();

    void start();
    void stop();
    /// Begins what is due at that moment; missed times are made up once. The thread does so every few
    /// seconds.
    void look(std::int64_t now);

  private:
    /// Throws Error(policy) when the plan's owner is no account of the host any more.
    TaskId run(const Plan& plan, std::int64_t now, const std::string& idempotency_key);

    task::Tasks& tasks_;
    Plans& plans_;
    Account account_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread thread_;
};

/// The object of all plans' tasks: one at a time, so that no guest has two.
inline constexpr const char* plans_object = "plans";

/// plan.run. `may_change`: whether a user may snapshot a VM.
/// `require_room` throws when the pool is too full for more snapshots.
void add_plan_tasks(task::Tasks& tasks, Plans& plans, vm::Inventory& inventory, MayChange may_change,
                    std::function<void()> require_room);

} // namespace bhype::protect
