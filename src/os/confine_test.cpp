#include "os/confine.h"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <unistd.h>

#include <csignal>

namespace bhype::os {

namespace {

/// The number of the first thing that a confined process can still do, 0 when it can do none of them.
int first_leak(int other, pid_t parent) {
    // Without a bound on memory: a sanitizer has reserved more than any.
    confine({.memory = std::uint64_t{1} << 62, .cpu_seconds = 10});
    if (::fcntl(other, F_GETFD) != -1)
        return 1;
    if (::open("/etc/passwd", O_RDONLY) != -1 || ::open("/dev/null", O_RDWR) != -1)
        return 2;
    if (::socket(AF_UNIX, SOCK_STREAM, 0) != -1)
        return 3;
    if (::dup(0) != -1)
        return 4;
    if (::geteuid() == 0 || ::getegid() == 0 || ::setuid(0) == 0)
        return 5;
    if (::kill(parent, 0) == 0)
        return 6;
    const auto child = ::fork();
    if (child == 0)
        ::_exit(0);
    if (child > 0)
        return 7;
    char byte = 0;
    if (::pread(0, &byte, 1, 0) != 1)
        return 8; // that it must be able to
    return 0;
}

TEST(Confine, LeavesADiskToReadAndNothingElse) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "rights can be given up by who has them";
    const int disk = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    ASSERT_GE(disk, 0);
    const auto parent = ::getpid();
    const auto child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        ::alarm(30);
        ::dup2(disk, 0);
        int leak = 99;
        try {
            leak = first_leak(disk, parent);
        } catch (...) {
        }
        ::_exit(leak);
    }
    ::close(disk);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status)) << status;
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

} // namespace

} // namespace bhype::os
