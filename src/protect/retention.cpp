#include "protect/retention.h"

#include "task/local_time.h"

#include <algorithm>

namespace bhype::protect {

namespace {

struct Rule {
    const char* name;
    /// strftime(3)'s words for the period: equal for two moments of one period.
    const char* period;
    std::int64_t many;
};

std::vector<Rule> rules_of(const Retention& retention) {
    std::vector<Rule> rules;
    const auto add = [&](const char* name, const char* period, const auto& many) {
        if (many)
            rules.push_back({name, period, many->value});
    };
    // An hour comes twice when clocks go back: %z tells the two apart.
    add("hourly", "%Y-%m-%d %H %z", retention.hourly);
    add("daily", "%Y-%m-%d", retention.daily);
    add("weekly", "%G-%V", retention.weekly);
    add("monthly", "%Y-%m", retention.monthly);
    add("yearly", "%Y", retention.yearly);
    return rules;
}

} // namespace

std::vector<Verdict> judge(std::vector<Dated> all, const Retention& retention) {
    std::ranges::sort(all, [](const Dated& a, const Dated& b) {
        return std::pair(b.at, b.name) < std::pair(a.at, a.name);
    });
    std::vector<Verdict> verdicts;
    for (const auto& one : all)
        verdicts.push_back({one.name, one.at, {}});
    const auto rules = rules_of(retention);
    const bool keeps_all = rules.empty() && !retention.last;
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto& kept_by = verdicts[i].kept_by;
        if (keeps_all)
            kept_by.emplace_back("no rule");
        if (i == 0)
            kept_by.emplace_back("newest");
        if (all[i].bound)
            kept_by.emplace_back("held");
        if (retention.last && static_cast<std::int64_t>(i) < retention.last->value)
            kept_by.emplace_back("last");
    }
    for (const auto& rule : rules) {
        std::int64_t periods = 0;
        std::string last;
        for (std::size_t i = 0; i < all.size() && periods < rule.many; ++i) {
            const auto period = task::local_text(all[i].at, rule.period);
            if (period == last)
                continue;
            last = period;
            ++periods;
            verdicts[i].kept_by.emplace_back(rule.name);
        }
    }
    return verdicts;
}

} // namespace bhype::protect
