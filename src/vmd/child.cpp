#include "vmd/child.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace bhype::vmd {

namespace {

void complain(const char* what, const char* why) {
    for (const char* text : {what, ": ", why, "\n"}) [[maybe_unused]]
        const auto written = ::write(STDERR_FILENO, text, std::strlen(text));
}

} // namespace

pid_t start(const std::vector<std::string>& arguments, int output, bool own_session) {
    std::vector<char*> argv;
    for (const auto& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    static const char* const environment[] = {
        "PATH=/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin", "LC_ALL=C", "HOME=/root",
        nullptr};

    const pid_t pid = ::fork();
    if (pid != 0)
        return pid;
    if (own_session)
        ::setsid();
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::closefrom(3);
    for (const int signal : {SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGCHLD})
        ::signal(signal, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execve(argv[0], argv.data(), const_cast<char* const*>(environment));
    complain(argv[0], std::strerror(errno));
    ::_exit(127);
}

} // namespace bhype::vmd
