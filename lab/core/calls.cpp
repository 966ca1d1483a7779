#include "lab/core/calls.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <sstream>
#include <system_error>
#include <thread>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

using Clock = std::chrono::steady_clock;

/// One field of a record: spaces, quotes and control characters escaped, so that a record stays one line.
std::string escaped(std::string_view text) {
    std::string out;
    for (unsigned char c : text) {
        if (c <= ' ' || c == '\\' || c == 0x7f)
            out += fmt::format("\\{:03o}", c);
        else
            out += static_cast<char>(c);
    }
    return out.empty() ? "\\e" : out;
}

std::string unescaped(std::string_view text) {
    if (text == "\\e")
        return {};
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size()) {
            out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 3)), nullptr, 8));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

/// Shared by every user of the lab, hence writable by all; appending keeps records whole.
int open_shared(const std::filesystem::path& file, int flags) {
    const int fd = open(file.c_str(), flags | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        throw std::system_error(errno, std::generic_category(), file.string());
    fchmod(fd, 0666);
    return fd;
}

void append(const std::filesystem::path& file, const std::string& line) {
    const int fd = open_shared(file, O_WRONLY | O_APPEND);
    [[maybe_unused]] const auto written = write(fd, line.data(), line.size());
    close(fd);
}

/// The file of faults, locked while it is read and written anew.
class FaultFile {
  public:
    explicit FaultFile(const std::filesystem::path& state) : fd_(open_shared(state / "faults", O_RDWR)) {
        flock(fd_, LOCK_EX);
        std::string text;
        char buffer[4096];
        for (ssize_t n; (n = read(fd_, buffer, sizeof buffer)) > 0;)
            text.append(buffer, static_cast<std::size_t>(n));
        std::istringstream in(text);
        std::string command, stderr_text;
        Fault fault;
        while (in >> command >> fault.countdown >> fault.exit_status >> fault.hang >> stderr_text) {
            fault.command = unescaped(command);
            fault.text = unescaped(stderr_text);
            faults.push_back(fault);
        }
    }
    FaultFile(const FaultFile&) = delete;
    FaultFile& operator=(const FaultFile&) = delete;
    ~FaultFile() { close(fd_); }

    void save() {
        std::string text;
        for (const Fault& fault : faults)
            text += fmt::format("{} {} {} {} {}\n", escaped(fault.command), fault.countdown,
                                fault.exit_status, fault.hang, escaped(fault.text));
        if (ftruncate(fd_, 0) == 0) [[maybe_unused]]
            const auto written = pwrite(fd_, text.data(), text.size(), 0);
    }

    std::vector<Fault> faults;

  private:
    int fd_;
};

bool matches(const Fault& fault, std::string_view name, const Arguments& arguments) {
    std::istringstream words(fault.command);
    std::string word;
    words >> word;
    if (word != name)
        return false;
    for (std::size_t i = 0; words >> word; ++i)
        if (i >= arguments.size() || arguments[i] != word)
            return false;
    return true;
}

std::optional<Fault> take_fault(std::string_view name, const Arguments& arguments) {
    struct stat info {};
    if (stat((state_dir() / "faults").c_str(), &info) != 0 || info.st_size == 0)
        return std::nullopt;
    FaultFile file(state_dir());
    std::optional<Fault> due;
    for (auto fault = file.faults.begin(); fault != file.faults.end();) {
        if (matches(*fault, name, arguments) && --fault->countdown == 0 && !due) {
            due = *fault;
            fault = file.faults.erase(fault);
        } else {
            ++fault;
        }
    }
    file.save();
    return due;
}

int run_with_faults(const Command& command, std::string_view name, const Arguments& arguments) {
    if (const auto fault = take_fault(name, arguments)) {
        std::this_thread::sleep_for(std::chrono::seconds(fault->hang));
        if (fault->exit_status >= 0) {
            if (!fault->text.empty())
                std::cerr << fault->text << (fault->text.back() == '\n' ? "" : "\n");
            return fault->exit_status;
        }
    }
    return command.main(arguments);
}

} // namespace

int run_recorded(const Command& command, std::string_view name, const Arguments& arguments) {
    const auto log = state_dir() / "calls";
    const auto start = Clock::now();
    const auto id = fmt::format("{}.{}", getpid(), start.time_since_epoch().count());
    std::string line = fmt::format("> {} {} {}", id, getuid(), escaped(name));
    for (const auto& argument : arguments)
        line += ' ' + escaped(argument);
    append(log, line + '\n');
    int status = 1;
    try {
        status = run_with_faults(command, name, arguments);
    } catch (const std::exception& error) {
        // Not one of FreeBSD's failures but one of the lab's, so it must not look like FreeBSD's.
        std::cerr << "lab: " << name << ": " << error.what() << '\n';
        status = 70;
    }
    std::cout.flush();
    const std::chrono::duration<double, std::milli> took = Clock::now() - start;
    append(log, fmt::format("< {} {} {:.1f}\n", id, status, took.count()));
    return status;
}

void add_fault(const std::filesystem::path& state, const Fault& fault) {
    FaultFile file(state);
    file.faults.push_back(fault);
    file.save();
}

void clear_faults(const std::filesystem::path& state) {
    FaultFile file(state);
    file.faults.clear();
    file.save();
}

void print_calls(const std::filesystem::path& state, std::ostream& out) {
    struct Call {
        std::string uid, argv, status{"-"}, ms{"-"};
    };
    std::vector<Call> calls;
    std::map<std::string, std::size_t> by_id;
    std::ifstream in(state / "calls");
    for (std::string line; std::getline(in, line);) {
        std::istringstream fields(line);
        std::string kind, id;
        fields >> kind >> id;
        if (kind == ">") {
            Call call;
            fields >> call.uid;
            std::getline(fields >> std::ws, call.argv);
            by_id[id] = calls.size();
            calls.push_back(call);
        } else if (const auto found = by_id.find(id); found != by_id.end()) {
            fields >> calls[found->second].status >> calls[found->second].ms;
        }
    }
    for (const Call& call : calls)
        out << call.status << ' ' << call.ms << ' ' << call.uid << ' ' << call.argv << '\n';
}

void clear_calls(const std::filesystem::path& state) {
    std::ofstream(state / "calls", std::ios::trunc);
}

} // namespace bhype::lab
