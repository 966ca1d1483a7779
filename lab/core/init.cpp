#include "lab/core/boot.h"
#include "lab/core/exec.h"
#include "lab/core/rc.h"
#include "lab/core/syslog.h"
#include "lab/core/web_forwarder.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

/// Runs `work` in a child that has none of init's blocked signals.
template <class Work>
int in_child(Work work) {
    const int pid = fork();
    if (pid != 0)
        return pid;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    int status = 1;
    try {
        status = work();
    } catch (const std::exception& error) {
        std::cerr << "lab: " << error.what() << std::endl;
    }
    _exit(status);
}

void report_line(int report, const std::string& line) {
    const std::string text = line + '\n';
    [[maybe_unused]] const auto written = write(report, text.data(), text.size());
}

int start_rc(int report, const Hooks& hooks) {
    return in_child([&] {
        try {
            rc_boot(load(state_dir() / "config"), hooks,
                    [&](const std::string& line) { report_line(report, line); });
            report_line(report, "up");
        } catch (const std::exception& error) {
            report_line(report, fmt::format("failed: {}", error.what()));
        }
        return 0;
    });
}

void reap(ExecServer& server) {
    int status = 0;
    for (int pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        server.ended(pid, status);
}

} // namespace

int init_main(const Arguments& arguments, const Hooks& hooks) {
    if (getpid() != 1 || arguments.size() != 3) {
        std::cerr << "init: already running\n";
        return 1;
    }
    const int web = std::stoi(arguments[1]), report = std::stoi(arguments[2]);
    ExecServer server(std::stoi(arguments[0]));
    for (const auto& fd : arguments)
        fcntl(std::stoi(fd), F_SETFD, FD_CLOEXEC);
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, nullptr);
    signal(SIGPIPE, SIG_IGN);
    const int signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    const int log = listen_for_syslog();
    in_child([&] {
        close(report);
        forward_web(web);
        return 1;
    });
    for (const auto work : hooks.background)
        in_child([&] {
            close(report);
            close(web);
            prctl(PR_SET_NAME, "lab-kernel");
            work();
            return 1;
        });
    start_rc(report, hooks);
    close(report);
    close(web);
    while (true) {
        const auto clients = server.clients();
        std::vector<pollfd> fds{{signals, POLLIN, 0}, {server.listener(), POLLIN, 0}, {log, POLLIN, 0}};
        for (const int client : clients)
            fds.push_back({client, POLLIN, 0});
        if (poll(fds.data(), fds.size(), -1) < 0)
            continue;
        if (fds[0].revents) {
            signalfd_siginfo info{};
            while (read(signals, &info, sizeof info) == sizeof info) {
            }
            reap(server);
        }
        if (fds[2].revents)
            write_syslog(log);
        if (fds[1].revents)
            server.accept_client();
        for (std::size_t i = 0; i < clients.size(); ++i)
            if (fds[i + 3].revents)
                server.serve(clients[i]);
    }
}

} // namespace bhype::lab
