#include "run/spawn.h"

#include "base/fd.h"
#include "os/process.h"

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace bhype::run {
namespace {

using namespace std::chrono_literals;
using host::Command;
using host::Output;

Output sh(const std::string& script, Command command = {}, const Options& options = {}) {
    command.arguments.insert(command.arguments.begin(), {"-c", script});
    return run_file("/bin/sh", command, options);
}

/// What a program saw as its arguments, each ended by a NUL.
std::string echoed(const std::vector<std::string>& arguments) {
    Command command;
    command.arguments = {"-c", "printf '%s\\0' \"$@\"", "sh"};
    command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
    return run_file("/bin/sh", command).out;
}

Code code_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.code();
    }
    return Code::internal;
}

TEST(Run, PassesHostileArgumentsUnchanged) {
    const std::vector<std::string> hostile{
        "",    " ",    "'",        "\"",    "`id`",    "$(id)",    "$HOME",
        ";id", "|id",  "&",        ">file", "*",       "~",        "\\",
        "\n",  "a\nb", "\r\t\x01", "-rf",   "--",      "\xff\xfe", "{a,b}",
        "#",   "!",    "%s%n",     "a=b",   "\x1b[2J", "日本語",   std::string(100'000, 'x')};
    std::string expected;
    for (const auto& argument : hostile)
        expected += argument + '\0';
    EXPECT_EQ(echoed(hostile), expected);
}

TEST(Run, RefusesWhatCannotBePassed) {
    Command command;
    command.arguments = {std::string("a\0b", 3)};
    EXPECT_EQ(code_of([&] { run_file("/bin/sh", command); }), Code::command_failed);
    command.arguments = {std::string(8 << 20, 'x')};
    EXPECT_EQ(code_of([&] { run_file("/bin/sh", command); }), Code::command_failed) << "E2BIG";
}

TEST(Run, TellsAMissingProgram) {
    EXPECT_EQ(code_of([] { run_file("/nowhere/program", {}); }), Code::command_missing);
    EXPECT_EQ(code_of([] { run_file("/etc/passwd/program", {}); }), Code::command_missing);
    EXPECT_EQ(code_of([] { run_file("/etc/passwd", {}); }), Code::command_failed) << "not executable";
}

TEST(Run, KeepsStreamsApartAndTogether) {
    const auto output = sh("echo one; echo two >&2; sleep 0.05; echo three; exit 7");
    EXPECT_EQ(output.out, "one\nthree\n");
    EXPECT_EQ(output.err, "two\n");
    EXPECT_EQ(output.log.size(), 14U);
    EXPECT_EQ(output.exit_status, 7);
    EXPECT_FALSE(output.missed_deadline || output.truncated || output.cancelled);
    EXPECT_EQ(sh("kill -9 $$").exit_status, 137);
}

TEST(Run, MakesTheEnvironmentFromNothing) {
    ::setenv("SECRET", "must not be passed on", 1);
    ::setenv("LC_ALL", "de_DE.UTF-8", 1);
    Command command;
    EXPECT_EQ(run_file("/usr/bin/env", command).out,
              "LC_ALL=C\nPATH=/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin\nHOME=/root\n"
              "PAGER=/bin/cat\n");
    ::unsetenv("SECRET");
    ::unsetenv("LC_ALL");
}

TEST(Run, GivesInputAndNothingElseToRead) {
    EXPECT_EQ(sh("cat").out, "") << "/dev/null, not our own input";
    Command command;
    command.input = std::string(3 << 20, 'i');
    command.output_limit = 4 << 20;
    EXPECT_EQ(sh("cat", command).out, *command.input);
    EXPECT_EQ(sh("head -c 1", command).out, "i") << "a program need not read it all";
    command.input = "";
    EXPECT_EQ(sh("cat", command).exit_status, 0);
    const Fd file(::open("/etc/passwd", O_RDONLY | O_CLOEXEC));
    EXPECT_NE(sh("cat", {}, {.on_line = {}, .input = file.get(), .cancel = -1}).out.find("root:"),
              std::string::npos);
}

long peak_kilobytes() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

TEST(Run, GivesItsOutputToAnother) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const Fd reading(ends[0]);
    Fd writing(ends[1]);
    host::Output first;
    std::thread sender([&] {
        Options options;
        options.output = writing.get();
        first = sh("echo passed on; echo told >&2", {}, options);
        writing.reset();
    });
    Options options;
    options.input = reading.get();
    const auto second = sh("cat", {}, options);
    sender.join();
    EXPECT_EQ(first.out, "");
    EXPECT_EQ(first.err, "told\n");
    EXPECT_EQ(second.out, "passed on\n");
}

TEST(Run, BoundsMemoryInAFlood) {
    Command command;
    command.output_limit = 1000;
    const auto before = peak_kilobytes();
    const auto output = sh("head -c 100000000 /dev/zero; head -c 100000000 /dev/zero >&2", command);
    EXPECT_LT(peak_kilobytes() - before, 8 * 1024);
    EXPECT_EQ(output.out.size(), 1000U);
    EXPECT_EQ(output.err.size(), 1000U);
    EXPECT_LT(output.log.size(), 70'000U);
    EXPECT_TRUE(output.truncated);
    EXPECT_EQ(output.exit_status, 0);
}

TEST(Run, TellsLinesAsTheyCome) {
    std::vector<std::string> lines;
    sh("printf 'a\\n\\nb\\rc' ; printf 'd' >&2", {},
       {.on_line = [&](std::string_view line) { lines.emplace_back(line); }, .input = -1, .cancel = -1});
    EXPECT_EQ(lines.size(), 4U);
    EXPECT_EQ(lines.at(0), "a");
    EXPECT_EQ(lines.at(1), "b");
}

TEST(Run, LeavesNothingRunningWhenTheListenerThrows) {
    EXPECT_THROW(
        sh("echo x; sleep 30", {},
           {.on_line = [](std::string_view) { throw Error(Code::cancelled); }, .input = -1, .cancel = -1}),
        Error);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "no child is left";
}

TEST(Run, EndsACommandAtItsDeadline) {
    Command command;
    command.deadline = 1s;
    const auto output = sh("echo begun; sleep 30 & sleep 30", command);
    EXPECT_TRUE(output.missed_deadline);
    EXPECT_EQ(output.out, "begun\n");
    EXPECT_EQ(output.exit_status, 128 + SIGTERM);
    EXPECT_GE(output.took, 1000ms);
    EXPECT_LT(output.took, 2500ms);
    EXPECT_EQ(code_of([&] { host::expect_success(command, output); }), Code::command_timeout);
}

TEST(Run, EndsACommandThatIgnoresTerm) {
    Command command;
    command.deadline = 1s;
    const auto output = sh("trap '' TERM; sleep 30 & echo $!; while :; do sleep 1; done", command);
    EXPECT_TRUE(output.missed_deadline);
    EXPECT_EQ(output.exit_status, 128 + SIGKILL);
    EXPECT_LT(output.took, 6500ms);
    ::usleep(100'000);
    EXPECT_EQ(os::process_title(static_cast<pid_t>(std::stol(output.out))), "")
        << "its children have ended with it; a zombie has no title";
}

TEST(Run, CanBeCancelled) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const Fd reading(ends[0]);
    Fd writing(ends[1]);
    std::thread later([&] {
        ::usleep(100'000);
        writing.reset();
    });
    const auto output = sh("sleep 30", {}, {.on_line = {}, .input = -1, .cancel = reading.get()});
    later.join();
    EXPECT_TRUE(output.cancelled);
    EXPECT_FALSE(output.missed_deadline);
    EXPECT_LT(output.took, 2000ms);
    EXPECT_EQ(code_of([&] { host::expect_success({}, output); }), Code::cancelled);
}

TEST(Run, DoesNotWaitForGrandchildrenThatKeepThePipe) {
    const auto output = sh("sleep 30 & echo $!");
    EXPECT_LT(output.took, 2000ms);
    const auto left = static_cast<pid_t>(std::stol(output.out));
    EXPECT_EQ(::kill(left, 0), 0) << "a daemon that a command started lives on";
    ::kill(left, SIGKILL);
}

TEST(Run, ResetsSignals) {
    sigset_t blocked{};
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
    ::signal(SIGUSR1, SIG_IGN);
    EXPECT_EQ(sh("kill -USR1 $$; echo lived").exit_status, 128 + SIGUSR1);
    EXPECT_EQ(sh("kill -TERM $$; echo lived").exit_status, 128 + SIGTERM);
    ::signal(SIGUSR1, SIG_DFL);
    ::pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
}

std::size_t open_descriptors() {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/dev/fd"), {}));
}

TEST(Run, LeaksNoDescriptors) {
    const Fd inheritable(::open("/etc/passwd", O_RDONLY)); // without O_CLOEXEC on purpose
    const Fd high(::fcntl(inheritable.get(), F_DUPFD, 200));
    const auto output = sh("ls /dev/fd/ | wc -l");
    EXPECT_LE(std::stol(output.out), 4) << "0, 1, 2 and ls's own";
    const auto before = open_descriptors();
    for (int i = 0; i < 100; ++i)
        sh("exit 0");
    for (int i = 0; i < 10; ++i)
        EXPECT_THROW(run_file("/nowhere", {}), Error);
    EXPECT_EQ(open_descriptors(), before);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "and no zombies";
}

TEST(Run, FiftyAtOnceDoNotMix) {
    const auto before = open_descriptors();
    std::atomic<int> good{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 50; ++i)
        threads.emplace_back([&good, i] {
            const auto text = std::to_string(i);
            Command command;
            command.input = std::string(100'000, static_cast<char>('a' + i % 26));
            const auto output = sh("cat; echo " + text + " >&2; exit " + text, command);
            if (output.out == command.input && output.err == text + "\n" && output.exit_status == i)
                ++good;
        });
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(good, 50);
    EXPECT_EQ(open_descriptors(), before);
}

TEST(Spawn, PutsDescriptorsInTheirPlaces) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const Fd reading(ends[0]);
    Fd writing(ends[1]);
    // Given in the order that would overwrite each other when taken one after the other.
    std::vector<int> given{-1, writing.get(), -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    given.push_back(writing.get());
    const auto pid =
        spawn("/bin/sh", {"-c", "echo one; [ -e /dev/fd/5 ] && echo five; [ -e /dev/fd/40 ] || echo closed"},
              given);
    writing.reset();
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    std::string text(100, ' ');
    text.resize(static_cast<std::size_t>(::read(reading.get(), text.data(), text.size())));
    EXPECT_EQ(text, "one\nfive\nclosed\n");
}

TEST(Spawn, ProgramMayBecomeASession) {
    const auto pid = spawn("/usr/bin/python3", {"-c", "import os; os.setsid()"}, {-1, -1, -1}, Group::ours);
    int status = -1;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
}

} // namespace
} // namespace bhype::run
