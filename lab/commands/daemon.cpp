#include "lab/commands/commands.h"
#include "lab/commands/process.h"
#include "lab/commands/text.h"
#include "lab/core/accounts.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <iostream>
#include <map>
#include <optional>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

constexpr const char* usage_text =
    "usage: daemon [-cfHrS] [-p child_pidfile] [-P supervisor_pidfile]\n"
    "              [-u user] [-o output_file] [-M output_file_mode] [-t title]\n"
    "              [-l syslog_facility] [-s syslog_priority]\n"
    "              [-T syslog_tag] [-m output_mask] [-R restart_delay_secs]\n"
    "              [-C restart_count]\n"
    "command arguments ...\n";

// usr.sbin/daemon/daemon.c
constexpr int max_restart_delay = 3600, max_restart_count = 128;

struct Settings {
    bool supervise{false}, change_directory{false}, close_files{false}, reopen{false}, to_syslog{false};
    std::optional<int> restart_delay, restart_count;
    int mask{3}, facility{LOG_DAEMON}, priority{LOG_NOTICE};
    mode_t output_mode{0600};
    std::string child_pidfile, supervisor_pidfile, output, tag{"daemon"}, title, user;
    std::vector<std::string> command;
};

int number(const std::string& text, int low, int high, int status, const char* what) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        errx(status, std::string(what) + ": invalid");
    if (value < low || value > high)
        errx(status, std::string(what) + (value < low ? ": too small" : ": too large"));
    return value;
}

int code_of(const std::map<std::string, int>& codes, const std::string& name, int status, const char* what) {
    const auto found = codes.find(name);
    if (found == codes.end())
        errx(status, what);
    return found->second;
}

const std::map<std::string, int> facilities{
    {"auth", LOG_AUTH},     {"authpriv", LOG_AUTHPRIV}, {"cron", LOG_CRON},     {"daemon", LOG_DAEMON},
    {"kern", LOG_KERN},     {"mail", LOG_MAIL},         {"syslog", LOG_SYSLOG}, {"user", LOG_USER},
    {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1},     {"local2", LOG_LOCAL2}, {"local3", LOG_LOCAL3},
    {"local4", LOG_LOCAL4}, {"local5", LOG_LOCAL5},     {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7},
};
const std::map<std::string, int> priorities{
    {"alert", LOG_ALERT}, {"crit", LOG_CRIT}, {"debug", LOG_DEBUG},   {"emerg", LOG_EMERG},
    {"err", LOG_ERR},     {"info", LOG_INFO}, {"notice", LOG_NOTICE}, {"warning", LOG_WARNING},
};

/// pidfile_open(3): the file stays locked for as long as it is open.
int open_pidfile(const std::string& path, const char* label) {
    if (path.empty())
        return -1;
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        err(2, fmt::format("{} ``{}''", label, path), errno);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        char other[32]{};
        [[maybe_unused]] const auto n = read(fd, other, sizeof other - 1);
        errx(3, fmt::format("process already running, pid: {}", std::atoi(other)));
    }
    [[maybe_unused]] const auto cut = ftruncate(fd, 0);
    return fd;
}

void write_pidfile(int fd, int pid) {
    if (fd < 0)
        return;
    const auto text = std::to_string(pid);
    if (ftruncate(fd, 0) == 0) [[maybe_unused]]
        const auto written = pwrite(fd, text.data(), text.size(), 0);
}

