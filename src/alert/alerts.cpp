#include "alert/alerts.h"

#include "base/log.h"

#include <algorithm>
#include <ctime>

namespace bhype::alert {

Alerts::Alerts(Keep keep) : keep_(std::move(keep)), alerts_(keep_.load()) {}

void Alerts::on_change(std::function<void()> changed) {
    const std::lock_guard lock(mutex_);
    changed_ = std::move(changed);
}

void Alerts::set(std::string_view area, const std::vector<Fault>& faults) {
    const auto within = std::string(area) + '/';
    std::function<void()> tell;
    {
        const std::lock_guard lock(mutex_);
        std::map<std::string, Alert> now;
        for (const auto& [id, alert] : alerts_)
            if (!id.starts_with(within))
                now.emplace(id, alert);
        for (const auto& fault : faults) {
            const auto before = alerts_.find(fault.id);
            if (before == alerts_.end())
                log::error("alert: {}", fault.text);
            now.emplace(fault.id,
                        Alert{fault, before == alerts_.end() ? std::time(nullptr) : before->second.since});
        }
        for (const auto& [id, alert] : alerts_)
            if (!now.contains(id))
                log::info("no more: {}", alert.text);
        if (encode(now) == encode(alerts_))
            return;
        keep_.save(now);
        alerts_ = std::move(now);
        tell = changed_;
    }
    if (tell)
        tell();
}

std::vector<Alert> Alerts::list() const {
    std::vector<Alert> all;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [id, alert] : alerts_)
            all.push_back(alert);
    }
    std::ranges::sort(all, [](const Alert& a, const Alert& b) {
        return std::tuple(b.severity, a.since, a.id) < std::tuple(a.severity, b.since, b.id);
    });
    return all;
}

void add_endpoints(api::Router& router, const Alerts& alerts) {
    router.add<std::vector<Alert>>({.method = api::Method::get,
                                    .path = "/api/v1/alerts",
                                    .privilege = access::Privilege::look,
                                    .summary = "What is wrong now, the worst first",
                                    .tag = "host"},
                                   [&](const api::Call&) { return api::ok(encode(alerts.list())); });
}

} // namespace bhype::alert
