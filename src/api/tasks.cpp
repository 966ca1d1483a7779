#include "api/tasks.h"

#include "api/dispatch.h"

#include <algorithm>

namespace bhype::api {

namespace {

using access::Privilege;
using Clock = std::chrono::steady_clock;

constexpr std::size_t most_waiters = 1000;
constexpr std::int64_t most_tasks = 1000;

bool ended(const task::Task& task) {
    return task.state != task::State::queued && task.state != task::State::running;
}

bool administrator(const access::Caller& caller) {
    return caller.role == access::Role::administrator;
}

/// One's own, and everything is an administrator's.
bool owns(const access::Caller& caller, const task::Task& task) {
    return administrator(caller) || task.user == caller.user.str();
}

} // namespace

TaskEndpoints::TaskEndpoints(task::Tasks& tasks, Rights rights)
    : tasks_(tasks), rights_(std::move(rights)), thread_([this] { run(); }) {}

TaskEndpoints::~TaskEndpoints() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

Reply TaskEndpoints::reply(const task::Task& task, int status) const {
    Reply reply{.status = status, .body = encode(task)};
    if (status == 202)
        reply.headers["Location"] = "/api/v1/tasks/" + task.id.str();
    return reply;
}

Reply TaskEndpoints::wait(const TaskId& id, std::chrono::seconds longest, int status) {
    const auto now = tasks_.find(id);
    if (!now)
        throw Error(Code::not_found);
    if (longest.count() == 0 || ended(*now))
        return reply(*now, status);
    Reply later;
    later.later = [this, id, status, until = Clock::now() + longest](std::function<void(Reply)> deliver) {
        {
            const std::lock_guard lock(mutex_);
            if (waiters_.size() < most_waiters && !stopping_) {
                waiters_.push_back({id, until, status, deliver});
                deliver = nullptr;
            }
        }
        // It may have ended between the look and the registration.
        const auto task = tasks_.find(id);
        if (deliver) {
            deliver(task ? reply(*task, status) : Reply{.status = 404});
            return;
        }
        wake_.notify_all();
        if (task && ended(*task))
            changed(*task);
    };
    return later;
}

void TaskEndpoints::changed(const task::Task& task) {
    if (!ended(task))
        return;
    std::list<Waiter> ready;
    {
        const std::lock_guard lock(mutex_);
        for (auto at = waiters_.begin(); at != waiters_.end();) {
            const auto next = std::next(at);
            if (at->id == task.id)
                ready.splice(ready.end(), waiters_, at);
            at = next;
        }
    }
    for (const auto& waiter : ready)
        waiter.deliver(reply(task, waiter.status));
}

void TaskEndpoints::run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        if (waiters_.empty()) {
            wake_.wait(lock);
            continue;
        }
        const auto first = std::min_element(waiters_.begin(), waiters_.end(),
                                            [](const auto& a, const auto& b) { return a.until < b.until; });
        if (first->until > Clock::now()) {
            // A copy: the waiter may be gone while this waits.
            const auto until = first->until;
            wake_.wait_until(lock, until);
            continue;
        }
        const auto waiter = std::move(*first);
        waiters_.erase(first);
        lock.unlock();
        try {
            if (const auto task = tasks_.find(waiter.id))
                waiter.deliver(reply(*task, waiter.status));
        } catch (const std::exception&) {
            // The responder answers base.internal when it goes unused.
        }
        lock.lock();
    }
}

Reply TaskEndpoints::accepted(const Call& call, const TaskId& id) {
    call.note->task = id.str();
    return wait(id, std::chrono::seconds(query_number(call, "wait", 0, 0, 60)), 202);
}

std::optional<TaskId> TaskEndpoints::repeated(const Call& call) const {
    return tasks_.repeated(call.caller.user, call.idempotency_key, call.request);
}

void TaskEndpoints::add(Router& router, Declaration declaration, std::function<Reply(const Call&)> handler) {
    declaration.starts_task = true;
    router.add<task::Task>(std::move(declaration), [this, handler = std::move(handler)](const Call& call) {
        if (const auto made = repeated(call))
            return accepted(call, *made);
        return handler(call);
    });
}

