#include "os/process.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

namespace bhype::os {

namespace {

std::string contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

template <class Number>
std::optional<Number> number(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

} // namespace

std::optional<ProcessId> process_id(pid_t pid) {
    const auto text = contents("/proc/" + std::to_string(pid) + "/stat");
    // proc(5): the second field is the name in parentheses, which may itself hold anything; starttime is 22.
    auto at = text.rfind(')');
    for (int field = 2; at != text.npos && field < 22; ++field)
        at = text.find(' ', at + 1);
    if (at == text.npos)
        return std::nullopt;
    const auto started =
        number<std::int64_t>(std::string_view(text).substr(at + 1, text.find(' ', at + 1) - at - 1));
    return started ? std::optional(ProcessId{pid, *started}) : std::nullopt;
}

std::string process_title(pid_t pid) {
    auto title = contents("/proc/" + std::to_string(pid) + "/cmdline");
    while (!title.empty() && title.back() == '\0')
        title.pop_back();
    std::replace(title.begin(), title.end(), '\0', ' ');
    return title;
}

std::vector<Process> processes() {
    std::vector<Process> found;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
        const auto pid = number<pid_t>(entry.path().filename().string());
        struct stat owner {};
        if (!pid || ::stat(entry.path().c_str(), &owner) != 0)
            continue;
        if (const auto id = process_id(*pid))
            found.push_back({*id, owner.st_uid, process_title(*pid)});
    }
    return found;
}

} // namespace bhype::os
