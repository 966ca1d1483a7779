#include "run/spawn.h"

#include "base/fd.h"

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace bhype::run {

namespace {

/// environ(7) of every program. host.md's reasons: LC_ALL so that texts are the ones that are parsed; PAGER
/// against programs that page; BLOCKSIZE, XO_OPTIONS, IFCONFIG_FORMAT, EXTERROR_VERBOSE, RC_CONFS stay unset.
constexpr std::array<const char*, 5> environment{
    "LC_ALL=C", "PATH=/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin", "HOME=/root",
    "PAGER=/bin/cat", nullptr};

[[noreturn]] void fail(const std::string& path, int error) {
    const bool missing = error == ENOENT || error == ENOTDIR;
    throw Error(missing ? Code::command_missing : Code::command_failed, path + ": " + std::strerror(error));
}

void check(const std::string& path, int error) {
    if (error != 0)
        fail(path, error);
}

class Actions {
  public:
    Actions() { ::posix_spawn_file_actions_init(&value); }
    ~Actions() { ::posix_spawn_file_actions_destroy(&value); }
    Actions(const Actions&) = delete;
    Actions& operator=(const Actions&) = delete;
    posix_spawn_file_actions_t value;
};

class Attributes {
  public:
    Attributes() { ::posix_spawnattr_init(&value); }
    ~Attributes() { ::posix_spawnattr_destroy(&value); }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    posix_spawnattr_t value;
};

} // namespace

pid_t spawn(const std::string& path, const std::vector<std::string>& arguments,
            const std::vector<int>& descriptors, Group group) {
    std::vector<char*> argv{const_cast<char*>(path.c_str())};
    for (const auto& argument : arguments) {
        if (argument.find('\0') != argument.npos)
            throw Error(Code::command_failed, path + ": an argument holds a NUL");
        argv.push_back(const_cast<char*>(argument.c_str()));
    }
    argv.push_back(nullptr);

    // Copies above the numbers that will be taken, so that putting one in its place cannot close another.
    const int count = static_cast<int>(descriptors.size());
    std::vector<Fd> copies;
    const Fd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
    Actions actions;
    for (int number = 0; number < count; ++number) {
        const int given = descriptors[static_cast<std::size_t>(number)];
        copies.emplace_back(::fcntl(given == -1 ? nothing.get() : given, F_DUPFD_CLOEXEC, count + 16));
        if (!copies.back())
            fail(path, errno);
        check(path, ::posix_spawn_file_actions_adddup2(&actions.value, copies.back().get(), number));
    }
    check(path, ::posix_spawn_file_actions_addclosefrom_np(&actions.value, count));

    Attributes attributes;
    sigset_t none{};
    sigset_t defaults{};
    ::sigemptyset(&none);
    ::sigemptyset(&defaults);
    for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGALRM, SIGTERM, SIGCHLD, SIGTSTP, SIGTTIN,
                             SIGTTOU, SIGUSR1, SIGUSR2})
        ::sigaddset(&defaults, number);
    check(path, ::posix_spawnattr_setsigmask(&attributes.value, &none));
    check(path, ::posix_spawnattr_setsigdefault(&attributes.value, &defaults));
    check(path, ::posix_spawnattr_setpgroup(&attributes.value, 0));
    const int set_group = group == Group::own ? POSIX_SPAWN_SETPGROUP : 0;
    check(path, ::posix_spawnattr_setflags(
                    &attributes.value,
                    static_cast<short>(set_group | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)));
    pid_t pid = 0;
    check(path, ::posix_spawn(&pid, path.c_str(), &actions.value, &attributes.value, argv.data(),
                              const_cast<char* const*>(environment.data())));
    return pid;
}

pid_t start(const Start& program) {
    std::vector<int> descriptors{program.input, program.output, program.error};
    descriptors.insert(descriptors.end(), program.descriptors.begin(), program.descriptors.end());
    return spawn(std::string(host::path(program.program)), program.arguments, descriptors, Group::ours);
}

} // namespace bhype::run
