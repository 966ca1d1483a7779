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
    /// Whether somebody may see or change what a task works on ("vm/web1"): then its tasks too, whoever began
    /// them.
    struct Rights {
        std::function<bool(const access::Caller&, const std::string& object)> see;
        std::function<bool(const access::Caller&, const std::string& object)> change;
    };
    TaskEndpoints(task::Tasks& tasks, Rights rights);
    ~TaskEndpoints();
    TaskEndpoints(const TaskEndpoints&) = delete;
    TaskEndpoints& operator=(const TaskEndpoints&) = delete;

    void declare(Router& router);
    bool may_see(const access::Caller& caller, const task::Task& task) const;
    /// To be called after every change of a task (task::Tasks::on_change).
    void changed(const task::Task& task);

    /// Declares an endpoint that starts a task. A request that comes again with its Idempotency-Key gets the
    /// task that it has made, whatever has changed meanwhile: `handler` does not see it.
    template <class Request>
    void add(Router& router, Declaration declaration,
             std::function<Reply(const Call&, const Request&)> handler) {
        declaration.starts_task = true;
        router.add<Request, task::Task>(std::move(declaration),
                                        [this, handler](const Call& call, const Request& request) {
                                            if (const auto made = repeated(call))
                                                return accepted(call, *made);
                                            return handler(call, request);
                                        });
    }
    /// The same without a request body.
    void add(Router& router, Declaration declaration, std::function<Reply(const Call&)> handler);
    /// Starts a task for a call. Answers 202 and Location, after ?wait of the call.
    Reply start(const Call& call, std::string kind, std::string object, std::string title, json::value input);

  private:
    std::optional<TaskId> repeated(const Call& call) const;
    Reply accepted(const Call& call, const TaskId& id);
    struct Waiter {
        TaskId id;
        std::chrono::steady_clock::time_point until;
        int status;
        std::function<void(Reply)> deliver;
    };
    Reply reply(const task::Task& task, int status) const;
    Reply wait(const TaskId& id, std::chrono::seconds longest, int status);
    task::Task visible(const Call& call) const;
    std::vector<task::Task> list(const Call& call) const;
    void run();

    task::Tasks& tasks_;
    Rights rights_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::list<Waiter> waiters_;
    bool stopping_ = false;
    std::thread thread_;
};

} // namespace bhype::api
