#pragma once

#include <stdlib.h>
#include <time.h>

namespace bhype::task::test {

/// A time zone as POSIX writes it, whatever the machine has.
class Zone {
  public:
    explicit Zone(const char* name) {
        ::setenv("TZ", name, 1);
        ::tzset();
    }
    ~Zone() {
        ::unsetenv("TZ");
        ::tzset();
    }
    Zone(const Zone&) = delete;
    Zone& operator=(const Zone&) = delete;
};

inline constexpr const char* berlin = "CET-1CEST,M3.5.0,M10.5.0/3";

} // namespace bhype::task::test
