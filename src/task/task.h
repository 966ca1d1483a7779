#pragma once

// Tasks: a queue with a lane per user, locks, steps with the commands as run, a journal in the database,
// recovery.

#include "access/caller.h"
#include "base/json.h"
#include "wire/host.h"

#include <functional>
#include <memory>

namespace bhype::store {
class Database;
}

namespace bhype::task {

enum class State { queued, running, done, failed, cancelled, attention };
BOOST_DESCRIBE_ENUM(State, queued, running, done, failed, cancelled, attention)

struct Command {
    std::string command;
    int exit_status = 0;
    std::string output;
    std::int64_t milliseconds = 0;
};
BOOST_DESCRIBE_STRUCT(Command, (), (command, exit_status, output, milliseconds))

enum class StepState { intent, done, failed, unknown };
BOOST_DESCRIBE_ENUM(StepState, intent, done, failed, unknown)
struct Step {
    std::int64_t number = 0;
    std::string title;     ///< "Clone the template's disk"
    std::string operation; ///< "clone.create"
    StepState state = StepState::intent;
    std::int64_t started = 0; ///< epoch milliseconds
    std::int64_t ended = 0;
    std::string error;
    std::vector<Command> commands;
};
BOOST_DESCRIBE_STRUCT(Step, (), (number, title, operation, state, started, ended, error, commands))

/// A task as the API shows it.
struct Task {
    TaskId id;
    std::string kind;   ///< "vm.create"
    std::string object; ///< "vm/web1"
    std::string title;  ///< "Create VM web1"
    std::string user;
    std::string source; ///< "cli" or the client's address
    State state = State::queued;
    std::int64_t created = 0; ///< epoch milliseconds
    std::int64_t started = 0;
    std::int64_t ended = 0;
    std::optional<double> progress; ///< 0 to 1
    std::string message;            ///< what it does now
    bool cancellable = false;
    std::optional<json::value> error; ///< problem document
    std::optional<json::value> result;
};
BOOST_DESCRIBE_STRUCT(Task, (),
                      (id, kind, object, title, user, source, state, created, started, ended, progress,
                       message, cancellable, error, result))

/// What a running task works with. Everything it does to the host goes through step() and commit(): each is
/// written to the journal before (intent) and after, with its commands.
class Work {
  public:
    virtual ~Work() = default;

    /// Looks for a wish to cancel first: throws Error(cancelled).
    template <class Operation>
    typename Operation::Result step(std::string_view title, const Operation& operation) {
        static_assert(Operation::effect != host::Effect::irreversible,
                      "what cannot be undone goes through commit()");
        return decode<typename Operation::Result>(
            perform(title, Operation::operation, encode(operation), Operation::deadline, false));
    }
    /// From the first commit on the task cannot be cancelled and only goes forward: after a crash its kind's
    /// run is called again, with committed() true, until it is done.
    template <class Operation>
    typename Operation::Result commit(std::string_view title, const Operation& operation) {
        return decode<typename Operation::Result>(
            perform(title, Operation::operation, encode(operation), Operation::deadline, true));
    }

    virtual const TaskId& id() const = 0;
    /// True when an earlier life of this task has passed its first commit.
    virtual bool committed() const = 0;
    virtual void progress(std::optional<double> fraction, std::string_view message) = 0;
    /// Throws Error(cancelled) when somebody asked for it and nothing was committed.
    virtual void check_cancelled() = 0;
    /// Waits, ending early (Error(cancelled)) on cancel or when bhyped ends; true when `ready` became true.
    virtual bool wait_until(const std::function<bool()>& ready, std::chrono::milliseconds longest) = 0;

  private:
    virtual json::value perform(std::string_view title, std::string_view operation,
                                const json::value& arguments, std::chrono::seconds deadline, bool commit) = 0;
};

/// Thrown by a kind's run after its first commit: what was committed is whole and stays, what came after it
/// failed and has been cleaned up. The task ends as failed with this error; nothing is tried again.
class Settled : public Error {
  public:
    explicit Settled(const Error& error) : Error(error) {}
};

/// A kind of task. `run` must be idempotent from its first commit on. After a crash before the first commit,
/// or a failure or cancel there, `clean` is called (its own steps are journaled too); it must be idempotent:
/// sweep .new/TASK, reconcile the object. The error that `run` throws is the task's error.
struct Kind {
    std::string name;
    std::function<json::value(Work&, const json::value& input)> run;
    std::function<void(Work&, const json::value& input)> clean;
};

struct Submission {
    std::string kind;
    std::string object; ///< also the lock: one task at a time for an object; others wait in their lane
    std::string title;
    json::value input; ///< goes to the journal: no secrets
    access::Caller caller;
    std::string idempotency_key; ///< empty: none. The same key, user and `request` give the same task.
    std::string request; ///< what the client sent (method, address, body), compared when a key comes again
};

class Tasks {
  public:
    virtual ~Tasks() = default;
    virtual void add(Kind kind) = 0;
    virtual std::vector<std::string> kinds() const = 0;
    /// Durable when it returns. Throws Error(key_reused).
    virtual TaskId submit(const Submission& submission) = 0;
    /// The task that this user's key has already made; handlers ask before they judge whether a name is
    /// taken. An empty key gives none. Throws Error(key_reused) when the key came with another request.
    virtual std::optional<TaskId> repeated(const UserName& user, std::string_view idempotency_key,
                                           std::string_view request) const = 0;
    virtual std::optional<Task> find(const TaskId& id) const = 0;
    virtual std::vector<Step> steps(const TaskId& id) const = 0;
    /// Newest first; `object` and `user` empty mean any.
    virtual std::vector<Task> list(std::string_view object, std::string_view user,
                                   std::size_t most) const = 0;
    /// Throws Error(task_not_cancellable).
    virtual void cancel(const TaskId& id) = 0;
    /// Blocks until the task has ended or the time is over.
    virtual Task wait(const TaskId& id, std::chrono::milliseconds longest) const = 0;
    /// After every change of a task, on some thread.
    virtual void on_change(std::function<void(const Task&)> listener) = 0;
    /// Reads what an earlier life left and starts the lanes; does not wait for hostd. A task that was left in
    /// the middle keeps its object locked: its operations still in flight in hostd are waited for, then it is
    /// cleaned up or goes forward. Call once, when all kinds are added and before the first submit().
    virtual void start() = 0;
    /// Lets running steps end, takes no new ones. Running tasks stay in the journal for recovery. Listeners
    /// hear what has happened until here, and nothing after it.
    virtual void stop() = 0;
};

std::unique_ptr<Tasks> make_tasks(store::Database& database, wire::Host& host, int workers);

} // namespace bhype::task
