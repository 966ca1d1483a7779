#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace bhype::http {

/// A few threads and a bounded queue.
class Workers {
  public:
    Workers(int threads, std::size_t most_waiting);
    ~Workers() { stop(); }
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    /// False when too much waits already. `job` must not throw.
    bool add(std::function<void()> job);
    /// Drops what waits, lets what runs end.
    void stop();

  private:
    void run();

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> jobs_;
    std::size_t most_waiting_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

} // namespace bhype::http
