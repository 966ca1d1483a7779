#pragma once

#include "api/endpoint.h"
#include "task/task.h"

#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

namespace bhype::api {

/// The /tasks endpoints, and waiting for tasks without holding a thread for each who waits.
class TaskEndpoints {
  public:
    explicit TaskEndpoints(task::Tasks& tasks);
    ~TaskEndpoints();
    TaskEndpoints(const TaskEndpoints&) = delete;
    TaskEndpoints& operator=(const TaskEndpoints&) = delete;

    void declare(Router& router);
    /// To be called after every change of a task (task::Tasks::on_change).
    void changed(const task::Task& task);
    /// The answer of an endpoint that started a task: 202, Location, after ?wait of the call.
    Reply accepted(const Call& call, const TaskId& id);

  private:
    struct Waiter {
        TaskId id;
        std::chrono::steady_clock::time_point until;
        int status;
        std::function<void(Reply)> deliver;
    };
    Reply reply(const task::Task& task, int status) const;
    Reply wait(const TaskId& id, std::chrono::seconds longest, int status);
    task::Task visible(const Call& call) const;
    void run();

    task::Tasks& tasks_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::list<Waiter> waiters_;
    bool stopping_ = false;
    std::thread thread_;
};

} // namespace bhype::api
