#pragma once

// Moments in the host's time zone (tzset(3)).

#include <cstdint>
#include <ctime>
#include <string>

namespace bhype::task {

/// `at`: epoch seconds.
inline std::tm local_time(std::int64_t at) {
    const auto time = static_cast<std::time_t>(at);
    std::tm parts{};
    ::localtime_r(&time, &parts);
    return parts;
}

/// As strftime(3) writes it, in at most 63 characters.
inline std::string local_text(std::int64_t at, const char* format) {
    const auto parts = local_time(at);
    char text[64];
    return {text, std::strftime(text, sizeof text, format, &parts)};
}

} // namespace bhype::task
