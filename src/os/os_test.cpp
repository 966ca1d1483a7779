#include "os/os.h"

#include "base/error.h"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace bhype::os {
namespace {

class Directory : public testing::Test {
  protected:
    Directory() {
        std::string name = (std::filesystem::temp_directory_path() / "bhype-os-XXXXXX").string();
        path = ::mkdtemp(name.data());
        fd = open_directory(path);
    }
    ~Directory() override { std::filesystem::remove_all(path); }
    std::string path;
    Fd fd;
};

Code code_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.code();
    }
    return Code::internal;
}

bool readable(int fd, int milliseconds) {
    pollfd entry{fd, POLLIN, 0};
    return ::poll(&entry, 1, milliseconds) == 1;
}

TEST(Peer, IsWhoConnected) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    const Fd one(ends[0]);
    const Fd two(ends[1]);
    const auto peer = peer_of(one.get());
    EXPECT_EQ(peer.uid, ::getuid());
    EXPECT_EQ(peer.gid, ::getgid());
    EXPECT_EQ(peer.pid, ::getpid());
    std::array<int, 2> pipe_ends{};
    ASSERT_EQ(::pipe(pipe_ends.data()), 0);
    EXPECT_THROW(peer_of(pipe_ends[0]), Error);
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);
}

TEST(ProcessIds, NameOneProcessForGood) {
    const auto self = process_id(::getpid());
    ASSERT_TRUE(self);
    EXPECT_TRUE(lives(*self));
    EXPECT_FALSE(lives({self->pid, self->started + 1}));
    EXPECT_FALSE(process_id(999'999'999));
    const auto all = processes();
    EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const Process& process) {
        return process.id == *self && process.uid == ::getuid() &&
               process.title.find("os_test") != std::string::npos;
    }));
}

/// A process that is not our child: our child starts it, tells its pid and goes.
pid_t start_stranger(const std::function<int()>& life) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const pid_t grandchild = ::fork();
        if (grandchild == 0) {
            ::close(ends[0]);
            ::close(ends[1]);
            ::_exit(life());
        }
        const bool written = ::write(ends[1], &grandchild, sizeof grandchild) == sizeof grandchild;
        ::_exit(written ? 0 : 1);
    }
    pid_t pid = 0;
    EXPECT_EQ(::read(ends[0], &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
    ::close(ends[0]);
    ::close(ends[1]);
    ::waitpid(child, nullptr, 0);
    return pid;
}

TEST(ProcessWatch, TellsHowAStrangerEnded) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    const pid_t pid = start_stranger([&] {
        char byte = 0;
        return ::read(ends[0], &byte, 1) == 1 ? 42 : 1;
    });
    ProcessWatch watch(process_id(pid).value());
    EXPECT_FALSE(watch.end());
    EXPECT_FALSE(readable(watch.descriptor(), 50));
    ASSERT_EQ(::write(ends[1], "x", 1), 1);
    ASSERT_TRUE(readable(watch.descriptor(), 5000));
    const auto end = watch.end();
    ASSERT_TRUE(end && end->status);
    EXPECT_EQ(*end->status, 42 << 8);
    EXPECT_TRUE(readable(watch.descriptor(), 0)) << "stays readable";
    EXPECT_EQ(watch.end()->status, end->status) << "and can be asked again";
    ::close(ends[0]);
    ::close(ends[1]);
}

volatile std::sig_atomic_t caught = 0;

