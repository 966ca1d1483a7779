#include "gateway.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bhype::lab {

namespace {

Fd make_tap() {
    Fd tap(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    if (!tap)
        fail_errno("/dev/net/tun", errno);
    ifreq request{};
    std::strncpy(request.ifr_name, "tap0", IFNAMSIZ - 1);
    request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
    if (::ioctl(tap.get(), TUNSETIFF, &request) != 0)
        fail_errno("making a tap", errno);

    Fd control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    auto set = [&](unsigned long what) {
        if (::ioctl(control.get(), what, &request) != 0)
            fail_errno("setting up the appliance's network", errno);
    };
    auto* address = reinterpret_cast<sockaddr_in*>(&request.ifr_addr);
    request.ifr_addr = {};
    address->sin_family = AF_INET;
    ::inet_pton(AF_INET, wire::host_address, &address->sin_addr);
    set(SIOCSIFADDR);
    ::inet_pton(AF_INET, "255.255.255.252", &address->sin_addr);
    set(SIOCSIFNETMASK);
    request.ifr_flags = IFF_UP;
    set(SIOCSIFFLAGS);
    return tap;
}

std::string with_image(std::string argument, const std::string& image) {
    for (std::size_t at; (at = argument.find("IMAGE")) != std::string::npos;)
        argument.replace(at, 5, image);
    return argument;
}

} // namespace

Machine start_machine(const ApplianceConfig& config) {
    if (::unshare(CLONE_NEWNET) != 0)
        fail_errno("a network namespace for the appliance", errno);
    Fd tap = make_tap();

    std::vector<std::string> words{"qemu-system-x86_64"};
    std::ifstream file(config.image_dir / "arguments");
    for (std::string line; std::getline(file, line);)
        words.push_back(with_image(line, config.image_dir));
    if (words.size() == 1)
        fail(fmt::format("{}: not an appliance's image", config.image_dir.string()));
    Fd state(::open((config.image_dir / "state").c_str(), O_RDONLY | O_CLOEXEC));
    if (!state)
        fail_errno(config.image_dir / "state", errno);
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        fail_errno("socketpair", errno);
    Fd ours(pair[0]), theirs(pair[1]);
    for (auto& extra :
         {fmt::format("-netdev"), fmt::format("tap,id=net0,fd={}", tap.get()), fmt::format("-serial"),
          fmt::format("file:{}", (config.state_dir / "run/appliance.console").string()),
          fmt::format("-chardev"), fmt::format("socket,id=monitor,fd={}", theirs.get()), fmt::format("-mon"),
          fmt::format("chardev=monitor,mode=control"), fmt::format("-incoming"),
          fmt::format("fd:{}", state.get())})
        words.push_back(extra);
    std::vector<char*> argv;
    for (auto& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);

    pid_t parent = ::getpid();
    pid_t pid = ::fork();
    if (pid < 0)
        fail_errno("fork", errno);
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent)
            ::_exit(1);
        for (int fd : {tap.get(), state.get(), theirs.get()})
            ::fcntl(fd, F_SETFD, 0);
        ::execvp(argv[0], argv.data());
        std::perror(argv[0]);
        ::_exit(127);
    }
    return {pid, std::move(ours)};
}

} // namespace bhype::lab
