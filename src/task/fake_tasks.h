#pragma once

// For tests of what runs as tasks: a task's steps go to the host at once, without a journal.

#include "task/task.h"

#include <map>

namespace bhype::task {

class FakeTasks : public Tasks {
  public:
    explicit FakeTasks(wire::Host& host) : host_(host) {}

    class FakeWork : public Work {
      public:
        FakeWork(wire::Host& host, bool committed)
            : host_(host), committed_(committed), committed_now_(committed) {}
        const TaskId& id() const override { return id_; }
        bool committed() const override { return committed_; }
        void progress(std::optional<double>, std::string_view) override {}
        void check_cancelled() override {}
        bool wait_until(const std::function<bool()>& ready, std::chrono::milliseconds) override {
            return ready();
        }
        bool committed_now() const { return committed_now_; }

      private:
        json::value perform(std::string_view, std::string_view operation, const json::value& arguments,
                            std::chrono::seconds deadline, bool commit) override {
            auto result = host_.perform(operation, arguments, deadline, {}).result;
            committed_now_ = committed_now_ || commit;
            return result;
        }
        wire::Host& host_;
        TaskId id_ = random_task_id();
        bool committed_;
        bool committed_now_;
    };

    /// True when the task is done; a failure before the first commit is cleaned up, after it tried again.
    /// `committed`: an earlier life of it has passed its first commit.
    bool run(const std::string& kind, const json::value& input, bool committed = false) {
        for (int attempt = 0; attempt < 3; ++attempt) {
            FakeWork work(host_, committed);
            try {
                kinds_.at(kind).run(work, input);
                return true;
            } catch (const Settled& error) {
                last_error = error.what();
                return false;
            } catch (const Error& error) {
                last_error = error.what();
                committed = work.committed_now();
                if (!committed) {
                    kinds_.at(kind).clean(work, input);
                    return false;
                }
            }
        }
        return false;
    }
    std::string last_error;

    void add(Kind kind) override { kinds_[kind.name] = kind; }
    std::vector<std::string> kinds() const override { return {}; }
    TaskId submit(const Submission&) override { return {}; }
    std::optional<TaskId> repeated(const UserName&, std::string_view, std::string_view) const override {
        return {};
    }
    std::optional<Task> find(const TaskId&) const override { return {}; }
    std::vector<Step> steps(const TaskId&) const override { return {}; }
    std::vector<Task> list(std::string_view, std::string_view, std::size_t) const override { return {}; }
    void cancel(const TaskId&) override {}
    Task wait(const TaskId&, std::chrono::milliseconds) const override { return {}; }
    void on_change(std::function<void(const Task&)>) override {}
    void start() override {}
    void stop() override {}

  private:
    wire::Host& host_;
    std::map<std::string, Kind> kinds_;
};

} // namespace bhype::task
