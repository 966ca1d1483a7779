#pragma once

// Times as crontab(5) writes them. No library of Debian's and FreeBSD's does this for C++.

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bhype::task {

/// Five fields: minute, hour, day of month, month, day of week (0 and 7 are Sunday), each of '*', numbers,
/// ranges, steps and lists; months and days by their first three letters too; or one of @hourly, @daily,
/// @weekly, @monthly, @yearly. When both days are restricted, either one will do, as in crontab(5).
///
/// Times are those of the local zone (tzset(3)). A time that a change of clocks leaves out is taken at the
/// moment of the change; one that comes twice is taken the first time alone, unless every hour is wanted.
class Cron {
  public:
    /// Throws Error(invalid_field) about `field`, with what is wrong.
    static Cron parse(std::string_view text, const std::string& field = "schedule");

    /// The first time after `after` (epoch seconds); nothing when there is none within five years, as for 30
    /// February.
    std::optional<std::int64_t> next(std::int64_t after) const;
    std::vector<std::int64_t> next(std::int64_t after, std::size_t many) const;

  private:
    bool day_fits(int day, int month, int weekday) const;
    bool left_out(int from_hour, int to_hour) const;

    std::bitset<60> minutes_;
    std::bitset<24> hours_;
    std::bitset<32> days_;
    std::bitset<13> months_;
    std::bitset<7> weekdays_;
    bool any_day_ = false;
    bool any_weekday_ = false;
};

} // namespace bhype::task