[[noreturn]] void run_command(const Settings& settings) {
    if (!settings.user.empty()) {
        const auto account = find_account("/etc", settings.user);
        if (!account) {
            std::cerr << "daemon: unknown user: " << settings.user << '\n';
            _exit(1);
        }
        if (setgid(account->gid) != 0 || setgroups(account->groups.size(), account->groups.data()) != 0 ||
            setuid(account->uid) != 0) {
            std::cerr << "daemon: failed to set user environment\n";
            _exit(1);
        }
        setenv("USER", account->name.c_str(), 1);
        setenv("HOME", account->home.c_str(), 1);
        setenv("SHELL", "/bin/sh", 1);
    }
    std::vector<char*> argv;
    for (const auto& word : settings.command)
        argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    signal(SIGHUP, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execvp(argv[0], argv.data());
    std::cerr << "daemon: " << argv[0] << ": " << error_text(errno) << '\n';
    _exit(1);
}

class Supervisor {
  public:
    Supervisor(Settings settings, int child_pidfile, int output)
        : settings_(std::move(settings)), child_pidfile_(child_pidfile), output_(output) {
        sigset_t set;
        sigemptyset(&set);
        for (const int signal_number : {SIGCHLD, SIGTERM, SIGHUP})
            sigaddset(&set, signal_number);
        sigprocmask(SIG_BLOCK, &set, nullptr);
        signals_ = signalfd(-1, &set, SFD_CLOEXEC);
    }

    int run() {
        int restarts = 0;
        while (true) {
            run_child();
            if (terminating_ || !settings_.restart_delay)
                break;
            if (settings_.restart_count && restarts++ >= *settings_.restart_count)
                break;
            write_pidfile(child_pidfile_, 0);
            if (child_pidfile_ >= 0) [[maybe_unused]]
                const auto cut = ftruncate(child_pidfile_, 0);
            wait_before_restart(*settings_.restart_delay * 1000);
            if (terminating_)
                break;
        }
        return 0;
    }

  private:
    void run_child() {
        int pipes[2];
        if (pipe2(pipes, O_CLOEXEC) != 0)
            return;
        child_ = fork();
        if (child_ == 0) {
            write_pidfile(child_pidfile_, getpid());
            if (settings_.mask & 1)
                dup2(pipes[1], 1);
            if (settings_.mask & 2)
                dup2(pipes[1], 2);
            run_command(settings_);
        }
        close(pipes[1]);
        set_process_title(fmt::format("daemon: {}[{}] (daemon)", settings_.title, child_));
        int source = pipes[0];
        while (child_ > 0) {
            std::array<pollfd, 2> fds{pollfd{signals_, POLLIN, 0}, pollfd{source, POLLIN, 0}};
            if (poll(fds.data(), fds.size(), -1) < 0)
                continue;
            if (fds[1].revents && !take_output(source))
                source = -1;
            if (fds[0].revents)
                take_signal();
        }
        // To the pipe's end, deaf to signals: children of the child that still have it hold the restart up.
        while (source >= 0 && take_output(source)) {
        }
        if (!line_.empty())
            write_line();
        close(pipes[0]);
    }

    void take_signal() {
        signalfd_siginfo info{};
        if (read(signals_, &info, sizeof info) != sizeof info)
            return;
        if (info.ssi_signo == SIGCHLD) {
            int status = 0;
            for (int pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
                if (pid == child_)
                    child_ = -1;
        } else if (info.ssi_signo == SIGTERM && !terminating_) {
            terminating_ = true;
            if (child_ > 0)
                kill(child_, SIGTERM);
        } else if (info.ssi_signo == SIGHUP && settings_.reopen && output_ >= 0) {
            close(output_);
            output_ = open(settings_.output.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC,
                           settings_.output_mode);
        }
    }

    void wait_before_restart(int milliseconds) {
        timespec start{}, now{};
        clock_gettime(CLOCK_MONOTONIC, &start);
        while (!terminating_) {
            clock_gettime(CLOCK_MONOTONIC, &now);
            const auto passed =
                (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1'000'000;
            if (passed >= milliseconds)
                return;
            pollfd fd{signals_, POLLIN, 0};
            if (poll(&fd, 1, static_cast<int>(milliseconds - passed)) > 0)
                take_signal();
        }
    }

    bool take_output(int source) {
        std::array<char, 4096> buffer;
        const ssize_t n = read(source, buffer.data(), buffer.size());
        if (n <= 0)
            return n < 0 && errno == EINTR;
        for (ssize_t i = 0; i < n; ++i) {
            line_ += buffer[static_cast<std::size_t>(i)];
            if (line_.back() == '\n' || line_.size() == buffer.size())
                write_line();
        }
        return true;
    }

    void write_line() {
        if (settings_.to_syslog)
            syslog(settings_.priority, "%s", line_.c_str());
        const int out = output_ >= 0 ? output_ : settings_.to_syslog || settings_.close_files ? -1 : 1;
        if (out >= 0) [[maybe_unused]]
            const auto written = write(out, line_.data(), line_.size());
        line_.clear();
    }

    Settings settings_;
    int child_pidfile_, output_, signals_{-1}, child_{-1};
    bool terminating_{false};
    std::string line_;
};

Settings read_settings(const Arguments& arguments) {
    const auto options = parse_options(arguments, major_release() >= 15 ? "cfHSp:P:ru:o:M:s:l:t:m:R:T:C:h"
                                                                        : "cfHSp:P:ru:o:s:l:t:m:R:T:h");
    if (options.bad() || options.has('h') || options.rest.empty()) {
        complain("daemon", options);
        std::cerr << usage_text;
        throw CommandFailure{options.has('h') ? 0 : 1, ""};
    }
    Settings settings;
    for (const auto& [letter, value] : options.options) {
        if (std::strchr("lopPrRsST", letter))
            settings.supervise = true;
        switch (letter) {
        case 'c':
            settings.change_directory = true;
            break;
        case 'C':
            settings.restart_count = number(value, 0, max_restart_count, 6, "invalid restart count");
            break;
        case 'f':
            settings.close_files = true;
            break;
        case 'H':
            settings.reopen = true;
            break;
        case 'l':
            settings.facility = code_of(facilities, value, 5, "unrecognized syslog facility");
            settings.to_syslog = true;
            break;
        case 'm':
            settings.mask = number(value, 0, 3, 6, "unrecognized listening mask");
            break;
        case 'M':
            settings.output_mode = static_cast<mode_t>(std::stoul(value, nullptr, 8));
            break;
        case 'o':
            settings.output = value;
            break;
        case 'p':
            settings.child_pidfile = value;
            break;
        case 'P':
            settings.supervisor_pidfile = value;
            break;
        case 'r':
            settings.restart_delay = settings.restart_delay.value_or(1);
            break;
        case 'R':
            settings.restart_delay = number(value, 1, max_restart_delay, 6, "invalid restart delay");
            break;
        case 's':
            settings.priority = code_of(priorities, value, 4, "unrecognized syslog priority");
            settings.to_syslog = true;
            break;
        case 'S':
            settings.to_syslog = true;
            break;
        case 't':
            settings.title = value;
            break;
        case 'T':
            settings.tag = value;
            settings.to_syslog = true;
            break;
        case 'u':
            settings.user = value;
            break;
        default:
            break;
        }
    }
    settings.command = options.rest;
    if (settings.title.empty())
        settings.title = settings.command[0];
    return settings;
}

} // namespace

int daemon_main(const Arguments& arguments) {
    Settings settings;
    try {
        settings = read_settings(arguments);
    } catch (const CommandFailure& failure) {
        if (!failure.text.empty())
            print_failure("daemon", failure);
        return failure.status;
    }
    return with_failures("daemon", [&] {
        int output = -1;
        if (!settings.output.empty()) {
            output = open(settings.output.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC,
                          settings.output_mode);
            if (output < 0)
                err(7, "open", errno);
        }
        if (settings.to_syslog)
            openlog(settings.tag.c_str(), LOG_PID | LOG_NDELAY, settings.facility);
        const int child_pidfile = open_pidfile(settings.child_pidfile, "pidfile");
        int supervisor_pidfile = -1;
        try {
            supervisor_pidfile = open_pidfile(settings.supervisor_pidfile, "ppidfile");
        } catch (const CommandFailure&) {
            if (child_pidfile >= 0)
                unlink(settings.child_pidfile.c_str());
            throw;
        }
        std::cout.flush();
        // daemon(3): the caller goes on when the child exists; a lock of flock(2) stays with the open file.
        const int pid = fork();
        if (pid < 0)
            err(1, "daemon", errno);
        if (pid > 0)
            return 0;
        setsid();
        if (settings.change_directory) [[maybe_unused]]
            const auto changed = chdir("/");
        if (settings.close_files) {
            const int null = open("/dev/null", O_RDWR);
            for (int fd = 0; fd < 3; ++fd)
                dup2(null, fd);
            close(null);
        }
        if (!settings.supervise)
            run_command(settings);
        write_pidfile(supervisor_pidfile, getpid());
        const std::string child_file = settings.child_pidfile, supervisor_file = settings.supervisor_pidfile;
        const int status = Supervisor(std::move(settings), child_pidfile, output).run();
        for (const auto& file : {child_file, supervisor_file})
            if (!file.empty())
                unlink(file.c_str());
        _exit(status);
    });
}

} // namespace bhype::lab