Reply TaskEndpoints::start(const Call& call, std::string kind, std::string object, std::string title,
                           json::value input) {
    return accepted(call, tasks_.submit({.kind = std::move(kind),
                                         .object = std::move(object),
                                         .title = std::move(title),
                                         .input = std::move(input),
                                         .caller = call.caller,
                                         .idempotency_key = call.idempotency_key,
                                         .request = call.request}));
}

task::Task TaskEndpoints::visible(const Call& call) const {
    const auto id = TaskId::parse(call.path.at("id"));
    auto task = id ? tasks_.find(*id) : std::nullopt;
    if (!task || !may_see(call.caller, *task))
        throw Error(Code::not_found);
    return *task;
}

bool TaskEndpoints::may_see(const access::Caller& caller, const task::Task& task) const {
    return owns(caller, task) || rights_.see(caller, task.object);
}

std::vector<task::Task> TaskEndpoints::list(const Call& call) const {
    const auto most = static_cast<std::size_t>(query_number(call, "most", 100, 1, most_tasks));
    const auto object = query_object(call);
    const auto user = query_user(call);
    if (administrator(call.caller) || user == call.caller.user.str())
        return tasks_.list(object, user, most);
    auto found = tasks_.list(object, user, most_tasks);
    std::erase_if(found, [&](const task::Task& task) { return !may_see(call.caller, task); });
    if (user.empty()) { // one's own may be older than the newest of everybody
        for (auto& own : tasks_.list(object, call.caller.user.str(), most))
            if (std::ranges::none_of(found, [&](const task::Task& task) { return task.id == own.id; }))
                found.push_back(std::move(own));
        std::ranges::stable_sort(found, std::greater(), &task::Task::created);
    }
    if (found.size() > most)
        found.resize(most);
    return found;
}

void TaskEndpoints::declare(Router& router) {
    router.add<std::vector<task::Task>>(
        {.method = Method::get,
         .path = "/api/v1/tasks",
         .privilege = Privilege::look,
         .summary = "Tasks, newest first: one's own and those on what one may see; all for administrators",
         .tag = "tasks",
         .query = {{"object", "only those of this object: vm/web1"},
                   {"user", "only those of this user"},
                   {"most", "at most so many, 1 to 1000; 100 unless told"}}},
        [this](const Call& call) { return Reply{.body = encode(list(call))}; });
    router.add<task::Task>({.method = Method::get,
                            .path = "/api/v1/tasks/{id}",
                            .privilege = Privilege::look,
                            .summary = "One task; with ?wait answers when it has ended or the time is over",
                            .tag = "tasks",
                            .query = {{"wait", "seconds to wait for the task's end, at most 60"}},
                            .errors = {Code::not_found}},
                           [this](const Call& call) {
                               return wait(visible(call).id,
                                           std::chrono::seconds(query_number(call, "wait", 0, 0, 60)), 200);
                           });
    router.add<std::vector<task::Step>>(
        {.method = Method::get,
         .path = "/api/v1/tasks/{id}/steps",
         .privilege = Privilege::look,
         .summary = "What the task did to the host: its steps with the commands as they were run",
         .tag = "tasks",
         .errors = {Code::not_found}},
        [this](const Call& call) { return Reply{.body = encode(tasks_.steps(visible(call).id))}; });
    router.add<task::Task>({.method = Method::post,
                            .path = "/api/v1/tasks/{id}/cancel",
                            .privilege = Privilege::look,
                            .summary = "Ask the task to stop; what it began is undone",
                            .tag = "tasks",
                            .errors = {Code::not_found, Code::task_not_cancellable}},
                           [this](const Call& call) {
                               const auto asked = visible(call);
                               if (!owns(call.caller, asked) && !rights_.change(call.caller, asked.object))
                                   throw Error(Code::forbidden, "only " + asked.user + ", the owner of " +
                                                                    asked.object +
                                                                    " or an administrator cancels it");
                               tasks_.cancel(asked.id);
                               const auto task = tasks_.find(asked.id);
                               if (!task)
                                   throw Error(Code::not_found);
                               return reply(*task, 200);
                           });
}

} // namespace bhype::api
