#include "lab/commands/forwarder.h"

#include "lab/commands/interfaces.h"
#include "lab/commands/lagg.h"
#include "lab/commands/netlink.h"
#include "lab/commands/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <map>
#include <system_error>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

constexpr std::size_t addresses = 2 * ETH_ALEN, tag_size = 4, largest_frame = 65536 + 64;

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

/// A frame with room for a tag in front of its type.
struct Frame {
    std::array<unsigned char, tag_size + largest_frame> memory;
    std::size_t begin{tag_size}, size{0};

    unsigned char* data() { return memory.data() + begin; }
    std::uint16_t type() {
        return static_cast<std::uint16_t>(data()[addresses] << 8 | data()[addresses + 1]);
    }
    unsigned tag() { return (data()[addresses + 2] << 8 | data()[addresses + 3]) & 0xfff; }

    void add_tag(std::uint16_t protocol, std::uint16_t information) {
        begin -= tag_size;
        size += tag_size;
        std::memmove(data(), data() + tag_size, addresses);
        data()[addresses] = static_cast<unsigned char>(protocol >> 8);
        data()[addresses + 1] = static_cast<unsigned char>(protocol);
        data()[addresses + 2] = static_cast<unsigned char>(information >> 8);
        data()[addresses + 3] = static_cast<unsigned char>(information);
    }
    void remove_tag() {
        std::memmove(data() + tag_size, data(), addresses);
        begin += tag_size;
        size -= tag_size;
    }
};

int open_tap(const std::string& name) {
    const int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0)
        fail(name);
    return fd;
}

void set_carrier(int tap, bool up) {
    int value = up;
    ioctl(tap, TUNSETCARRIER, &value);
}

/// Sees what comes in at an interface, and sends by it.
int open_wire(int index) {
    const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = index;
    if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof on) != 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0 ||
        bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        fail("packet socket");
    return fd;
}

/// The next frame as it was on the wire: a tag that the kernel has taken off is put back.
bool receive(int wire, Frame& frame) {
    frame.begin = tag_size;
    iovec part{frame.data(), largest_frame - tag_size};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(tpacket_auxdata))];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t size = recvmsg(wire, &message, 0);
    if (size < static_cast<ssize_t>(addresses + 2))
        return false;
    frame.size = static_cast<std::size_t>(size);
    for (const auto* header = CMSG_FIRSTHDR(&message); header;
         header = CMSG_NXTHDR(&message, const_cast<cmsghdr*>(header))) {
        if (header->cmsg_level != SOL_PACKET || header->cmsg_type != PACKET_AUXDATA)
            continue;
        tpacket_auxdata data{};
        std::memcpy(&data, CMSG_DATA(header), sizeof data);
        if (data.tp_status & TP_STATUS_VLAN_VALID)
            frame.add_tag(data.tp_status & TP_STATUS_VLAN_TPID_VALID ? data.tp_vlan_tpid : ETH_P_8021Q,
                          data.tp_vlan_tci);
    }
    return true;
}

bool take(int tap, Frame& frame) {
    frame.begin = tag_size;
    const ssize_t size = read(tap, frame.data(), largest_frame - tag_size);
    frame.size = size > 0 ? static_cast<std::size_t>(size) : 0;
    return frame.size > addresses + 2;
}

/// What cannot be sent is lost, as on a wire.
void put(int fd, Frame& frame) {
    [[maybe_unused]] const auto written = write(fd, frame.data(), frame.size);
}

/// Runs `work` in a process of its own that has left the caller; returns when it is ready.
template <class Work>
int start(const std::string& title, Work work) {
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) != 0)
        fail("pipe");
    const int pid = fork();
    if (pid == 0) {
        try {
            setsid();
            const int null = open("/dev/null", O_RDWR);
            const int said = fcntl(ready[1], F_DUPFD, 10);
            dup2(null, 0);
            dup2(null, 1);
            for (int fd = 3; fd < 1024; ++fd)
                if (fd != said)
                    close(fd);
            set_process_title(title);
            prctl(PR_SET_NAME, "lab-kernel");
            if (chdir("/") != 0)
                fail("/");
            work([said] {
                [[maybe_unused]] const auto written = write(said, "r", 1);
                close(said);
                const int errors = open("/dev/null", O_WRONLY);
                dup2(errors, 2);
                close(errors);
            });
        } catch (const std::exception& error) {
            std::cerr << "lab: " << title << ": " << error.what() << std::endl;
        }
        _exit(1);
    }
    close(ready[1]);
    char byte = 0;
    const bool good = read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    if (!good)
        throw std::runtime_error(title + " did not start");
    return pid;
}

int open_hangups() {
    sigset_t hangup;
    sigemptyset(&hangup);
    sigaddset(&hangup, SIGHUP);
    sigprocmask(SIG_BLOCK, &hangup, nullptr);
    return signalfd(-1, &hangup, SFD_CLOEXEC | SFD_NONBLOCK);
}