TEST(ProcessWatch, LeavesSignalsToTheStranger) {
    const pid_t pid = start_stranger([] {
        ::signal(SIGTERM, [](int) { caught = caught + 1; });
        while (caught < 2)
            ::usleep(1000);
        return 7;
    });
    ProcessWatch watch(process_id(pid).value());
    ::usleep(50'000);
    ::kill(pid, SIGTERM);
    ::usleep(50'000);
    ::kill(pid, SIGSTOP);
    ::usleep(50'000);
    ::kill(pid, SIGTERM);
    EXPECT_FALSE(readable(watch.descriptor(), 100)) << "a stopped process stays stopped";
    ::kill(pid, SIGCONT);
    ASSERT_TRUE(readable(watch.descriptor(), 5000));
    EXPECT_EQ(watch.end()->status, 7 << 8);
}

TEST(ProcessWatch, SeesAKill) {
    const pid_t pid = start_stranger([] {
        ::sleep(30);
        return 0;
    });
    ProcessWatch watch(process_id(pid).value());
    ::kill(pid, SIGKILL);
    ASSERT_TRUE(readable(watch.descriptor(), 5000));
    EXPECT_EQ(watch.end()->status, SIGKILL);
}

TEST(ProcessWatch, DoesNotReapAChild) {
    const pid_t pid = ::fork();
    if (pid == 0)
        ::_exit(3);
    auto watch = ProcessWatch::child(pid);
    ASSERT_TRUE(readable(watch.descriptor(), 5000));
    EXPECT_EQ(watch.end()->status, 3 << 8);
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 3 << 8);
}

TEST(ProcessWatch, RefusesAnotherProcessOfThatPid) {
    auto id = process_id(::getpid()).value();
    id.started += 1;
    EXPECT_EQ(code_of([&] { ProcessWatch watch(id); }), Code::not_found);
}

TEST(Terminal, PassesEveryByte) {
    auto pty = open_pty();
    EXPECT_TRUE(::isatty(pty.slave.get()));
    std::string all;
    for (int byte = 0; byte < 256; ++byte)
        all += static_cast<char>(byte);
    ASSERT_EQ(::write(pty.master.get(), all.data(), all.size()), 256);
    std::string got(256, 'x');
    ASSERT_EQ(::read(pty.slave.get(), got.data(), got.size()), 256);
    EXPECT_EQ(got, all);
    EXPECT_EQ(::read(pty.master.get(), got.data(), 1), -1) << "no echo";
    ASSERT_EQ(::write(pty.slave.get(), "a\nb", 3), 3);
    EXPECT_EQ(::read(pty.master.get(), got.data(), 256), 3) << "no \\r added";
}

TEST_F(Directory, FollowsNoLinkOnTheWay) {
    std::filesystem::create_directories(path + "/a/b");
    std::ofstream(path + "/a/b/file") << "text";
    std::filesystem::create_directory_symlink(path + "/a", path + "/link");
    std::filesystem::create_symlink("/etc/passwd", path + "/a/passwd");
    EXPECT_EQ(read_file(fd.get(), "a/b/file", 100), "text");
    EXPECT_EQ(code_of([&] { open_beneath(fd.get(), "link/b/file", O_RDONLY); }), Code::policy);
    EXPECT_EQ(code_of([&] { open_beneath(fd.get(), "a/passwd", O_RDONLY); }), Code::policy);
    for (const char* hostile : {"/etc/passwd", "../x", "a/../../x", "", ".", "a//b", "a/"})
        EXPECT_EQ(code_of([&] { open_beneath(fd.get(), hostile, O_RDONLY); }), Code::policy) << hostile;
    EXPECT_EQ(code_of([&] { open_beneath(fd.get(), std::string_view("a\0b", 3), O_RDONLY); }), Code::policy);
    EXPECT_EQ(read_file(fd.get(), "missing", 100), std::nullopt);
    EXPECT_EQ(code_of([&] { open_directory(path + "/link"); }), Code::policy);
}

TEST_F(Directory, WritesFilesWhole) {
    write_file(fd.get(), "vm.toml", "one", 0640);
    write_file(fd.get(), "vm.toml", "two", 0640);
    EXPECT_EQ(read_file(fd.get(), "vm.toml", 3), "two");
    EXPECT_EQ(code_of([&] { read_file(fd.get(), "vm.toml", 2); }), Code::too_large);
    EXPECT_EQ(read_tail(fd.get(), "vm.toml", 2), "wo");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path), {}), 1) << "no temporary is left";
    struct stat facts {};
    ASSERT_EQ(::fstatat(fd.get(), "vm.toml", &facts, 0), 0);
    EXPECT_EQ(facts.st_mode & 07777, 0640U);
    // A link in the file's place is replaced, what it points to stays.
    std::ofstream(path + "/other") << "other";
    std::filesystem::create_symlink("other", path + "/linked");
    write_file(fd.get(), "linked", "mine", 0600);
    EXPECT_EQ(read_file(fd.get(), "other", 100), "other");
    EXPECT_EQ(read_file(fd.get(), "linked", 100), "mine");
    EXPECT_EQ(code_of([&] { write_file(fd.get(), "../x", "", 0600); }), Code::policy);
    ASSERT_EQ(::mkfifo((path + "/fifo").c_str(), 0600), 0);
    EXPECT_EQ(code_of([&] { read_file(fd.get(), "fifo", 100); }), Code::policy);
}

TEST_F(Directory, PidFileIsHeldByOne) {
    const auto file = path + "/pid";
    {
        const PidFile mine(file);
        EXPECT_EQ(read_file(fd.get(), "pid", 100), std::to_string(::getpid()));
        EXPECT_EQ(code_of([&] { PidFile second(file); }), Code::busy);
    }
    EXPECT_FALSE(std::filesystem::exists(file));
    std::ofstream(file) << "99999";
    EXPECT_NO_THROW(PidFile again(file)) << "a stale one is taken over";
}

} // namespace
} // namespace bhype::os
