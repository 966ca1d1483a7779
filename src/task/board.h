#pragma once

// The tasks that have not ended, in memory, and the queue they wait in.

#include "task/announcer.h"
#include "task/journal.h"
#include "task/queue.h"

namespace bhype::task {

/// A task that has not ended. What is not marked is guarded by the board.
struct Live {
    Queue::Item item; ///< constant
    Task task;
    Phase phase = Phase::queued;
    bool committed = false;
    bool cancelled = false; ///< somebody asked for it, before a commit

    json::value input;            ///< constant
    bool recovered = false;       ///< constant: an earlier life of bhyped has begun it
    std::optional<Error> failure; ///< constant: what that life was cleaning up after

    // Of the worker that runs it.
    std::int64_t last_step = 0;
    std::string last_title;
    bool reached_host = false;  ///< an operation may have been performed
    bool commit_failed = false; ///< the last commit is known not to have been performed
};

class Board {
  public:
    Board(std::size_t workers, Announcer& announcer) : queue_(workers), announcer_(announcer) {}

    /// Puts it in its lane; one that is here already stays as it is.
    void add(const std::shared_ptr<Live>& live);
    /// Undoes Cancel::removed.
    void put_back(const std::shared_ptr<Live>& live);
    /// Marks it as running. Waits for the next that may run; null when bhyped ends.
    std::shared_ptr<Live> take();
    /// After its worker is done with it, ended or not.
    void release(const Live& live);
    /// Forgets the task, which is in the journal as `ended`, and tells everybody.
    void finish(const Live& live, const Task& ended);

    std::optional<Task> show(const TaskId& id) const;
    /// Waits until the task has ended, the time is over or bhyped ends.
    void wait(const TaskId& id, std::chrono::milliseconds longest) const;

    enum class Cancel {
        gone, ///< not among the tasks here
        too_late,
        removed, ///< it was waiting and will never run: the caller ends it, or puts it back
        wished,  ///< its worker will see it
        known,   ///< it was wished before
    };
    Cancel cancel(const TaskId& id, std::shared_ptr<Live>& live);

    // For the worker that runs the task.
    bool cancelled(const Live& live) const;
    bool committed(const Live& live) const;
    /// False when somebody has cancelled it. Sets `first` when it was not committed.
    bool commit(Live& live, bool& first);
    void uncommit(Live& live);
    /// Changes the task under the lock and tells: a state at once, progress now and then.
    void state(Live& live, Phase phase, const std::function<void(Task&)>& change);
    void progress(Live& live, const std::function<void(Task&)>& change);
    /// False when bhyped ends, and, with `cancellable`, when the task is cancelled.
    bool pause(const Live& live, std::chrono::milliseconds time, bool cancellable) const;

    void stop();
    bool stopping() const;

  private:
    static bool cancellable(const Live& live);
    void enqueue(const std::shared_ptr<Live>& live);

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    Queue queue_;
    std::map<std::string, std::shared_ptr<Live>> live_;     ///< by id
    std::map<std::int64_t, std::shared_ptr<Live>> waiting_; ///< by the queue's number
    Announcer& announcer_;
    bool stopping_ = false;
};

} // namespace bhype::task
