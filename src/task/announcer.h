#pragma once

// Tells listeners of changes, on a thread of its own and with no lock held.

#include "task/task.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

namespace bhype::task {

class Announcer {
  public:
    using Listener = std::function<void(const Task&)>;

    /// `gap`: of a task's progress only the newest is told, and not sooner than this after the last time.
    explicit Announcer(std::chrono::milliseconds gap);
    ~Announcer();
    Announcer(const Announcer&) = delete;
    Announcer& operator=(const Announcer&) = delete;

    void listen(Listener listener);
    /// Told at once, each one, in the order in which they come. `last`: nothing more comes of this task.
    void state(const Task& task, bool last);
    void progress(const Task& task);
    /// Tells what waits, then ends the thread.
    void stop();

  private:
    using Clock = std::chrono::steady_clock;
    struct Event {
        Task task;
        bool last = false;
    };
    void run();
    std::optional<Event> next(std::unique_lock<std::mutex>& lock);

    const std::chrono::milliseconds gap_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<Listener> listeners_;
    std::deque<Event> states_;
    std::map<std::string, Task> progress_;          ///< newest, not told yet
    std::map<std::string, Clock::time_point> told_; ///< of tasks that have not ended
    bool stopping_ = false;
    std::thread thread_;
};

} // namespace bhype::task
