#include "task/cron.h"
#include "task/test_zone.h"

#include "base/error.h"

#include <fmt/chrono.h>
#include <gtest/gtest.h>

#include <random>

namespace bhype::task {

namespace {

using test::berlin;
using test::Zone;

std::int64_t at(const char* text) {
    std::tm parts{};
    EXPECT_NE(::strptime(text, "%Y-%m-%d %H:%M", &parts), nullptr) << text;
    return ::timegm(&parts);
}

std::vector<std::string> after(const char* schedule, const char* from, std::size_t many) {
    std::vector<std::string> texts;
    for (const auto time : Cron::parse(schedule).next(at(from), many))
        texts.push_back(fmt::format("{:%Y-%m-%d %H:%M}", fmt::gmtime(static_cast<std::time_t>(time))));
    return texts;
}

using Texts = std::vector<std::string>;

TEST(Cron, ReadsWhatCrontabWrites) {
    const Zone utc("UTC");
    EXPECT_EQ(after("*/20 * * * *", "2026-01-01 00:05", 3),
              (Texts{"2026-01-01 00:20", "2026-01-01 00:40", "2026-01-01 01:00"}));
    EXPECT_EQ(after("5,10 3-4 * * *", "2026-01-01 03:05", 3),
              (Texts{"2026-01-01 03:10", "2026-01-01 04:05", "2026-01-01 04:10"}));
    EXPECT_EQ(after("0 12 * feb Mon-Wed/2", "2026-01-01 00:00", 2),
              (Texts{"2026-02-02 12:00", "2026-02-04 12:00"}));
    EXPECT_EQ(after("0 0 29 2 *", "2026-01-01 00:00", 1), (Texts{"2028-02-29 00:00"}));
    EXPECT_EQ(after("0 0 * * 7", "2026-01-01 00:00", 1), (Texts{"2026-01-04 00:00"}));
    EXPECT_EQ(after("@daily", "2026-12-31 00:00", 1), (Texts{"2027-01-01 00:00"}));
    EXPECT_EQ(after("30/15 0 1 1 *", "2026-06-01 00:00", 2), (Texts{"2027-01-01 00:30", "2027-01-01 00:45"}));
}

TEST(Cron, TakesEitherDayWhenBothAreGiven) {
    const Zone utc("UTC");
    EXPECT_EQ(after("0 0 13 * fri", "2026-02-10 00:00", 3),
              (Texts{"2026-02-13 00:00", "2026-02-20 00:00", "2026-02-27 00:00"}));
    EXPECT_EQ(after("0 0 13 * fri", "2026-09-11 00:00", 2), (Texts{"2026-09-13 00:00", "2026-09-18 00:00"}));
}

TEST(Cron, GivesNothingForDaysThatNeverCome) {
    const Zone utc("UTC");
    EXPECT_FALSE(Cron::parse("0 0 30 feb *").next(at("2026-01-01 00:00")));
}

TEST(Cron, LeavesNoDayOutWhenClocksGoForward) {
    const Zone zone(berlin);
    // 29 March 2026: 02:00 becomes 03:00, which is 01:00 UTC.
    EXPECT_EQ(after("30 2 * * *", "2026-03-28 12:00", 2), (Texts{"2026-03-29 01:00", "2026-03-30 00:30"}));
    EXPECT_EQ(after("0 3 * * *", "2026-03-28 12:00", 2), (Texts{"2026-03-29 01:00", "2026-03-30 01:00"}));
    EXPECT_EQ(after("0 * * * *", "2026-03-28 23:30", 3),
              (Texts{"2026-03-29 00:00", "2026-03-29 01:00", "2026-03-29 02:00"}));
}

TEST(Cron, DoesADaysWorkOnceWhenClocksGoBack) {
    const Zone zone(berlin);
    // 25 October 2026: 03:00 summer time, 01:00 UTC, becomes 02:00.
    EXPECT_EQ(after("30 2 * * *", "2026-10-24 12:00", 2), (Texts{"2026-10-25 00:30", "2026-10-26 01:30"}));
    EXPECT_EQ(after("0 * * * *", "2026-10-24 23:30", 4),
              (Texts{"2026-10-25 00:00", "2026-10-25 01:00", "2026-10-25 02:00", "2026-10-25 03:00"}));
}

TEST(Cron, SaysWhatIsWrong) {
    for (const auto& [text, part] :
         std::vector<std::pair<const char*, const char*>>{{"", "five fields"},
                                                          {"* * * *", "five fields"},
                                                          {"* * * * * *", "five fields"},
                                                          {"@reboot", "five fields"},
                                                          {"60 * * * *", "minute \"60\" is not from 0 to 59"},
                                                          {"* 24 * * *", "hour \"24\""},
                                                          {"* * 0 * *", "day of month \"0\""},
                                                          {"* * * 13 *", "month \"13\""},
                                                          {"* * * * 8", "day of week \"8\""},
                                                          {"* * * mon *", "month \"mon\""},
                                                          {"*/0 * * * *", "after '/'"},
                                                          {"*/x * * * *", "after '/'"},
                                                          {"5-1 * * * *", "ends before it begins"},
                                                          {"-1 * * * *", "minute \"\""},
                                                          {"1,,2 * * * *", "minute \"\""},
                                                          {"99999999999999999999 * * * *", "minute"},
                                                          {"$(reboot) * * * *", "minute"}}) {
        try {
            Cron::parse(text);
            ADD_FAILURE() << text << " was taken";
        } catch (const Error& error) {
            ASSERT_EQ(error.problems().size(), 1U) << text;
            EXPECT_EQ(error.problems()[0].field, "schedule");
            EXPECT_NE(error.problems()[0].rule.find(part), std::string::npos) << error.problems()[0].rule;
        }
    }
}

/// Against one minute after another, in a zone with daylight saving.
TEST(Cron, AgreesWithLookingAtEachMinute) {
    const Zone zone(berlin);
    std::mt19937 random(7);
    const auto pick = [&](int least, int most) {
        return std::to_string(least + static_cast<int>(random() % static_cast<unsigned>(most - least + 1)));
    };
    for (int round = 0; round < 40; ++round) {
        const auto minute = pick(0, 59);
        const auto weekday = pick(0, 6);
        const auto text = minute + " * * * " + weekday;
        const auto from = at("2026-03-20 00:00") + static_cast<std::int64_t>(random() % 20000000);
        std::int64_t slow = from - from % 60 + 60;
        for (;; slow += 60) {
            const auto time = static_cast<std::time_t>(slow);
            std::tm parts{};
            ::localtime_r(&time, &parts);
            if (std::to_string(parts.tm_min) == minute && std::to_string(parts.tm_wday) == weekday)
                break;
        }
        EXPECT_EQ(Cron::parse(text).next(from), slow) << text << " from " << from;
    }
}

} // namespace

} // namespace bhype::task
