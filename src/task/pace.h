#pragma once

#include <chrono>
#include <cstdint>

namespace bhype::task {

/// Times and numbers of the task room. Tests make them small.
struct Pace {
    using Milliseconds = std::chrono::milliseconds;

    /// How long a task that has nothing to lose waits for hostd.
    Milliseconds hostd_patience{60'000};
    /// Between two looks whether hostd is back, or whether its operation has ended.
    Milliseconds probe{250};
    /// Between two looks of Work::wait_until.
    Milliseconds poll{100};
    /// Before the second attempt of what must not be left undone; doubles up to the longest.
    Milliseconds first_pause{1'000};
    Milliseconds longest_pause{30'000};
    /// Attempts at cleaning up, or at going forward after a commit, before a person is asked.
    int attempts = 6;
    /// A step that takes longer shows its commands as they end; others show them with their own end.
    Milliseconds show_after{1'000};
    /// Listeners hear of a task's progress once in this time.
    Milliseconds announce_gap{250};
    /// Ended tasks that are kept, the newest ones, and those that an Idempotency-Key still names.
    std::int64_t kept_tasks = 10'000;
    /// How long an Idempotency-Key is remembered.
    Milliseconds key_age = std::chrono::hours(24);
    /// Between two removals of what is older.
    Milliseconds prune_gap = std::chrono::minutes(10);
};

} // namespace bhype::task
