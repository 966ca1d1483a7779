#include "lab/core/exec.h"

#include "lab/core/accounts.h"
#include "lab/core/unix_socket.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <poll.h>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

constexpr int lab_failed = 125;
constexpr std::size_t max_message = 128 * 1024;

// Messages: one packet each, the first byte tells the kind.
//   'R' user NUL terminal NUL rows NUL columns NUL argv... NUL-terminated each, with descriptors 0, 1, 2
//   unless a
//       terminal is wanted (terminal = value of TERM)
//   'S' signal number          to the command's process group
//   'T' (with descriptor)      the terminal's other side
//   'E' exit status as text

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin < text.size();) {
        const auto end = text.find('\0', begin);
        parts.push_back(text.substr(begin, end - begin));
        if (end == std::string::npos)
            break;
        begin = end + 1;
    }
    return parts;
}

[[noreturn]] void run(const ExecRequest& request, const std::string& term) {
    const auto account = find_account("/etc", request.user);
    if (!account) {
        std::cerr << "lab: no such user: " << request.user << '\n';
        _exit(lab_failed);
    }
    if (setgid(account->gid) != 0 || setgroups(account->groups.size(), account->groups.data()) != 0 ||
        setuid(account->uid) != 0) {
        std::cerr << "lab: cannot become " << request.user << ": " << std::strerror(errno) << '\n';
        _exit(lab_failed);
    }
    if (chdir(account->home.c_str()) != 0 && chdir("/") != 0)
        _exit(lab_failed);
    std::vector<std::string> environment{
        "PATH=/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin",
        "HOME=" + account->home,
        "USER=" + account->name,
        "LOGNAME=" + account->name,
        "SHELL=/bin/sh",
        "LANG=C.UTF-8",
    };
    if (!term.empty())
        environment.push_back("TERM=" + term);
    std::vector<char*> argv, env;
    for (const auto& argument : request.argv)
        argv.push_back(const_cast<char*>(argument.c_str()));
    for (const auto& variable : environment)
        env.push_back(const_cast<char*>(variable.c_str()));
    argv.push_back(nullptr);
    env.push_back(nullptr);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    signal(SIGPIPE, SIG_DFL);
    setenv("PATH", environment[0].c_str() + 5, 1); // execvpe searches the caller's own PATH
    execvpe(argv[0], argv.data(), env.data());
    const int error = errno;
    std::cerr << "lab: " << request.argv[0] << ": " << std::strerror(error) << '\n';
    _exit(error == ENOENT ? 127 : 126);
}

int signal_pipe = -1;

void forward_signal(int number) {
    const auto byte = static_cast<unsigned char>(number);
    [[maybe_unused]] const auto written = write(signal_pipe, &byte, 1);
}

/// Puts the caller's terminal into raw mode for as long as it lives.
class RawTerminal {
  public:
    RawTerminal() {
        tcgetattr(0, &saved_);
        termios raw = saved_;
        cfmakeraw(&raw);
        tcsetattr(0, TCSADRAIN, &raw);
    }
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;
    ~RawTerminal() { tcsetattr(0, TCSADRAIN, &saved_); }

  private:
    termios saved_{};
};

bool copy_some(int from, int to) {
    std::array<char, 16384> buffer;
    const ssize_t n = read(from, buffer.data(), buffer.size());
    if (n <= 0)
        return n < 0 && errno == EINTR;
    for (ssize_t done = 0; done < n;) {
        const ssize_t w = write(to, buffer.data() + done, static_cast<std::size_t>(n - done));
        if (w < 0 && errno != EINTR)
            return false;
        done += w > 0 ? w : 0;
    }
    return true;
}

/// Waits for the end of the command, passing signals on and, with a terminal, the bytes of both sides.
int attend(int server, int signals, int terminal) {
    std::optional<RawTerminal> raw;
    if (terminal >= 0)
        raw.emplace();
    int status = lab_failed;
    bool ended = false, input = terminal >= 0;
    while (!ended) {
        std::array<pollfd, 4> fds{pollfd{server, POLLIN, 0}, pollfd{signals, POLLIN, 0},
                                  pollfd{terminal, POLLIN, 0}, pollfd{input ? 0 : -1, POLLIN, 0}};
        if (poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR)
            break;
        if (fds[2].revents && !copy_some(terminal, 1))
            terminal = -1;
        if (fds[3].revents && !copy_some(0, terminal))
            input = false;
        if (fds[1].revents) {
            unsigned char number = 0;
            if (read(signals, &number, 1) == 1) {
                winsize size{};
                if (number != SIGWINCH)
                    send_packet(server, fmt::format("S{}", static_cast<int>(number)));
                else if (terminal >= 0 && ioctl(0, TIOCGWINSZ, &size) == 0)
                    ioctl(terminal, TIOCSWINSZ, &size);
            }
        }
        if (fds[0].revents) {
            const auto packet = receive_packet(server, max_message);
            ended = true;
            if (packet && packet->bytes[0] == 'E')
                status = std::stoi(packet->bytes.substr(1));
            else
                std::cerr << "lab: the lab went down before the command had ended\n";
        }
    }
    if (terminal >= 0) { // What the command wrote last may still wait.
        pollfd rest{terminal, POLLIN, 0};
        while (poll(&rest, 1, 0) > 0 && (rest.revents & POLLIN) && copy_some(terminal, 1)) {
        }
    }
    return status;
}

} // namespace

