#include "os/process.h"

#include "base/error.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <future>
#include <thread>

namespace bhype::os {

struct ProcessWatch::State {
    Fd readable; ///< a pidfd, or the reading end of the tracing thread's pipe
    bool is_child = false;
    std::atomic<bool> traced_end{false};
    std::optional<int> traced_status; ///< written before traced_end
};

namespace {

Fd pidfd(pid_t pid) {
    return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

bool is_readable(int fd) {
    pollfd poll_fd{fd, POLLIN, 0};
    return ::poll(&poll_fd, 1, 0) == 1;
}

/// Follows a process that is no child of ours until it ends: the tracer gets its wait status (ptrace(2)).
/// Signals go on to it unchanged; a stopped process stays stopped.
std::optional<int> follow(pid_t pid) {
    while (true) {
        int status = 0;
        if (::waitpid(pid, &status, __WALL) == -1) {
            if (errno == EINTR)
                continue;
            return std::nullopt;
        }
        if (WIFEXITED(status) || WIFSIGNALED(status))
            return status;
        const int signal = WSTOPSIG(status);
        const bool group_stop = status >> 16 == PTRACE_EVENT_STOP && signal != SIGTRAP;
        if (group_stop)
            ::ptrace(PTRACE_LISTEN, pid, nullptr, nullptr);
        else
            ::ptrace(PTRACE_CONT, pid, nullptr, static_cast<long>(status >> 16 == 0 ? signal : 0));
    }
}

} // namespace

ProcessWatch::ProcessWatch(std::shared_ptr<State> state) : state_(std::move(state)) {}
ProcessWatch::ProcessWatch(ProcessWatch&&) noexcept = default;
ProcessWatch& ProcessWatch::operator=(ProcessWatch&&) noexcept = default;
ProcessWatch::~ProcessWatch() = default;

ProcessWatch::ProcessWatch(const ProcessId& id) : state_(std::make_shared<State>()) {
    state_->readable = pidfd(id.pid);
    // The pidfd holds on to the process that had the pid when it was opened: only now is the question safe.
    if (!state_->readable || !lives(id))
        throw Error(Code::not_found, "process " + std::to_string(id.pid));
    siginfo_t info{};
    state_->is_child =
        ::waitid(P_PIDFD, static_cast<id_t>(state_->readable.get()), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
    if (state_->is_child)
        return;

    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        throw Error(Code::internal, std::string("pipe: ") + std::strerror(errno));
    Fd reading(ends[0]);
    Fd writing(ends[1]);
    sigset_t all{};
    sigset_t before{};
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    std::promise<bool> seized;
    auto answer = seized.get_future();
    // Only the thread that seized may go on with it. It ends with the process, not with this object: there
    // is one of them for each guest that outlived its supervisor.
    std::thread([pid = id.pid, state = state_, seized = std::move(seized),
                 writing = std::move(writing)]() mutable {
        const bool good = ::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0;
        seized.set_value(good);
        if (!good)
            return;
        state->traced_status = follow(pid);
        state->traced_end = true;
    }).detach();
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    // Where tracing is forbidden the end is still seen, without its status.
    if (answer.get())
        state_->readable = std::move(reading);
    else
        state_->is_child = true;
}

ProcessWatch ProcessWatch::child(pid_t pid) {
    auto state = std::make_shared<State>();
    state->readable = pidfd(pid);
    state->is_child = true;
    if (!state->readable)
        throw Error(Code::internal, std::string("pidfd_open: ") + std::strerror(errno));
    return ProcessWatch(std::move(state));
}

int ProcessWatch::descriptor() const {
    return state_->readable.get();
}

std::optional<ProcessWatch::End> ProcessWatch::end() {
    if (!is_readable(state_->readable.get()))
        return std::nullopt;
    if (!state_->is_child)
        return End{state_->traced_end ? state_->traced_status : std::nullopt};
    siginfo_t info{};
    if (::waitid(P_PIDFD, static_cast<id_t>(state_->readable.get()), &info, WEXITED | WNOHANG | WNOWAIT) !=
            0 ||
        info.si_pid == 0)
        return End{};
    if (info.si_code == CLD_EXITED)
        return End{info.si_status << 8};
    return End{info.si_status | (info.si_code == CLD_DUMPED ? 0x80 : 0)};
}

} // namespace bhype::os
