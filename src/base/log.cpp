#include "base/log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <mutex>

namespace bhype::log {

namespace {
std::mutex mutex;
std::string path;
Level lowest_level = Level::info;

constexpr std::string_view name(Level level) {
    switch (level) {
    case Level::debug:
        return "debug";
    case Level::info:
        return "info";
    case Level::warning:
        return "warning";
    case Level::error:
        return "error";
    }
    return "?";
}
} // namespace

void open(const std::string& file, Level lowest) {
    {
        const std::lock_guard lock(mutex);
        path = file;
        lowest_level = lowest;
    }
    reopen();
}

void reopen() {
    const std::lock_guard lock(mutex);
    if (path.empty())
        return;
    const int opened = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (opened < 0)
        return;
    ::dup2(opened, STDERR_FILENO);
    ::close(opened);
}

void write(Level level, std::string_view text) {
    if (level < lowest_level)
        return;
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    tm utc{};
    ::gmtime_r(&now.tv_sec, &utc);
    char stamp[32];
    const auto stamp_length = ::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    std::string line = fmt::format("{}.{:03}Z {} ", std::string_view(stamp, stamp_length),
                                   now.tv_nsec / 1000000, name(level));
    for (const char c : text) // a value from outside must not be able to forge a second line
        line += (static_cast<unsigned char>(c) < 0x20 && c != '\t') ? ' ' : c;
    line += '\n';
    const std::lock_guard lock(mutex);
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

} // namespace bhype::log
