#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <functional>

namespace bhype::access {

using Steady = std::chrono::steady_clock;

/// Limits are measured by the clock that does not jump; the other is for what is kept over a restart. Tests
/// have their own.
struct Clocks {
    std::function<Steady::time_point()> steady = [] { return Steady::now(); };
    std::function<std::int64_t()> epoch = [] { return static_cast<std::int64_t>(std::time(nullptr)); };
};

} // namespace bhype::access
