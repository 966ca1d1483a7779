#pragma once

// The journal: all SQL of the task room. Everything throws Error(database).
//
// What a crash leaves is read from `phase` and `committed`:
//   queued                  nothing was done: it is queued again
//   running, not committed  cleaned up, then failed: interrupted
//   cancelling              the same for a task that somebody has cancelled
//   running, committed      run again, forward
//   cleaning                cleaned up again, then what `error` says
//   ended                   nothing is to be done

#include "store/database.h"
#include "task/task.h"

namespace bhype::task {

enum class Phase { queued, running, cancelling, cleaning, ended };
BOOST_DESCRIBE_ENUM(Phase, queued, running, cancelling, cleaning, ended)

class Journal {
  public:
    /// A task that has not ended.
    struct Open {
        std::int64_t seq = 0;
        Task task;
        Phase phase = Phase::queued;
        bool committed = false;
        json::value input;
        std::int64_t last_step = 0;
        std::string last_title; ///< of that step
    };

    explicit Journal(store::Database& database) : database_(database) {}

    struct Submitted {
        TaskId id;
        std::optional<std::int64_t> seq; ///< none: the key has made this task before
    };
    /// `task` as it is when queued. Throws Error(key_reused). A key older than `key_age` is forgotten.
    Submitted submit(const Task& task, const Submission& submission, std::chrono::milliseconds key_age);
    std::optional<TaskId> repeated(const UserName& user, std::string_view key, std::string_view request,
                                   std::chrono::milliseconds key_age) const;

    void cancelling(const TaskId& id);
    void ended(const Task& task);
    // Not waited for: durable before or with whatever is written next.
    void running(const Task& task);
    void cleaning(const TaskId& id, const json::value& error);

    /// Durable before the operation is sent. `commit`: the task is committed with it.
    void intent(const TaskId& id, const Step& step, const json::value& arguments, bool commit);
    /// What became of the step, or has so far; not waited for.
    void outcome(const TaskId& id, const Step& step);
    void set_committed(const TaskId& id, bool committed);

    std::optional<Task> find(const TaskId& id) const;
    std::vector<Task> list(std::string_view object, std::string_view user, std::size_t most) const;
    std::vector<Step> steps(const TaskId& id) const;
    std::vector<Open> open() const; ///< oldest first
    /// Nobody will hear any more what became of steps that an earlier life has begun.
    void lose_steps();

    /// Removes keys that are too old and all but the newest ended tasks; never one that a key still names.
    void prune(std::int64_t kept_tasks, std::chrono::milliseconds key_age);

  private:
    store::Database& database_;
};

/// Epoch milliseconds.
std::int64_t now();

} // namespace bhype::task
