#include "task/tasks.h"

#include "base/log.h"
#include "task/runner.h"

#include <algorithm>

namespace bhype::task {

namespace {

using Milliseconds = std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

class TaskRoom : public Tasks {
  public:
    TaskRoom(store::Database& database, wire::Host& host, int workers, const Pace& pace)
        : pace_(pace), workers_(static_cast<std::size_t>(std::max(workers, 1))), journal_(database),
          announcer_(pace_.announce_gap), board_(workers_, announcer_), shop_{journal_, board_, host, pace_} {
    }

    ~TaskRoom() override { stop(); }

    void add(Kind kind) override {
        const auto name = kind.name;
        if (!kinds_.emplace(name, std::move(kind)).second)
            throw Error(Code::internal, "a kind of task is declared twice: " + name);
    }

    std::vector<std::string> kinds() const override {
        std::vector<std::string> names;
        for (const auto& [name, kind] : kinds_)
            names.push_back(name);
        return names;
    }

    TaskId submit(const Submission& submission) override {
        if (!kinds_.contains(submission.kind))
            throw Error(Code::internal, "there is no kind of task " + submission.kind);
        if (board_.stopping())
            throw Error(Code::overloaded, "bHype is being stopped");
        const auto live = std::make_shared<Live>();
        live->task = {.id = random_task_id(),
                      .kind = submission.kind,
                      .object = submission.object,
                      .title = submission.title,
                      .user = submission.caller.user.str(),
                      .source = submission.caller.source,
                      .created = now()};
        live->input = submission.input;
        const auto made = journal_.submit(live->task, submission, pace_.key_age);
        if (made.seq) {
            live->item = {*made.seq, live->task.user, live->task.object};
            board_.add(live);
        }
        return made.id;
    }

    std::optional<TaskId> repeated(const UserName& user, std::string_view idempotency_key,
                                   std::string_view request) const override {
        return journal_.repeated(user, idempotency_key, request, pace_.key_age);
    }

    std::optional<Task> find(const TaskId& id) const override {
        auto task = board_.show(id);
        return task ? task : journal_.find(id);
    }

    std::vector<Step> steps(const TaskId& id) const override { return journal_.steps(id); }

    std::vector<Task> list(std::string_view object, std::string_view user, std::size_t most) const override {
        auto tasks = journal_.list(object, user, most);
        for (auto& task : tasks)
            if (task.state == State::queued || task.state == State::running)
                task = find(task.id).value_or(task);
        return tasks;
    }

    void cancel(const TaskId& id) override {
        std::shared_ptr<Live> live;
        switch (board_.cancel(id, live)) {
        case Board::Cancel::gone:
            throw Error(journal_.find(id) ? Code::task_not_cancellable : Code::not_found);
        case Board::Cancel::too_late:
            throw Error(Code::task_not_cancellable);
        case Board::Cancel::known:
            return;
        case Board::Cancel::wished:
            journal_.cancelling(id);
            return;
        case Board::Cancel::removed:
            try {
                const auto task = ended(live->task, State::cancelled, Error(Code::cancelled), std::nullopt);
                journal_.ended(task);
                board_.finish(*live, task);
            } catch (...) {
                board_.put_back(live);
                throw;
            }
        }
    }

    Task wait(const TaskId& id, Milliseconds longest) const override {
        board_.wait(id, longest);
        const auto task = find(id);
        if (!task)
            throw Error(Code::not_found, "there is no task " + id.str());
        return *task;
    }

    void on_change(std::function<void(const Task&)> listener) override {
        announcer_.listen(std::move(listener));
    }

    void start() override {
        journal_.lose_steps();
        for (auto& open : journal_.open()) {
            const auto live = std::make_shared<Live>();
            live->item = {open.seq, open.task.user, open.task.object};
            live->task = std::move(open.task);
            if (live->task.error)
                live->failure = error_from(*live->task.error);
            live->task.error.reset();
            live->phase = open.phase;
            live->committed = open.committed && open.phase == Phase::running;
            live->cancelled = open.phase == Phase::cancelling;
            live->input = std::move(open.input);
            live->recovered = open.phase != Phase::queued;
            live->last_step = open.last_step;
            live->last_title = std::move(open.last_title);
            live->reached_host = open.last_step > 0;
            if (live->recovered)
                live->task.message = "recovering";
            board_.add(live);
        }
        for (std::size_t i = 0; i < workers_; ++i)
            threads_.emplace_back([this] { work(); });
    }

    void stop() override {
        board_.stop();
        for (auto& thread : threads_)
            thread.join();
        threads_.clear();
        announcer_.stop();
    }

  private:
    void work() {
        while (const auto live = board_.take()) {
            const auto kind = kinds_.find(live->task.kind);
            try {
                Runner(shop_, *live, kind == kinds_.end() ? nullptr : &kind->second).run();
            } catch (const std::exception& error) {
                // It stays in the journal as it is, and is judged after the next start.
                log::error("task {}: {}", live->task.id.str(), error.what());
            }
            board_.release(*live);
            prune();
        }
    }

    void prune() {
        {
            const std::lock_guard lock(prune_mutex_);
            if (Clock::now() < next_prune_)
                return;
            next_prune_ = Clock::now() + pace_.prune_gap;
        }
        try {
            journal_.prune(pace_.kept_tasks, pace_.key_age);
        } catch (const Error& error) {
            log::warning("old tasks are not removed: {}", error.what());
        }
    }

    const Pace pace_;
    const std::size_t workers_;
    Journal journal_;
    Announcer announcer_;
    Board board_;
    Workshop shop_;
    std::map<std::string, Kind> kinds_;
    std::mutex prune_mutex_;
    Clock::time_point next_prune_;
    std::vector<std::thread> threads_;
};

} // namespace

std::unique_ptr<Tasks> make_tasks(store::Database& database, wire::Host& host, int workers,
                                  const Pace& pace) {
    return std::make_unique<TaskRoom>(database, host, workers, pace);
}

std::unique_ptr<Tasks> make_tasks(store::Database& database, wire::Host& host, int workers) {
    return make_tasks(database, host, workers, Pace{});
}

} // namespace bhype::task
