#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>

namespace bhype::vmd {

/// poll(2) with call-backs. One thread.
class Loop {
  public:
    using Ready = std::function<void(short events)>;

    void watch(int fd, short events, Ready ready);
    void events(int fd, short events);
    void forget(int fd);
    /// Calls once, later. The number is for cancel().
    int after(std::chrono::milliseconds delay, std::function<void()> call);
    void cancel(int& timer);
    void run();
    void stop() { stopped_ = true; }

  private:
    struct Entry {
        short events = 0;
        std::shared_ptr<Ready> ready; ///< shared: it may forget itself while it runs
    };
    struct Timer {
        std::chrono::steady_clock::time_point due;
        std::function<void()> call;
    };
    void run_timers();
    int pause() const;

    std::map<int, Entry> entries_;
    std::map<int, Timer> timers_;
    int last_timer_ = 0;
    bool stopped_ = false;
};

} // namespace bhype::vmd
