#include "network/faults.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace bhype::network {

namespace {

using alert::Severity;

constexpr std::int64_t day = 86400;

std::string lines(const std::vector<std::string>& all) {
    return fmt::format("{}", fmt::join(all, "; "));
}

} // namespace

std::vector<alert::Fault> faults_of(const Outcome& outcome, std::int64_t now) {
    std::vector<alert::Fault> faults;
    const auto add = [&](const std::string& id, std::string about, Severity severity, std::string text,
                         std::string advice) {
        faults.push_back({"network/" + id, std::move(about), severity, std::move(text), std::move(advice)});
    };
    for (const auto& failure : outcome.failures)
        add(failure.id, "network", Severity::critical, failure.text, failure.advice);
    for (const auto& [name, drift] : outcome.drift) {
        const auto unmade = outcome.unmade.find(name);
        add("switches/" + name.str(), "switches/" + name.str(), Severity::critical,
            fmt::format("Switch {} is not as wanted: {}{}", name.str(), lines(drift),
                        unmade == outcome.unmade.end() ? "" : " (" + unmade->second + ")"),
            "bHype tries again each minute; a manual switch's bridge is yours to mend. bhype doctor says "
            "more.");
    }
    if (!outcome.firewall.empty())
        add("firewall", "network", Severity::critical,
            outcome.firewall + ": NAT, forwards and isolation of the switches do not work",
            "bhype firewall show says what is missing; bhype firewall install puts it right.");
    if (outcome.dhcp_ended > now - day)
        add("dhcp_ended", "network", Severity::warning,
            fmt::format("bHype's dnsmasq ended by itself and was started again {:%F %T} UTC",
                        fmt::gmtime(outcome.dhcp_ended)),
            "/var/log/messages may say why.");
    for (const auto& forward : outcome.forwards)
        if (forward.state == ForwardState::broken)
            add("forwards/" + forward.name, "forwards/" + forward.name, Severity::warning,
                fmt::format("Forward {} leads nowhere: {}", forward.name, forward.reason),
                "Put that right, or delete it: bhype forward delete " + forward.name);
    if (!outcome.guard.failures.empty())
        add("uplink", "uplink", Severity::critical,
            fmt::format("The last change of an uplink left something behind: {}",
                        lines(outcome.guard.failures)),
            "Compare ifconfig and netstat -rn with rc.conf, and run by hand what failed. The next change of "
            "an uplink clears this.");
    return faults;
}

} // namespace bhype::network
