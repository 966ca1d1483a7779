#include "task/cron.h"

#include "base/error.h"
#include "task/local_time.h"

#include <array>
#include <charconv>

namespace bhype::task {

namespace {

struct Field {
    const char* name;
    int least;
    int most;
    std::vector<std::string_view> names = {}; ///< of `least`, `least` + 1, ...
};

const std::array<Field, 5> fields{{
    {"minute", 0, 59},
    {"hour", 0, 23},
    {"day of month", 1, 31},
    {"month", 1, 12, {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
    {"day of week", 0, 7, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}};

[[noreturn]] void refuse(const std::string& about, const std::string& why) {
    throw Error(Code::invalid_field, {}, {{about, why}});
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto end = text.find_first_of(separators);
        parts.push_back(text.substr(0, end));
        if (end == text.npos)
            return parts;
        text.remove_prefix(end + 1);
    }
}

std::optional<int> number(std::string_view text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || text.front() == '-' || error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

int value_of(const Field& field, std::string_view text, const std::string& about) {
    std::string lower(text);
    for (char& c : lower)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    for (std::size_t i = 0; i < field.names.size(); ++i)
        if (lower == field.names[i])
            return field.least + static_cast<int>(i);
    const auto value = number(text);
    if (!value || *value < field.least || *value > field.most)
        refuse(about, std::string(field.name) + " \"" + std::string(text) + "\" is not from " +
                          std::to_string(field.least) + " to " + std::to_string(field.most));
    return *value;
}

/// "*", "*/5", "1-10/2", "mon,wed": sets the bits; true for '*' alone.
template <class Set>
bool read(const Field& field, std::string_view text, const std::string& about, Set set) {
    for (const auto part : split(text, ",")) {
        const auto slash = part.find('/');
        const auto range = part.substr(0, slash);
        int step = 1;
        if (slash != part.npos) {
            const auto value = number(part.substr(slash + 1));
            if (!value || *value < 1)
                refuse(about, std::string(field.name) + " \"" + std::string(part) +
                                  "\": after '/' stands how many to go on by");
            step = *value;
        }
        int from = field.least;
        int to = field.most;
        if (range != "*") {
            const auto dash = range.find('-');
            from = value_of(field, range.substr(0, dash), about);
            to = dash != range.npos   ? value_of(field, range.substr(dash + 1), about)
                 : slash != part.npos ? field.most
                                      : from;
            if (to < from)
                refuse(about,
                       std::string(field.name) + " \"" + std::string(range) + "\" ends before it begins");
        }
        for (int value = from; value <= to; value += step)
            set(static_cast<std::size_t>(value));
    }
    return text == "*";
}

std::string_view nickname(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 7> all{{
        {"@hourly", "0 * * * *"},
        {"@daily", "0 0 * * *"},
        {"@midnight", "0 0 * * *"},
        {"@weekly", "0 0 * * 0"},
        {"@monthly", "0 0 1 * *"},
        {"@yearly", "0 0 1 1 *"},
        {"@annually", "0 0 1 1 *"},
    }};
    for (const auto& [name, meaning] : all)
        if (text == name)
            return meaning;
    return text;
}

} // namespace

Cron Cron::parse(std::string_view text, const std::string& field) {
    std::vector<std::string_view> words;
    for (const auto word : split(nickname(text), " \t"))
        if (!word.empty())
            words.push_back(word);
    if (words.size() != fields.size())
        refuse(field,
               "five fields as in crontab(5): minute, hour, day of month, month, day of week; or @daily "
               "and its like");
    Cron cron;
    read(fields[0], words[0], field, [&](std::size_t n) { cron.minutes_.set(n); });
    read(fields[1], words[1], field, [&](std::size_t n) { cron.hours_.set(n); });
    cron.any_day_ = read(fields[2], words[2], field, [&](std::size_t n) { cron.days_.set(n); });
    read(fields[3], words[3], field, [&](std::size_t n) { cron.months_.set(n); });
    cron.any_weekday_ = read(fields[4], words[4], field, [&](std::size_t n) { cron.weekdays_.set(n % 7); });
    return cron;
}

bool Cron::day_fits(int day, int month, int weekday) const {
    if (!months_[static_cast<std::size_t>(month)])
        return false;
    const bool by_day = days_[static_cast<std::size_t>(day)];
    const bool by_weekday = weekdays_[static_cast<std::size_t>(weekday)];
    return any_day_ || any_weekday_ ? by_day && by_weekday : by_day || by_weekday;
}

bool Cron::left_out(int from_hour, int to_hour) const {
    for (int hour = from_hour + 1; hour < to_hour; ++hour)
        if (hours_[static_cast<std::size_t>(hour)])
            return true;
    return false;
}

std::optional<std::int64_t> Cron::next(std::int64_t after) const {
    constexpr std::int64_t longest = std::int64_t{5} * 366 * 86400;
    // In real time, from one beginning of a minute, an hour or a day to another: so no change of clocks is
    // passed unseen.
    std::int64_t at = after - after % 60 + 60;
    while (at < after + longest) {
        const auto now = local_time(at);
        if (now.tm_min == 0 || at - after <= 60) {
            const auto before = local_time(at - 60);
            const bool same_day = before.tm_mday == now.tm_mday && before.tm_mon == now.tm_mon;
            if (same_day && now.tm_hour > before.tm_hour + 1 &&
                day_fits(now.tm_mday, now.tm_mon + 1, now.tm_wday) && left_out(before.tm_hour, now.tm_hour))
                return at;
        }
        if (!day_fits(now.tm_mday, now.tm_mon + 1, now.tm_wday)) {
            // Not at midnight, which some zones leave out; the hours then find their way.
            const int to_go = (23 - now.tm_hour) * 3600;
            at += to_go >= 7200 ? to_go - 3600 - now.tm_min * 60 : 3600 - now.tm_min * 60;
            continue;
        }
        if (!hours_[static_cast<std::size_t>(now.tm_hour)]) {
            at += 3600 - now.tm_min * 60;
            continue;
        }
        const auto hour_before = local_time(at - 3600);
        const bool again = hour_before.tm_hour == now.tm_hour && hour_before.tm_min == now.tm_min;
        if (minutes_[static_cast<std::size_t>(now.tm_min)] && !(again && !hours_.all()))
            return at;
        at += 60;
    }
    return std::nullopt;
}

std::vector<std::int64_t> Cron::next(std::int64_t after, std::size_t many) const {
    std::vector<std::int64_t> times;
    while (times.size() < many) {
        const auto at = next(times.empty() ? after : times.back());
        if (!at)
            break;
        times.push_back(*at);
    }
    return times;
}

} // namespace bhype::task
