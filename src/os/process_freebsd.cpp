#include "os/process.h"

#include <sys/param.h>
#include <sys/sysctl.h>
#include <sys/user.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace bhype::os {

namespace {

ProcessId identity(const kinfo_proc& process) {
    return {process.ki_pid,
            static_cast<std::int64_t>(process.ki_start.tv_sec) * 1'000'000 + process.ki_start.tv_usec};
}

} // namespace

std::optional<ProcessId> process_id(pid_t pid) {
    const std::array<int, 4> name{CTL_KERN, KERN_PROC, KERN_PROC_PID, pid};
    kinfo_proc process{};
    std::size_t size = sizeof process;
    if (::sysctl(name.data(), name.size(), &process, &size, nullptr, 0) != 0 || size < sizeof process ||
        process.ki_pid != pid)
        return std::nullopt;
    return identity(process);
}

std::string process_title(pid_t pid) {
    const std::array<int, 4> name{CTL_KERN, KERN_PROC, KERN_PROC_ARGS, pid};
    std::string title(64 * 1024, '\0');
    std::size_t size = title.size();
    if (::sysctl(name.data(), name.size(), title.data(), &size, nullptr, 0) != 0)
        return {};
    title.resize(size);
    while (!title.empty() && title.back() == '\0')
        title.pop_back();
    std::replace(title.begin(), title.end(), '\0', ' ');
    return title;
}

std::vector<Process> processes() {
    const std::array<int, 3> name{CTL_KERN, KERN_PROC, KERN_PROC_PROC};
    std::vector<kinfo_proc> table;
    std::size_t size = 0;
    // The table may grow between asking for its size and reading it.
    for (int attempt = 0; attempt < 5; ++attempt) {
        if (::sysctl(name.data(), name.size(), nullptr, &size, nullptr, 0) != 0)
            return {};
        table.resize(size / sizeof(kinfo_proc) + 32);
        size = table.size() * sizeof(kinfo_proc);
        if (::sysctl(name.data(), name.size(), table.data(), &size, nullptr, 0) == 0)
            break;
        if (errno != ENOMEM)
            return {};
        size = 0;
    }
    table.resize(size / sizeof(kinfo_proc));
    std::vector<Process> found;
    for (const auto& process : table)
        found.push_back({identity(process), process.ki_uid, process_title(process.ki_pid)});
    return found;
}

} // namespace bhype::os
