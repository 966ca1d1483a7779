// One zfs(8) or zpool(8) command: its streams, its upcalls (hooks.c), its end.
#include "agent.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bhype::lab::agent {

namespace {

constexpr std::size_t chunk = 128 * 1024;
constexpr int unserve_milliseconds = 60000; // a slow machine is no reason why FreeBSD would call it busy

struct Child {
    pid_t pid = -1;
    int pidfd = -1;
    int input = -1;
    int output = -1;
    int error = -1;
    int upcall = -1;
};

void close_fd(int& fd) {
    if (fd >= 0)
        ::close(fd);
    fd = -1;
}

// vfork: the agent has many threads and a large address space, and the child only arranges descriptors.
Child start(const std::vector<std::string>& words, const Connection& connection) {
    int in[2], out[2], err[2], up[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0 ||
        ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, up) != 0)
        return {};
    ::fcntl(out[0], F_SETPIPE_SZ, 1 << 20);
    ::fcntl(in[1], F_SETPIPE_SZ, 1 << 20);
    std::string program = "/sbin/" + words[3];
    std::string tty = "LAB_TTY=" + words[2];
    std::vector<char*> argv;
    for (std::size_t i = 3; i < words.size(); ++i)
        argv.push_back(const_cast<char*>(words[i].c_str()));
    argv.push_back(nullptr);
    std::array<char*, 7> environment = {const_cast<char*>("PATH=/sbin:/bin"),
                                        const_cast<char*>("LC_ALL=C"),
                                        const_cast<char*>("ZPOOL_IMPORT_PATH=/dev"),
                                        const_cast<char*>("BLKID_FILE=/dev/null"),
                                        const_cast<char*>("OPENSSL_CONF=/dev/null"),
                                        tty.data(),
                                        nullptr};

    pid_t pid = ::vfork();
    if (pid == 0) {
        ::setpgid(0, 0);
        ::dup2(in[0], 0);
        ::dup2(out[1], 1);
        ::dup2(err[1], 2);
        if (up[1] == 3)
            ::fcntl(3, F_SETFD, 0);
        else
            ::dup2(up[1], 3);
        if (connection.uid != 0) {
            ::syscall(SYS_setgroups, 0, nullptr);
            ::syscall(SYS_setresgid, connection.gid, connection.gid, connection.gid);
            ::syscall(SYS_setresuid, connection.uid, connection.uid, connection.uid);
        }
        sigset_t none;
        sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        ::signal(SIGPIPE, SIG_DFL);
        ::execve(program.c_str(), argv.data(), environment.data());
        ::_exit(127);
    }
    Child child;
    child.pid = pid;
    child.pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    child.input = in[1];
    child.output = out[0];
    child.error = err[0];
    child.upcall = up[0];
    ::fcntl(child.input, F_SETFL, O_NONBLOCK);
    ::close(in[0]);
    ::close(out[1]);
    ::close(err[1]);
    ::close(up[1]);
    return child;
}

class Command {
  public:
    Command(const Connection& connection, Child child) : fd_(connection.fd), child_(child) {}

    // False if the lab went away.
    bool pump() {
        while (child_.pidfd >= 0 || child_.output >= 0 || child_.error >= 0) {
            std::array<pollfd, 6> set = {
                {{fd_, static_cast<short>(waiting_input_.empty() ? POLLIN : POLLRDHUP), 0},
                 {child_.output, POLLIN, 0},
                 {child_.error, POLLIN, 0},
                 {child_.upcall, POLLIN, 0},
                 {child_.pidfd, POLLIN, 0},
                 {waiting_input_.empty() ? -1 : child_.input, POLLOUT, 0}}};
            if (::poll(set.data(), set.size(), -1) < 0 && errno != EINTR)
                return false;
            if (set[3].revents != 0)
                take_upcall();
            if (set[0].revents & (POLLRDHUP | POLLHUP | POLLERR))
                return false;
            if (set[0].revents & POLLIN && !take_frame())
                return false;
            if (set[5].revents != 0)
                feed_input();
            if (set[1].revents != 0 && !forward(child_.output, wire::Frame::standard_output))
                return false;
            if (set[2].revents != 0 && !forward(child_.error, wire::Frame::standard_error))
                return false;
            if (set[4].revents != 0) {
                close_fd(child_.pidfd);
                close_fd(child_.input);
            }
        }
        return true;
    }

    void kill() { ::kill(-child_.pid, SIGKILL); }