void drain(int fd) {
    char buffer[65536];
    while (recv(fd, buffer, sizeof buffer, MSG_DONTWAIT) > 0 || errno == EINTR) {
    }
}

bool link_is_on(int index) {
    const auto links = dump_links();
    return std::any_of(links.begin(), links.end(), [&](const auto& link) {
        return link.index == index && link.carrier && link.flags & IFF_UP;
    });
}

template <class Ready>
[[noreturn]] void forward_vlan(const std::string& name, int parent, unsigned tag, Ready ready) {
    const int tap = open_tap(name), wire = open_wire(parent), monitor = open_link_monitor();
    set_carrier(tap, link_is_on(parent));
    ready();
    static Frame frame;
    while (true) {
        std::array<pollfd, 3> fds{{{tap, POLLIN, 0}, {wire, POLLIN, 0}, {monitor, POLLIN, 0}}};
        if (poll(fds.data(), fds.size(), -1) < 0)
            continue;
        if (fds[2].revents) {
            drain(monitor);
            set_carrier(tap, link_is_on(parent));
        }
        while (fds[0].revents && take(tap, frame)) {
            frame.add_tag(ETH_P_8021Q, static_cast<std::uint16_t>(tag));
            put(wire, frame);
        }
        while (fds[1].revents && receive(wire, frame))
            if (frame.type() == ETH_P_8021Q && frame.tag() == tag) {
                frame.remove_tag();
                put(tap, frame);
            }
        if ((fds[0].revents | fds[1].revents) & (POLLERR | POLLHUP | POLLNVAL)) {
            int error = 0;
            socklen_t size = sizeof error;
            getsockopt(wire, SOL_SOCKET, SO_ERROR, &error, &size);
            if (fds[0].revents & (POLLERR | POLLHUP | POLLNVAL))
                _exit(0); // the tap has been destroyed
        }
    }
}

template <class Ready>
[[noreturn]] void forward_lagg(const std::string& name, Ready ready) {
    const int tap = open_tap(name), monitor = open_link_monitor(), hangups = open_hangups();
    const int index = find_link(name)->index;
    std::map<int, int> wires; // by the port's index
    LaggPorts ports;
    const auto look = [&] {
        Interfaces interfaces(false);
        if (const auto* lagg = interfaces.find(index))
            ports = lagg_ports(interfaces, *lagg);
        for (const auto& port : ports.all)
            if (!wires.contains(port.index))
                wires[port.index] = open_wire(port.index);
        for (auto wire = wires.begin(); wire != wires.end();) {
            const bool kept = std::any_of(ports.all.begin(), ports.all.end(),
                                          [&](const auto& port) { return port.index == wire->first; });
            if (!kept)
                close(wire->second);
            wire = kept ? std::next(wire) : wires.erase(wire);
        }
        set_carrier(tap, !ports.active.empty());
    };
    ready(); // before it looks: whoever waits may hold the interfaces
    look();
    static Frame frame;
    LaggTraffic traffic;
    while (true) {
        std::vector<pollfd> fds{{tap, POLLIN, 0}, {monitor, POLLIN, 0}, {hangups, POLLIN, 0}};
        for (const auto& [port, wire] : wires)
            fds.push_back({wire, POLLIN, 0});
        if (poll(fds.data(), fds.size(), -1) < 0)
            continue;
        if (fds[0].revents & (POLLERR | POLLHUP | POLLNVAL))
            _exit(0);
        while (fds[0].revents && take(tap, frame))
            for (const int port : traffic.outgoing(ports, frame.data(), frame.size))
                put(wires.at(port), frame);
        for (std::size_t i = 3; i < fds.size(); ++i) {
            const auto wire = std::find_if(wires.begin(), wires.end(),
                                           [&](const auto& entry) { return entry.second == fds[i].fd; });
            while (fds[i].revents && receive(wire->second, frame))
                if (traffic.incoming(ports, wire->first, frame.data()))
                    put(tap, frame);
            if (fds[i].revents & POLLERR) {
                int error = 0;
                socklen_t size = sizeof error;
                getsockopt(wire->second, SOL_SOCKET, SO_ERROR, &error, &size);
            }
        }
        if (fds[1].revents || fds[2].revents) {
            drain(monitor);
            signalfd_siginfo info{};
            while (read(hangups, &info, sizeof info) > 0) {
            }
            look();
        }
    }
}

} // namespace

int start_vlan_forwarder(const std::string& tap, int parent, unsigned tag) {
    return start("vlan " + tap, [&](auto ready) { forward_vlan(tap, parent, tag, ready); });
}

int start_lagg_forwarder(const std::string& tap) {
    return start("lagg " + tap, [&](auto ready) { forward_lagg(tap, ready); });
}

void notify_forwarder(int process) {
    if (process > 1)
        kill(process, SIGHUP);
}

void stop_forwarder(int process) {
    if (process > 1)
        kill(process, SIGKILL);
}

} // namespace bhype::lab
