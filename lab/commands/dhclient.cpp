// sbin/dhclient/dhclient.c and dhclient-script: what they print, where they leave their process id, and what
// they do to the interface. The protocol itself is busybox's udhcpc.

#include "lab/commands/commands.h"
#include "lab/commands/netlink.h"
#include "lab/commands/process.h"
#include "lab/commands/text.h"
#include "lab/core/command.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <system_error>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

constexpr int patience_ms = 60'000; ///< dhclient.conf(5), timeout

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

void ifconfig(std::vector<std::string> words) {
    words.insert(words.begin(), "/sbin/ifconfig");
    run_captured(words);
}

/// What udhcpc calls, as dhclient-script does it: asking takes the interface's first address away (PREINIT
/// sets 0.0.0.0 in its place), a lease puts one there and a default route unless there is one.
int leased(const std::string& event, const std::string& interface) {
    if (event == "deconfig") {
        const auto shown = run_captured({"/sbin/ifconfig", interface}).out;
        if (const auto at = shown.find("\tinet "); at != std::string::npos)
            ifconfig({interface, "inet", shown.substr(at + 6, shown.find(' ', at + 6) - at - 6), "-alias"});
        ifconfig({interface, "up"});
    }
    if (event == "bound" || event == "renew") {
        ifconfig({interface, "inet", variable("ip"), "netmask", variable("subnet")});
        if (const auto routers = variable("router"); !routers.empty())
            run_captured({"/sbin/route", "add", "default", routers.substr(0, routers.find(' '))});
        // Whoever waited may be gone: it is bound all the same.
        if (const char* told = std::getenv("BHYPE_LAB_LEASED"))
            static_cast<void>(!write(std::atoi(told), "b", 1));
    }
    return 0;
}

/// The client itself: udhcpc ends with it, without a word to the server or to the interface.
[[noreturn]] void serve(const std::string& interface, const std::string& pidfile, int told) {
    setsid();
    std::filesystem::create_directories(std::filesystem::path(pidfile).parent_path());
    std::ofstream(pidfile) << getpid() << '\n';
    chmod(pidfile.c_str(), 0600);
    // In the background nobody's pipe is held open.
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int fd : {0, 1, 2})
        dup2(nothing, fd);
    const int child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        // udhcpc takes descriptors 3 and 4 for itself, whatever they are.
        setenv("BHYPE_LAB_LEASED", std::to_string(fcntl(told, F_DUPFD, 100)).c_str(), 1);
        const auto busybox = linux_program("busybox").string();
        execl(busybox.c_str(), "busybox", "udhcpc", "-f", "-i", interface.c_str(), "-A", "10", "-T", "2",
              "-s", "/sbin/dhclient", nullptr);
        _exit(1);
    }
    close(told);
    set_process_title("dhclient: " + interface);
    prctl(PR_SET_NAME, "dhclient");
    waitpid(child, nullptr, 0);
    unlink(pidfile.c_str());
    _exit(1);
}

[[noreturn]] void usage() {
    std::cerr << "usage: dhclient [-bdnqu] [-c file] [-l file] [-p file] interface\n";
    exit(1);
}

} // namespace

int dhclient_main(const Arguments& arguments) {
    if (const auto interface = variable("interface"); !interface.empty() && arguments.size() == 1)
        return leased(arguments[0], interface);
    const auto options = parse_options(arguments, "bc:dl:np:qu");
    if (options.bad() || options.rest.size() != 1)
        usage();
    for (const char letter : {'c', 'd', 'l', 'n', 'u'})
        if (options.has(letter))
            throw std::runtime_error(std::string("-") + letter + " is not provided by the lab");
    const auto& interface = options.rest[0];
    if (!find_link(interface)) {
        std::cerr << interface << ": not found\nexiting.\n";
        return 1;
    }
    const auto pidfile =
        options.has('p') ? *options.value('p') : fmt::format("/var/run/dhclient/dhclient.{}.pid", interface);
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe");
    const int client = fork();
    if (client == 0) {
        close(ends[0]);
        serve(interface, pidfile, ends[1]);
    }
    close(ends[1]);
    if (options.has('b'))
        return 0;
    pollfd bound{ends[0], POLLIN, 0};
    poll(&bound, 1, patience_ms);
    if (bound.revents & POLLIN) {
        std::cout << "bound on " << interface << '\n';
        return 0;
    }
    std::cout << "No DHCPOFFERS received.\nNo working leases in persistent database - sleeping.\n";
    return 0;
}

} // namespace bhype::lab
