#include "lab/core/rc.h"

#include "lab/core/pam.h"

#include <fcntl.h>
#include <linux/if.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

extern char** environ;

namespace bhype::lab {

namespace fs = std::filesystem;

namespace {

/// libexec/rc/rc.d/cleanvar: files and sockets go, folders stay.
void clean_var_run() {
    for (const auto& entry : fs::recursive_directory_iterator("/var/run"))
        if (entry.is_regular_file() || entry.is_socket())
            fs::remove(entry.path());
}

void loopback_up() {
    // No interface gets IPv6 addresses by itself; on FreeBSD they are IFDISABLED until rc.conf says
    // otherwise.
    if (std::ofstream out("/proc/sys/net/ipv6/conf/default/disable_ipv6"); out)
        out << 1;
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    std::strcpy(request.ifr_newname, "lo0");
    if (ioctl(fd, SIOCSIFNAME, &request) != 0)
        throw std::system_error(errno, std::generic_category(), "lo0");
    std::strcpy(request.ifr_name, "lo0");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (ioctl(fd, SIOCSIFFLAGS, &request) != 0)
        throw std::system_error(errno, std::generic_category(), "lo0");
    close(fd);
}

} // namespace

int run_program(const std::vector<std::string>& argv) {
    std::vector<char*> words;
    for (const auto& word : argv)
        words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    pid_t pid = 0;
    if (const int error = posix_spawn(&pid, words[0], nullptr, nullptr, words.data(), environ))
        throw std::system_error(error, std::generic_category(), argv[0]);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

void rc_boot(const LabConfig& config, const Hooks& hooks,
             const std::function<void(const std::string&)>& progress) {
    umask(022);
    if (sethostname("lab.example.org", 15) != 0)
        throw std::system_error(errno, std::generic_category(), "sethostname");
    clean_var_run();
    fs::remove("/var/run/log");
    fs::create_symlink("/dev/log", "/var/run/log");
    std::ofstream(run_dir() / "booted");
    loopback_up();
    translate_pam_policies();
    for (const auto& [text, run] : hooks.boot) {
        progress(text);
        run(config);
    }
    progress("running rc");
    if (const int status = run_program({"/bin/sh", "/etc/rc", "autoboot"}))
        throw std::runtime_error("/etc/rc ended with wait status " + std::to_string(status));
}

int rc_shutdown(const Hooks& hooks) {
    const int status = run_program({"/bin/sh", "/etc/rc.shutdown", "reboot"});
    for (const auto& run : hooks.shutdown)
        run();
    return status ? 1 : 0;
}

} // namespace bhype::lab