    int reap() {
        int status = 0;
        while (::waitpid(child_.pid, &status, 0) < 0 && errno == EINTR) {
        }
        for (int* fd : {&child_.pidfd, &child_.input, &child_.output, &child_.error, &child_.upcall})
            close_fd(*fd);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }

  private:
    bool forward(int& from, wire::Frame type) {
        ssize_t got = ::read(from, buffer_.data(), buffer_.size());
        if (got <= 0) {
            close_fd(from);
            return true;
        }
        return send_frame(fd_, type, buffer_.data(), static_cast<std::size_t>(got));
    }

    bool take_frame() {
        wire::FrameHeader header{};
        if (!read_all(fd_, &header, sizeof(header)) || header.length > wire::frame_limit)
            return false;
        std::string body(header.length, '\0');
        if (!read_all(fd_, body.data(), body.size()))
            return false;
        if (header.type == wire::Frame::standard_input) {
            if (body.empty()) {
                close_fd(child_.input);
            } else {
                waiting_input_ = std::move(body);
                feed_input();
            }
        } else if (header.type == wire::Frame::answer) {
            finish_upcall(std::move(body));
        }
        return true;
    }

    void feed_input() {
        if (child_.input < 0) {
            waiting_input_.clear();
            return;
        }
        ssize_t put = ::write(child_.input, waiting_input_.data(), waiting_input_.size());
        if (put > 0)
            waiting_input_.erase(0, static_cast<std::size_t>(put));
        else if (errno != EAGAIN && errno != EINTR) {
            waiting_input_.clear();
            close_fd(child_.input);
        }
    }

    void take_upcall() {
        ssize_t got = ::recv(child_.upcall, buffer_.data(), buffer_.size(), 0);
        if (got <= 0) {
            close_fd(child_.upcall);
            return;
        }
        std::string text(buffer_.data(), static_cast<std::size_t>(got));
        auto words = split_strings(text);
        unmounting_.clear();
        if (words.size() >= 2 && words[0] == "unmount") {
            unmounting_ = words[1];
            expect_unserved(unmounting_, true);
        }
        send_frame(fd_, wire::Frame::upcall, text.data(), text.size());
    }

    // umount2 in the guest only works once the FUSE server has let go of the file system.
    void finish_upcall(std::string answer) {
        if (!unmounting_.empty()) {
            std::int32_t error = EIO;
            std::memcpy(&error, answer.data(), std::min(answer.size(), sizeof(error)));
            if (error == 0 && !wait_unserved(unmounting_, unserve_milliseconds)) {
                error = EBUSY;
                std::memcpy(answer.data(), &error, sizeof(error));
            }
            expect_unserved(unmounting_, false);
            unmounting_.clear();
        }
        if (child_.upcall >= 0)
            ::send(child_.upcall, answer.data(), answer.size(), MSG_NOSIGNAL);
    }

    int fd_;
    Child child_;
    std::string waiting_input_;
    std::string unmounting_;
    std::vector<char> buffer_ = std::vector<char>(chunk);
};

bool changes_files(const std::string& verb) {
    return verb == "rollback" || verb == "receive" || verb == "recv";
}

bool unmounts_snapshots(const std::string& verb) {
    return verb == "destroy" || verb == "rollback" || verb == "rename" || verb == "promote" ||
           verb == "unmount" || verb == "export" || verb == "receive" || verb == "recv";
}

} // namespace

// words: run, nanoseconds (used by the caller), terminal mask, program, arguments.
void run_command(const Connection& connection, const std::vector<std::string>& words) {
    if (words.size() < 4 || (words[3] != "zfs" && words[3] != "zpool"))
        return;
    if (words.size() > 4 && unmounts_snapshots(words[4]))
        for (std::size_t i = 5; i < words.size(); ++i)
            let_go_of_snapshots(words[i].substr(0, words[i].find('@')));
    Child child = start(words, connection);
    if (child.pid < 0)
        return;
    Command command(connection, child);
    bool whole = command.pump();
    if (!whole)
        command.kill();
    std::int32_t status = command.reap();
    if (words.size() > 4 && changes_files(words[4]))
        for (std::size_t i = 5; i < words.size(); ++i)
            invalidate_dataset(words[i].substr(0, words[i].find('@')));
    settle_devices();
    publish_cache_file();
    if (whole)
        send_frame(connection.fd, wire::Frame::exit, &status, sizeof(status));
}

} // namespace bhype::lab::agent
