#include "task/announcer.h"

#include "base/log.h"

#include <algorithm>

namespace bhype::task {

Announcer::Announcer(std::chrono::milliseconds gap) : gap_(gap), thread_([this] { run(); }) {}

Announcer::~Announcer() {
    stop();
}

void Announcer::listen(Listener listener) {
    const std::lock_guard lock(mutex_);
    listeners_.push_back(std::move(listener));
}

void Announcer::state(const Task& task, bool last) {
    {
        const std::lock_guard lock(mutex_);
        if (listeners_.empty() || stopping_)
            return;
        states_.push_back({task, last});
        progress_.erase(task.id.str()); // the newer state says it too
    }
    wake_.notify_one();
}

void Announcer::progress(const Task& task) {
    {
        const std::lock_guard lock(mutex_);
        if (listeners_.empty() || stopping_)
            return;
        progress_.insert_or_assign(task.id.str(), task);
    }
    wake_.notify_one();
}

void Announcer::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable())
        thread_.join();
}

std::optional<Announcer::Event> Announcer::next(std::unique_lock<std::mutex>& lock) {
    for (;;) {
        if (!states_.empty()) {
            auto event = std::move(states_.front());
            states_.pop_front();
            return event;
        }
        if (stopping_)
            return std::nullopt;
        const auto now = Clock::now();
        auto earliest = Clock::time_point::max();
        for (auto at = progress_.begin(); at != progress_.end(); ++at) {
            const auto last = told_.find(at->first);
            const auto due = last == told_.end() ? now : last->second + gap_;
            if (due <= now) {
                Event event{std::move(at->second), false};
                progress_.erase(at);
                return event;
            }
            earliest = std::min(earliest, due);
        }
        if (progress_.empty())
            wake_.wait(lock);
        else
            wake_.wait_until(lock, earliest);
    }
}

void Announcer::run() {
    std::unique_lock lock(mutex_);
    while (const auto event = next(lock)) {
        if (event->last)
            told_.erase(event->task.id.str());
        else
            told_[event->task.id.str()] = Clock::now();
        const auto listeners = listeners_;
        lock.unlock();
        for (const auto& listener : listeners) {
            try {
                listener(event->task);
            } catch (const std::exception& error) {
                log::error("a listener to tasks failed: {}", error.what());
            }
        }
        lock.lock();
    }
}

} // namespace bhype::task
