#include "storage/pools.h"

#include "base/log.h"
#include "task/cron.h"
#include "task/local_time.h"

#include <algorithm>
#include <ctime>

namespace bhype::storage {

namespace {

constexpr std::chrono::seconds usual{30}, while_scanning{5};

bool scanning(const PoolView& pool) {
    return pool.scan.kind != host::ScanKind::none && pool.scan.state == host::ScanState::running;
}

} // namespace

Pools::Pools(wire::Host& host, alert::Alerts& alerts, Keep keep)
    : host_(host), alerts_(alerts), keep_(std::move(keep)), schedules_(keep_.load_schedules()) {}

Pools::~Pools() {
    stop();
}

PoolView Pools::view(const host::Pool& pool, const std::vector<host::PoolState>& states) const {
    const auto state = std::ranges::find(states, pool.name, &host::PoolState::name);
    PoolView view;
    view.name = pool.name;
    view.guid = pool.guid;
    view.health = pool.health;
    view.bhype = keep_.bhype() == pool.name;
    view.size = pool.size;
    view.percent = percent_full(pool, state == states.end() ? nullptr : &*state);
    if (state != states.end()) {
        view.health = state->state;
        view.used = state->used;
        view.available = state->available;
        view.reason = state->reason;
        view.action = state->action;
        view.errors = state->errors;
        view.scan = state->scan;
        view.vdevs = state->vdevs;
        if (is_encrypted(*state))
            view.encryption =
                state->key_location == "prompt" ? host::KeyKind::passphrase : host::KeyKind::file;
        view.locked = is_locked(*state);
        view.findings = findings(*state, view.percent);
    }
    if (const auto found = schedules_.find(pool.name.str()); found != schedules_.end()) {
        view.scrub = found->second.schedule;
        const auto now = std::time(nullptr);
        view.next_scrubs = task::Cron::parse(found->second.schedule).next(now, 5);
        view.zone = task::local_text(now, "%Z");
    }
    return view;
}

std::vector<PoolView> Pools::look() {
    const auto pools = host_.call(host::PoolList{});
    const auto states = host_.call(host::PoolStatus{});
    std::vector<PoolView> views;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& pool : pools)
            views.push_back(view(pool, states));
    }
    std::vector<alert::Fault> faults;
    for (const auto& pool : views)
        for (const auto& finding : pool.findings) {
            const auto about = "pools/" + pool.name.str();
            faults.push_back(
                {about + '/' + finding.id, about, finding.severity, finding.text, finding.advice});
        }
    alerts_.set("pools", faults);
    return views;
}

PoolView Pools::look(const PoolName& name) {
    for (auto& pool : look())
        if (pool.name == name)
            return std::move(pool);
    throw Error(Code::not_found, "there is no pool " + name.str());
}

void Pools::set_schedule(const PoolName& pool, std::optional<ScrubSchedule> schedule) {
    {
        const std::lock_guard lock(mutex_);
        if (schedule)
            schedules_[pool.str()] = std::move(*schedule);
        else
            schedules_.erase(pool.str());
        keep_.save_schedules(schedules_);
    }
    wake();
}

std::map<PoolName, ScrubSchedule> Pools::due(std::int64_t after, std::int64_t now) const {
    std::map<PoolName, ScrubSchedule> found;
    const std::lock_guard lock(mutex_);
    for (const auto& [name, schedule] : schedules_) {
        const auto next = task::Cron::parse(schedule.schedule).next(after);
        if (next && *next <= now)
            found.emplace(PoolName::from(name), schedule);
    }
    return found;
}

void Pools::start(std::function<void()> pools_changed,
                  std::function<void(const PoolName&, const ScrubSchedule&, std::int64_t)> scrub) {
    pools_changed_ = std::move(pools_changed);
    scrub_ = std::move(scrub);
    thread_ = std::thread([this] { watch(); });
}

void Pools::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable())
        thread_.join();
}

void Pools::wake() {
    {
        const std::lock_guard lock(mutex_);
        woken_ = true;
    }
    changed_.notify_all();
}

/// A scrub whose time passes while bhyped is not there is left out: the next one comes, and nothing is lost.
void Pools::watch() {
    std::int64_t looked = std::time(nullptr);
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        woken_ = false;
        lock.unlock();
        auto pause = usual;
        try {
            const auto views = look();
            if (std::ranges::any_of(views, scanning))
                pause = while_scanning;
            if (auto text = encode_text(views); text != last_) {
                last_ = std::move(text);
                pools_changed_();
            }
        } catch (const Error& error) {
            if (error.code() != Code::hostd_away)
                log::error("pools: {}", error.what());
        }
        const std::int64_t now = std::time(nullptr);
        for (const auto& [pool, schedule] : due(looked, now))
            scrub_(pool, schedule, now);
        looked = now;
        lock.lock();
        changed_.wait_for(lock, pause, [this] { return stopping_ || woken_; });
    }
}

} // namespace bhype::storage