int listen_for_exec(const Layout& layout) {
    return listen_at(layout.dir, "exec");
}

int exec_in_lab(const Layout& layout, const ExecRequest& request) {
    const int server = connect_to(layout.dir, "exec");
    if (server < 0) {
        std::cerr << "lab: no lab is up in " << layout.dir.string() << '\n';
        return lab_failed;
    }
    const bool terminal = isatty(0) && isatty(1);
    winsize size{};
    if (terminal)
        ioctl(0, TIOCGWINSZ, &size);
    const char* term = std::getenv("TERM");
    std::string message = "R" + request.user + '\0' + (terminal ? (term && *term ? term : "vt100") : "") +
                          '\0' + std::to_string(size.ws_row) + '\0' + std::to_string(size.ws_col) + '\0';
    for (const auto& argument : request.argv)
        message += argument + '\0';
    int pipes[2];
    if (pipe2(pipes, O_CLOEXEC) != 0)
        return lab_failed;
    signal_pipe = pipes[1];
    struct sigaction action {};
    action.sa_handler = forward_signal;
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH})
        sigaction(number, &action, nullptr);
    signal(SIGPIPE, SIG_IGN);
    if (!send_packet(server, message, terminal ? std::vector<int>{} : std::vector<int>{0, 1, 2})) {
        std::cerr << "lab: cannot ask the lab: " << std::strerror(errno) << '\n';
        return lab_failed;
    }
    int master = -1;
    if (terminal) {
        const auto answer = receive_packet(server, max_message);
        if (!answer || answer->bytes[0] != 'T' || answer->descriptors.size() != 1) {
            std::cerr << "lab: the lab gave no terminal\n";
            return lab_failed;
        }
        master = answer->descriptors[0];
    }
    return attend(server, pipes[0], master);
}

void ExecServer::accept_client() {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0)
        pid_of_client_[client] = 0;
}

std::vector<int> ExecServer::clients() const {
    std::vector<int> result;
    for (const auto& [client, pid] : pid_of_client_)
        result.push_back(client);
    return result;
}

void ExecServer::drop(int client) {
    const auto found = pid_of_client_.find(client);
    if (found == pid_of_client_.end())
        return;
    // Who asked is gone: so is what it asked for, unless it has left its session (a daemon).
    if (found->second > 0)
        kill(-found->second, SIGKILL);
    pid_of_client_.erase(found);
    close(client);
}

void ExecServer::serve(int client) {
    auto packet = receive_packet(client, max_message);
    if (!packet || packet->bytes.empty())
        return drop(client);
    const int pid = pid_of_client_[client];
    if (packet->bytes[0] == 'S' && pid > 0)
        kill(-pid, std::atoi(packet->bytes.c_str() + 1));
    else if (packet->bytes[0] == 'R' && pid == 0)
        start(client, packet->bytes.substr(1), packet->descriptors);
    else
        drop(client);
}

void ExecServer::start(int client, const std::string& message, std::vector<int> descriptors) {
    const auto parts = split(message);
    const bool terminal = parts.size() > 1 && !parts[1].empty();
    if (parts.size() < 5 || descriptors.size() != (terminal ? 0 : 3)) {
        for (const int fd : descriptors)
            close(fd);
        return drop(client);
    }
    int master = -1;
    std::string slave;
    if (terminal) {
        master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0)
            return drop(client);
        slave = ptsname(master);
        winsize size{};
        size.ws_row = static_cast<unsigned short>(std::atoi(parts[2].c_str()));
        size.ws_col = static_cast<unsigned short>(std::atoi(parts[3].c_str()));
        ioctl(master, TIOCSWINSZ, &size);
    }
    const int pid = fork();
    if (pid == 0) {
        setsid();
        if (terminal) {
            const int fd = open(slave.c_str(), O_RDWR);
            ioctl(fd, TIOCSCTTY, 0);
            descriptors.assign(3, fd);
        }
        // Above 2 first: a target may still be needed as a source.
        for (int& fd : descriptors)
            fd = fcntl(fd, F_DUPFD, 3);
        for (int i = 0; i < 3; ++i)
            dup2(descriptors[static_cast<std::size_t>(i)], i);
        close_range(3, ~0U, 0);
        run({parts[0], {parts.begin() + 4, parts.end()}}, parts[1]);
    }
    for (const int fd : descriptors)
        close(fd);
    if (pid > 0 && terminal)
        send_packet(client, "T", {master});
    if (master >= 0)
        close(master);
    if (pid < 0)
        return drop(client);
    pid_of_client_[client] = pid;
}

void ExecServer::ended(int pid, int wait_status) {
    for (const auto& [client, its_pid] : pid_of_client_) {
        if (its_pid != pid)
            continue;
        const int status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
        send_packet(client, fmt::format("E{}", status));
        const int done = client;
        pid_of_client_.erase(done);
        close(done);
        return;
    }
}

} // namespace bhype::lab
