#include "task/board.h"

namespace bhype::task {

namespace {
using Lock = std::lock_guard<std::mutex>;
}

bool Board::cancellable(const Live& live) {
    return !live.committed && !live.cancelled &&
           (live.phase == Phase::queued || live.phase == Phase::running);
}

void Board::add(const std::shared_ptr<Live>& live) {
    {
        const Lock lock(mutex_);
        if (!live_.emplace(live->task.id.str(), live).second)
            return;
        enqueue(live);
    }
    changed_.notify_all();
}

void Board::put_back(const std::shared_ptr<Live>& live) {
    {
        const Lock lock(mutex_);
        live->cancelled = false;
        enqueue(live);
    }
    changed_.notify_all();
}

void Board::enqueue(const std::shared_ptr<Live>& live) {
    live->task.cancellable = cancellable(*live);
    waiting_.emplace(live->item.seq, live);
    queue_.push(live->item);
    announcer_.state(live->task, false);
}

std::shared_ptr<Live> Board::take() {
    std::unique_lock lock(mutex_);
    std::optional<Queue::Item> item;
    changed_.wait(lock, [&] { return stopping_ || (item = queue_.take()); });
    if (!item)
        return nullptr;
    auto live = std::move(waiting_.extract(item->seq).mapped());
    if (live->phase == Phase::queued)
        live->phase = Phase::running;
    live->task.state = State::running;
    if (live->task.started == 0)
        live->task.started = now();
    announcer_.state(live->task, false);
    return live;
}

void Board::release(const Live& live) {
    {
        const Lock lock(mutex_);
        queue_.release(live.item);
    }
    changed_.notify_all();
}

void Board::finish(const Live& live, const Task& ended) {
    {
        const Lock lock(mutex_);
        live_.erase(live.task.id.str());
        announcer_.state(ended, true);
    }
    changed_.notify_all();
}

std::optional<Task> Board::show(const TaskId& id) const {
    const Lock lock(mutex_);
    const auto found = live_.find(id.str());
    return found == live_.end() ? std::nullopt : std::optional(found->second->task);
}

void Board::wait(const TaskId& id, std::chrono::milliseconds longest) const {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, longest, [&] { return stopping_ || !live_.contains(id.str()); });
}

Board::Cancel Board::cancel(const TaskId& id, std::shared_ptr<Live>& live) {
    {
        const Lock lock(mutex_);
        const auto found = live_.find(id.str());
        if (found == live_.end())
            return Cancel::gone;
        live = found->second;
        if (live->cancelled)
            return Cancel::known;
        if (!cancellable(*live))
            return Cancel::too_late;
        if (live->phase == Phase::queued && queue_.remove(live->item)) {
            waiting_.erase(live->item.seq);
            live->cancelled = true;
            return Cancel::removed;
        }
        live->cancelled = true;
        live->phase = Phase::cancelling;
        live->task.cancellable = false;
        live->task.message = "cancelling";
        announcer_.state(live->task, false);
    }
    changed_.notify_all();
    return Cancel::wished;
}

bool Board::cancelled(const Live& live) const {
    const Lock lock(mutex_);
    return live.cancelled;
}

bool Board::committed(const Live& live) const {
    const Lock lock(mutex_);
    return live.committed;
}

bool Board::commit(Live& live, bool& first) {
    const Lock lock(mutex_);
    if (live.cancelled)
        return false;
    first = !live.committed;
    live.committed = true;
    live.task.cancellable = false;
    return true;
}

void Board::uncommit(Live& live) {
    const Lock lock(mutex_);
    live.committed = false;
    live.task.cancellable = cancellable(live);
}

void Board::state(Live& live, Phase phase, const std::function<void(Task&)>& change) {
    const Lock lock(mutex_);
    live.phase = phase;
    change(live.task);
    live.task.cancellable = cancellable(live);
    announcer_.state(live.task, false);
}

void Board::progress(Live& live, const std::function<void(Task&)>& change) {
    const Lock lock(mutex_);
    change(live.task);
    announcer_.progress(live.task);
}

bool Board::pause(const Live& live, std::chrono::milliseconds time, bool cancellable) const {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, time, [&] { return stopping_ || (cancellable && live.cancelled); });
}

void Board::stop() {
    {
        const Lock lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
}

bool Board::stopping() const {
    const Lock lock(mutex_);
    return stopping_;
}

} // namespace bhype::task
