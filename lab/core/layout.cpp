#include "lab/core/layout.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

/// Field 22 of /proc/PID/stat: with the id it names a process for good. Empty if there is none.
std::string start_time(int pid) {
    std::ifstream in(fmt::format("/proc/{}/stat", pid));
    std::string text;
    std::getline(in, text);
    const auto name_end = text.rfind(')');
    if (name_end == std::string::npos)
        return {};
    std::istringstream fields(text.substr(name_end + 1));
    std::string field;
    for (int i = 3; i <= 22; ++i) {
        fields >> field;
        if (i == 3 && (field == "Z" || field == "X"))
            return {};
    }
    return field;
}

} // namespace

void save(const Layout& layout, const LabConfig& config) {
    std::ofstream out(layout.config(), std::ios::trunc);
    out << "release=" << config.release << "\nmemory=" << config.memory << "\nslow=" << config.slow
        << "\nnics=" << config.nics << "\nport=" << config.port << '\n';
    for (const auto size : config.disks)
        out << "disk=" << size << '\n';
    if (!config.appliance.empty())
        out << "appliance=" << config.appliance.string() << '\n';
    for (const auto& share : config.shares)
        out << "share=" << share.string() << '\n';
    if (!out.flush())
        throw std::runtime_error("cannot write " + layout.config().string());
}

LabConfig load(const std::filesystem::path& file) {
    LabConfig config;
    std::ifstream in(file);
    if (!in)
        throw std::runtime_error("cannot read " + file.string());
    for (std::string line; std::getline(in, line);) {
        const auto equals = line.find('=');
        const std::string key = line.substr(0, equals), value = line.substr(equals + 1);
        if (key == "release")
            config.release = value;
        else if (key == "memory")
            config.memory = std::stoull(value);
        else if (key == "slow")
            config.slow = value == "1";
        else if (key == "nics")
            config.nics = static_cast<unsigned>(std::stoul(value));
        else if (key == "port")
            config.port = static_cast<std::uint16_t>(std::stoul(value));
        else if (key == "disk")
            config.disks.push_back(std::stoull(value));
        else if (key == "appliance")
            config.appliance = value;
        else if (key == "share")
            config.shares.emplace_back(value);
    }
    return config;
}

std::uint64_t parse_size(const std::string& text) {
    std::size_t end = 0;
    const auto number = text.empty() || text[0] == '-' ? 0 : std::stoull(text, &end);
    const std::string suffix = text.substr(end);
    for (const auto& [name, shift] : {std::pair{"", 0}, {"K", 10}, {"M", 20}, {"G", 30}, {"T", 40}})
        if (suffix == name && number > 0)
            return number << shift;
    throw std::invalid_argument("not a size: " + text);
}

unsigned parse_nics(const std::string& text) {
    if (text.size() != 1 || text[0] < '0' || text[0] > '8')
        throw std::invalid_argument("not a number of network cards, 0 to 8: " + text);
    return static_cast<unsigned>(text[0] - '0');
}

std::vector<std::uint64_t> parse_disks(const std::string& text) {
    std::vector<std::uint64_t> sizes;
    std::istringstream in(text);
    for (std::string part; std::getline(in, part, ',');) {
        const auto times = part.find('x');
        const std::size_t count = times == std::string::npos ? 1 : std::stoul(part.substr(0, times));
        const auto size = parse_size(times == std::string::npos ? part : part.substr(times + 1));
        if (count < 1 || count > 64)
            throw std::invalid_argument("not a number of disks: " + part);
        sizes.insert(sizes.end(), count, size);
    }
    return sizes;
}

std::optional<RunningLab> running(const Layout& layout) {
    std::ifstream in(layout.pid());
    int pid = 0;
    std::string start;
    if (!(in >> pid >> start))
        return std::nullopt;
    const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    if (pidfd < 0)
        return std::nullopt;
    if (start_time(pid) != start) {
        close(pidfd);
        return std::nullopt;
    }
    return RunningLab{pid, pidfd};
}

void note_running(const Layout& layout, int pid) {
    std::ofstream out(layout.pid(), std::ios::trunc);
    out << pid << ' ' << start_time(pid) << '\n';
    if (!out.flush())
        throw std::runtime_error("cannot write " + layout.pid().string());
}

void kill_lab(const RunningLab& lab) {
    // The first process of a pid namespace takes all others with it, and ends after them.
    if (syscall(SYS_pidfd_send_signal, lab.pidfd, SIGKILL, nullptr, 0) != 0 && errno != ESRCH)
        throw std::system_error(errno, std::generic_category(), "cannot end the lab");
    pollfd ended{lab.pidfd, POLLIN, 0};
    while (poll(&ended, 1, 60'000) < 0 && errno == EINTR) {
    }
    if (!ended.revents)
        throw std::runtime_error("the lab's processes did not end within a minute");
}

} // namespace bhype::lab
