#include "storage/disks.h"

#include "base/log.h"
#include "host/smartctl.h"

#include <algorithm>
#include <ctime>

namespace bhype::storage {

namespace {

/// The first look is after a start's own work, or when somebody lists the disks.
constexpr std::chrono::seconds first{60}, usual{1800}, when_hostd_is_away{10};
/// Each question to a disk that hangs may leave a process behind that nothing can end.
constexpr std::chrono::seconds after_silence{6 * 3600};

} // namespace

Disks::Disks(wire::Host& host, alert::Alerts& alerts) : host_(host), alerts_(alerts) {}

Disks::~Disks() {
    stop();
}

bool Disks::knows(const host::Disk& disk) const {
    const auto found = known_.find(disk.name.str());
    return found != known_.end() && found->second.ident == disk.ident;
}

std::vector<DiskView> Disks::list() {
    const auto disks = host_.call(host::DiskList{});
    std::vector<DiskView> views;
    const std::lock_guard lock(mutex_);
    for (const auto& disk : disks) {
        DiskView view;
        static_cast<host::Disk&>(view) = disk;
        if (knows(disk)) {
            const auto& known = known_.at(disk.name.str());
            const auto judgement = judge(disk.name, disk.used_by, known.figures);
            view.health = judgement.verdict;
            view.health_text = judgement.text;
            view.health_advice = judgement.advice;
            view.health_at = known.at;
        } else {
            woken_ = true;
        }
        views.push_back(std::move(view));
    }
    if (woken_)
        wake_.notify_all();
    return views;
}

DiskReport Disks::report(const DiskName& name, bool fresh) {
    const auto disks = host_.call(host::DiskList{});
    const auto disk = std::ranges::find(disks, name, &host::Disk::name);
    if (disk == disks.end())
        throw Error(Code::not_found, "there is no disk " + name.str());
    if (fresh) {
        ask(*disk);
        tell();
    }
    DiskReport report;
    report.name = name;
    const std::lock_guard lock(mutex_);
    if (!knows(*disk))
        return report;
    const auto& known = known_.at(name.str());
    report.judgement = judge(name, disk->used_by, known.figures);
    report.asleep = known.asleep;
    report.at = known.at;
    report.figures = known.figures;
    return report;
}

void Disks::ask(const host::Disk& disk) {
    const auto name = disk.name.str();
    std::unique_lock lock(mutex_);
    if (asking_.contains(name)) {
        answered_.wait(lock, [&] { return !asking_.contains(name); });
        return;
    }
    asking_.insert(name);
    lock.unlock();
    std::optional<host::DiskHealthResult> answer;
    std::exception_ptr failure;
    try {
        answer = host_.call(host::DiskHealth{disk.name});
    } catch (const Error& error) {
        if (error.code() == Code::hostd_away || error.code() == Code::result_unknown ||
            error.code() == Code::policy) {
            failure = std::current_exception();
        } else {
            answer = host::unknown_health(host::HealthReason::unclear, error.what());
        }
    }
    lock.lock();
    asking_.erase(name);
    if (answer) {
        auto& known = known_[name];
        const bool same = known.ident == disk.ident && known.at != 0;
        const bool asleep = answer->reason == host::HealthReason::asleep;
        const bool was_missing = known.figures.reason == host::HealthReason::not_installed;
        if (same && asleep && known.figures.state != host::HealthState::unknown) {
            known.asleep = true;
        } else {
            // Somebody installed it meanwhile: the others can be asked as well.
            woken_ = woken_ || (was_missing && answer->reason != host::HealthReason::not_installed);
            known = {disk.ident, disk.used_by, std::time(nullptr), asleep, std::move(*answer)};
        }
        known.used_by = disk.used_by;
    }
    const bool wake = woken_;
    lock.unlock();
    answered_.notify_all();
    if (wake)
        wake_.notify_all();
    if (failure)
        std::rethrow_exception(failure);
}

void Disks::tell() {
    const std::lock_guard one_at_a_time(telling_);
    std::vector<alert::Fault> faults;
    {
        const std::lock_guard lock(mutex_);
        if (!whole_)
            return;
        for (const auto& [name, known] : known_) {
            const auto about = "disks/" + name;
            for (const auto& finding : judge(DiskName::from(name), known.used_by, known.figures).findings)
                faults.push_back(
                    {about + '/' + finding.id, about, finding.severity, finding.text, finding.advice});
        }
    }
    alerts_.set("disks", faults);
    if (changed_)
        changed_();
}

bool Disks::is_due(const host::Disk& disk) const {
    const std::lock_guard lock(mutex_);
    if (!knows(disk))
        return true;
    const auto& known = known_.at(disk.name.str());
    if (known.figures.reason == host::HealthReason::not_installed)
        return true;
    const auto pause = known.figures.reason == host::HealthReason::no_answer ? after_silence : usual;
    // A minute less: each round takes some time, and must not skip every other one for it.
    return std::time(nullptr) - known.at >= pause.count() - 60;
}

void Disks::round() {
    const auto disks = host_.call(host::DiskList{});
    {
        const std::lock_guard lock(mutex_);
        std::erase_if(known_, [&](const auto& item) {
            return std::ranges::none_of(disks, [&](const host::Disk& disk) {
                return disk.name.str() == item.first && disk.ident == item.second.ident;
            });
        });
        for (const auto& disk : disks)
            if (const auto found = known_.find(disk.name.str()); found != known_.end())
                found->second.used_by = disk.used_by;
    }
    for (const auto& disk : disks) {
        {
            const std::lock_guard lock(mutex_);
            if (stopping_)
                return;
        }
        if (!is_due(disk))
            continue;
        try {
            ask(disk);
        } catch (const Error& error) {
            if (error.code() != Code::policy) // a disk that went meanwhile
                throw;
            log::error("health of {}: {}", disk.name.str(), error.what());
        }
    }
    {
        const std::lock_guard lock(mutex_);
        whole_ = true;
    }
    tell();
}

void Disks::start(std::function<void()> changed) {
    changed_ = std::move(changed);
    thread_ = std::thread([this] { watch(); });
}

void Disks::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable())
        thread_.join();
}

void Disks::watch() {
    std::unique_lock lock(mutex_);
    const auto wanted = [this] { return stopping_ || woken_; };
    wake_.wait_for(lock, first, wanted);
    while (!stopping_) {
        woken_ = false;
        lock.unlock();
        auto pause = usual;
        try {
            round();
        } catch (const Error& error) {
            if (error.code() != Code::hostd_away)
                log::error("disks: {}", error.what());
            pause = when_hostd_is_away;
        }
        lock.lock();
        wake_.wait_for(lock, pause, wanted);
    }
}

} // namespace bhype::storage
