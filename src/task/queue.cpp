#include "task/queue.h"

#include <algorithm>
#include <tuple>

namespace bhype::task {

Queue::Queue(std::size_t workers) : most_of_a_lane_(std::max<std::size_t>(workers, 2) - 1) {}

void Queue::push(const Item& item) {
    lanes_[item.lane].waiting.emplace(item.seq, item);
    if (!item.object.empty())
        waiting_for_[item.object].insert(item.seq);
}

bool Queue::may_run(const Item& item) const {
    return item.object.empty() ||
           (!locked_.contains(item.object) && *waiting_for_.at(item.object).begin() == item.seq);
}

std::optional<Queue::Item> Queue::take() {
    Lane* best = nullptr;
    const Item* next = nullptr;
    for (auto& [name, lane] : lanes_) {
        if (lane.running >= most_of_a_lane_)
            continue;
        if (best && std::tie(best->running, best->served) <= std::tie(lane.running, lane.served))
            continue;
        const auto found = std::find_if(lane.waiting.begin(), lane.waiting.end(),
                                        [&](const auto& entry) { return may_run(entry.second); });
        if (found == lane.waiting.end())
            continue;
        best = &lane;
        next = &found->second;
    }
    if (!best)
        return std::nullopt;
    const Item item = *next;
    forget(item);
    if (!item.object.empty())
        locked_.insert(item.object);
    ++best->running;
    best->served = ++turn_;
    return item;
}

void Queue::release(const Item& item) {
    locked_.erase(item.object);
    const auto lane = lanes_.find(item.lane);
    if (--lane->second.running == 0 && lane->second.waiting.empty())
        lanes_.erase(lane);
}

bool Queue::remove(const Item& item) {
    const auto lane = lanes_.find(item.lane);
    if (lane == lanes_.end() || !lane->second.waiting.contains(item.seq))
        return false;
    forget(item);
    if (lane->second.running == 0 && lane->second.waiting.empty())
        lanes_.erase(lane);
    return true;
}

void Queue::forget(const Item& item) {
    lanes_.at(item.lane).waiting.erase(item.seq);
    if (item.object.empty())
        return;
    const auto found = waiting_for_.find(item.object);
    found->second.erase(item.seq);
    if (found->second.empty())
        waiting_for_.erase(found);
}

std::size_t Queue::waiting() const {
    std::size_t count = 0;
    for (const auto& [name, lane] : lanes_)
        count += lane.waiting.size();
    return count;
}

} // namespace bhype::task
