#include "vmd/loop.h"

#include <poll.h>

#include <algorithm>
#include <vector>

namespace bhype::vmd {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

void Loop::watch(int fd, short events, Ready ready) {
    entries_[fd] = {events, std::make_shared<Ready>(std::move(ready))};
}

void Loop::events(int fd, short events) {
    if (const auto found = entries_.find(fd); found != entries_.end())
        found->second.events = events;
}

void Loop::forget(int fd) {
    entries_.erase(fd);
}

int Loop::after(milliseconds delay, std::function<void()> call) {
    timers_[++last_timer_] = {steady_clock::now() + delay, std::move(call)};
    return last_timer_;
}

void Loop::cancel(int& timer) {
    timers_.erase(timer);
    timer = 0;
}

void Loop::run_timers() {
    const auto now = steady_clock::now();
    std::vector<int> due;
    for (const auto& [number, timer] : timers_)
        if (timer.due <= now)
            due.push_back(number);
    for (const int number : due)
        if (const auto found = timers_.find(number); found != timers_.end()) {
            const auto call = std::move(found->second.call);
            timers_.erase(found);
            call();
        }
}

int Loop::pause() const {
    if (timers_.empty())
        return -1;
    auto first = steady_clock::time_point::max();
    for (const auto& [number, timer] : timers_)
        first = std::min(first, timer.due);
    const auto left = std::chrono::ceil<milliseconds>(first - steady_clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60000));
}

void Loop::run() {
    std::vector<pollfd> waiting;
    std::vector<std::shared_ptr<Ready>> ready;
    while (!stopped_) {
        waiting.clear();
        ready.clear();
        for (const auto& [fd, entry] : entries_) {
            waiting.push_back({fd, entry.events, 0});
            ready.push_back(entry.ready);
        }
        ::poll(waiting.data(), static_cast<nfds_t>(waiting.size()), pause());
        for (std::size_t i = 0; i < waiting.size() && !stopped_; ++i) {
            if (waiting[i].revents == 0)
                continue;
            // Somebody called before may have closed it, and another may have its number now.
            const auto found = entries_.find(waiting[i].fd);
            if (found != entries_.end() && found->second.ready == ready[i])
                (*ready[i])(waiting[i].revents);
        }
        if (!stopped_)
            run_timers();
    }
}

} // namespace bhype::vmd
