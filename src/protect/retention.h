#pragma once

// Which snapshots of a plan stay. Pure: no clock, no host.

#include "base/json.h"

namespace bhype::protect {

/// How many stay. Each rule keeps the newest of each of its last periods that have any; what one rule keeps,
/// stays. None given: everything stays.
struct Retention {
    std::optional<Ranged<1, 1000>> last;
    std::optional<Ranged<1, 1000>> hourly;
    std::optional<Ranged<1, 1000>> daily;
    std::optional<Ranged<1, 520>> weekly; ///< ISO 8601 weeks
    std::optional<Ranged<1, 240>> monthly;
    std::optional<Ranged<1, 100>> yearly;
    bool operator==(const Retention&) const = default;
};
BOOST_DESCRIBE_STRUCT(Retention, (), (last, hourly, daily, weekly, monthly, yearly))

struct Dated {
    std::string name;
    std::int64_t at = 0; ///< epoch seconds
    bool bound = false;  ///< held, cloned, or still to be sent: never among those that go
};

struct Verdict {
    std::string name;
    std::int64_t at = 0;
    std::vector<std::string> kept_by; ///< "daily", "held"; empty: it goes
};

/// Newest first, whatever the order of `all`. The newest one always stays. Periods are those of the local
/// time zone (tzset(3)).
std::vector<Verdict> judge(std::vector<Dated> all, const Retention& retention);

} // namespace bhype::protect
