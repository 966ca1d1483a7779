#include "protect/retention.h"
#include "task/test_zone.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace bhype::protect {

namespace {

using task::test::berlin;
using task::test::Zone;

constexpr std::int64_t hour = 3600;
constexpr std::int64_t day = 24 * hour;

std::vector<Dated> each(std::int64_t from, std::int64_t step, int many) {
    std::vector<Dated> all;
    for (int i = 0; i < many; ++i)
        all.push_back({"s" + std::to_string(i), from + i * step, false});
    return all;
}

std::set<std::string> kept(const std::vector<Verdict>& verdicts) {
    std::set<std::string> names;
    for (const auto& one : verdicts)
        if (!one.kept_by.empty())
            names.insert(one.name);
    return names;
}

std::vector<Dated> survivors(const std::vector<Dated>& all, const Retention& retention) {
    const auto names = kept(judge(all, retention));
    std::vector<Dated> left;
    for (const auto& one : all)
        if (names.contains(one.name))
            left.push_back(one);
    return left;
}

TEST(Retention, KeepsEverythingWithoutARule) {
    const auto all = each(0, day, 10);
    EXPECT_EQ(kept(judge(all, {})).size(), 10U);
}

TEST(Retention, KeepsTheNewestOfEachPeriod) {
    const Zone utc("UTC");
    // Every six hours through ten days: the last of each day is the one at 18:00.
    const auto all = each(0, 6 * hour, 40);
    const auto names = kept(judge(all, {.daily = 3}));
    EXPECT_EQ(names, (std::set<std::string>{"s39", "s35", "s31"}));
}

TEST(Retention, SaysWhichRuleKeepsIt) {
    const Zone utc("UTC");
    const auto verdicts = judge(each(0, day, 3), {.last = 1, .daily = 2});
    EXPECT_EQ(verdicts[0].kept_by, (std::vector<std::string>{"newest", "last", "daily"}));
    EXPECT_EQ(verdicts[1].kept_by, (std::vector<std::string>{"daily"}));
    EXPECT_TRUE(verdicts[2].kept_by.empty());
}

TEST(Retention, TakesTheHourThatComesTwiceForTwo) {
    const Zone zone(berlin);
    // 25 October 2026: 02:30 summer time is 00:30 UTC, 02:30 winter time 01:30 UTC.
    const std::int64_t first = 1792888200;
    const auto all = each(first, hour, 2);
    EXPECT_EQ(kept(judge(all, {.hourly = 2})).size(), 2U);
}

TEST(Retention, GoesThroughAYear) {
    const Zone utc("UTC");
    const Retention retention{.hourly = 24, .daily = 7, .weekly = 4, .monthly = 12, .yearly = 2};
    std::vector<Dated> left;
    const std::int64_t begin = 1767225600; // 2026-01-01
    for (int i = 0; i < 365 * 24; ++i) {
        left.push_back({"h" + std::to_string(i), begin + i * hour, false});
        left = survivors(left, retention);
    }
    // 24 hours hold today and yesterday; 5 more days; weeks and months that the days do not hold already.
    std::set<std::string> months;
    for (const auto& one : judge(left, retention))
        for (const auto& rule : one.kept_by)
            if (rule == "monthly")
                months.insert(one.name);
    EXPECT_EQ(months.size(), 12U);
    EXPECT_LE(left.size(), 24U + 7 + 4 + 12 + 2);
    EXPECT_GE(left.size(), 24U + 5 + 2 + 10);
}

/// Idempotent, whatever the order, never the newest, never one that is bound, and never more than the rules
/// say.
TEST(Retention, HasItsPropertiesForAnything) {
    const Zone zone(berlin);
    std::mt19937 random(1);
    const auto number = [&](int most) {
        return static_cast<int>(random() % static_cast<unsigned>(most + 1));
    };
    for (int round = 0; round < 500; ++round) {
        Retention retention;
        if (number(1))
            retention.last = 1 + number(5);
        if (number(1))
            retention.hourly = 1 + number(30);
        if (number(1))
            retention.daily = 1 + number(10);
        if (number(1))
            retention.weekly = 1 + number(6);
        if (number(1))
            retention.monthly = 1 + number(12);
        if (number(1))
            retention.yearly = 1 + number(3);
        std::vector<Dated> all;
        for (int i = 0; i < number(200); ++i)
            all.push_back({"s" + std::to_string(i), 1700000000 + number(60000000), number(20) == 0});
        const auto names = kept(judge(all, retention));
        auto shuffled = all;
        std::ranges::shuffle(shuffled, random);
        EXPECT_EQ(kept(judge(shuffled, retention)), names) << "the order does not matter";
        const auto left = survivors(all, retention);
        EXPECT_EQ(kept(judge(left, retention)), names) << "what is left stays";
        for (const auto& one : all)
            EXPECT_TRUE(!one.bound || names.contains(one.name));
        const auto newest =
            std::ranges::max_element(all, {}, [](const Dated& one) { return std::pair(one.at, one.name); });
        EXPECT_TRUE(newest == all.end() || names.contains(newest->name));
    }
}

} // namespace

} // namespace bhype::protect
