#pragma once

#include "task/board.h"
#include "task/pace.h"

namespace bhype::task {

/// What all running tasks share. References live as long as the tasks do.
struct Workshop {
    Journal& journal;
    Board& board;
    wire::Host& host;
    const Pace& pace;
};

/// One attempt at running or cleaning up a task.
class RunningWork : public Work {
  public:
    using Clock = std::chrono::steady_clock;

    /// `cleaning`: cancelling does not end it, and nothing that it does commits.
    RunningWork(const Workshop& shop, Live& live, bool cleaning);

    const TaskId& id() const override { return live_.task.id; }
    bool committed() const override { return committed_before_; }
    void progress(std::optional<double> fraction, std::string_view message) override;
    void check_cancelled() override;
    bool wait_until(const std::function<bool()>& ready, std::chrono::milliseconds longest) override;

    /// True when it was told that bhyped ends: whatever run or clean then did, it has not ended.
    bool abandoned() const { return abandoned_; }
    /// Waits until hostd performs no operation of this task any more; a hostd that is away is waited for, at
    /// most `longest`. Throws Error(hostd_away), Error(cancelled) as step() does.
    void drain(std::optional<Clock::duration> longest);
    /// True when giving up harms nobody: nothing has reached the host, or cleaning up follows.
    bool nothing_to_lose() const;

  private:
    json::value perform(std::string_view title, std::string_view operation, const json::value& arguments,
                        std::chrono::seconds deadline, bool commits) override;
    wire::Answer send(Step& step, const json::value& arguments, std::chrono::seconds deadline);
    void failed(Step& step, const Error& error, bool commits);
    void finish(Step& step, StepState state, std::string error);
    /// Commits when `wanted`; `record` writes it to the journal.
    void commit(bool wanted, const std::function<void(bool first)>& record);
    void uncommit();
    void pause(std::chrono::milliseconds time);
    void say(std::string_view message);

    Workshop shop_;
    Live& live_;
    const bool cleaning_;
    const bool committed_before_;
    bool abandoned_ = false;
    bool first_commit_ = false;      ///< the present step is the one that commits
    std::optional<double> fraction_; ///< as the kind said it
};

} // namespace bhype::task
