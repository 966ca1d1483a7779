#include "vmd/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>

namespace bhype::vmd {

LogFile::LogFile(int dataset, std::int64_t group, std::int64_t limit)
    : file_(::openat(dataset, "bhyve.log", O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                     0640)),
      limit_(limit) {
    struct stat facts {};
    if (file_ && (::fstat(file_.get(), &facts) != 0 || !S_ISREG(facts.st_mode)))
        file_.reset();
    if (!file_)
        file_ = Fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
    else if (group >= 0 && facts.st_gid != static_cast<gid_t>(group)) [[maybe_unused]]
        const auto unused = ::fchown(file_.get(), static_cast<uid_t>(-1), static_cast<gid_t>(group));
}

std::int64_t LogFile::size() const {
    struct stat facts {};
    return ::fstat(file_.get(), &facts) == 0 ? facts.st_size : 0;
}

void LogFile::note(std::string_view text) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    tm utc{};
    ::gmtime_r(&now.tv_sec, &utc);
    char stamp[32];
    const auto length = ::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ ", &utc);
    const auto line = std::string(stamp, length) + "bhype-vmd: " + std::string(text) + "\n";
    [[maybe_unused]] const auto written = ::write(file_.get(), line.data(), line.size());
}

std::string LogFile::read_from(std::int64_t from, std::size_t most) const {
    std::string text(most, '\0');
    const auto got = ::pread(file_.get(), text.data(), text.size(), from);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
}

std::string LogFile::tail(std::size_t bytes) const {
    return read_from(std::max<std::int64_t>(0, size() - static_cast<std::int64_t>(bytes)), bytes);
}

std::vector<std::string> LogFile::lines_since(std::int64_t from, std::size_t most) const {
    constexpr std::int64_t enough = 16384;
    std::string text = read_from(std::max(from, size() - enough), enough);
    // Our own lines are not bhyve's words.
    std::string theirs;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size() - 1) + 1;
        const auto line = std::string_view(text).substr(at, end - at);
        if (line.find("Z bhype-vmd: ") != 19)
            theirs += line;
        at = end;
    }
    return showable_lines(theirs, most);
}

bool LogFile::trim() {
    if (size() <= limit_)
        return false;
    const auto kept = tail(static_cast<std::size_t>(limit_ / 4));
    if (::ftruncate(file_.get(), 0) != 0)
        return false;
    note("older lines were cut off");
    [[maybe_unused]] const auto written = ::write(file_.get(), kept.data(), kept.size());
    return true;
}

std::vector<std::string> showable_lines(std::string_view text, std::size_t most) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const auto raw = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), raw.size() + 1));
        std::string line;
        for (std::size_t i = 0; i < raw.size() && line.size() < 200; ++i) {
            // A terminal's colours and cursor movements: ESC [ ... letter.
            if (raw[i] == '\x1b' && i + 1 < raw.size() && raw[i + 1] == '[') {
                for (i += 2; i < raw.size() && !(raw[i] >= '@' && raw[i] <= '~');)
                    ++i;
                continue;
            }
            if (static_cast<unsigned char>(raw[i]) >= 0x20 && static_cast<unsigned char>(raw[i]) < 0x7f)
                line += raw[i];
            else if (raw[i] == '\t')
                line += ' ';
        }
        if (line.find_first_not_of(' ') != std::string::npos)
            lines.push_back(std::move(line));
    }
    if (lines.size() > most)
        lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(most));
    return lines;
}

} // namespace bhype::vmd
