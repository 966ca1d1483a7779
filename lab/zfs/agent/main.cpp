#include "agent.h"

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <malloc.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace bhype::lab::agent {

namespace {

constexpr std::int64_t clock_tolerance = 300'000'000; // nanoseconds

// A saved state brings back the clock of the moment it was saved.
void set_clock(const std::string& nanoseconds) {
    std::int64_t wanted = std::strtoll(nanoseconds.c_str(), nullptr, 10);
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    std::int64_t difference = wanted - (now.tv_sec * 1'000'000'000LL + now.tv_nsec);
    if (wanted > 0 && std::abs(difference) > clock_tolerance) {
        timespec right{static_cast<time_t>(wanted / 1'000'000'000),
                       static_cast<long>(wanted % 1'000'000'000)};
        ::clock_settime(CLOCK_REALTIME, &right);
    }
}

bool write_file(const std::string& path, const void* data, std::size_t length) {
    int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return false;
    bool written = write_all(fd, data, length);
    ::close(fd);
    return written;
}

// words: identity, host id, host name
void set_identity(const std::vector<std::string>& words) {
    auto id = static_cast<std::uint32_t>(std::strtoul(words[1].c_str(), nullptr, 10));
    write_file("/etc/hostid", &id, sizeof(id));
    write_file("/sys/module/spl/parameters/spl_hostid", words[1].data(), words[1].size());
    ::sethostname(words[2].data(), words[2].size());
}

// words: cachefile; then a uint32 length and the content.
void take_cache_file(int fd) {
    std::uint32_t length = 0;
    if (!read_all(fd, &length, sizeof(length)) || length > (64u << 20))
        return;
    std::string content(length, '\0');
    if (!read_all(fd, content.data(), length))
        return;
    int error = 0;
    if (!content.empty() && !write_file(cache_file, content.data(), content.size()))
        error = EIO;
    send_status(fd, error);
    watch_cache_file(fd);
}

void answer_root(int fd, const std::vector<std::string>& words) {
    const std::string& kind = words[0];
    if (kind == "nbd") {
        serve_nbd(fd);
    } else if (kind == "dataset" && words.size() == 2) {
        serve_dataset(fd, words[1]);
    } else if (kind == "zvols") {
        serve_zvols(fd);
    } else if (kind == "identity" && words.size() == 3) {
        set_identity(words);
        send_status(fd, 0);
    } else if (kind == "cachefile") {
        take_cache_file(fd);
    } else if (kind == "disk" && words.size() == 4) { // name, present|absent, milliseconds
        bool done = wait_disk(words[1], words[2] == "present", std::atoi(words[3].c_str()));
        send_status(fd, done ? 0 : ETIMEDOUT);
    } else if (kind == "sync") {
        ::sync();
        send_status(fd, 0);
    } else {
        send_status(fd, EINVAL);
    }
}

void answer(int fd) {
    wire::Preamble preamble{};
    std::uint32_t length = 0;
    int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (read_all(fd, &preamble, sizeof(preamble)) && preamble.magic == wire::magic &&
        read_all(fd, &length, sizeof(length)) && length <= wire::frame_limit) {
        std::string body(length, '\0');
        if (read_all(fd, body.data(), length)) {
            auto words = split_strings(body);
            if (words.size() >= 2 && words[0] == "run") {
                set_clock(words[1]);
                run_command({fd, preamble.uid, preamble.gid}, words);
            } else if (words.size() == 2 && words[0] == "ping") {
                set_clock(words[1]);
                send_status(fd, 0);
            } else if (!words.empty() && preamble.uid == 0) {
                answer_root(fd, words);
            }
        }
    }
    ::close(fd);
}

void configure_network() {
    int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    for (const char* name : {"lo", "eth0"}) {
        ifreq request{};
        std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
        auto* address = reinterpret_cast<sockaddr_in*>(&request.ifr_addr);
        address->sin_family = AF_INET;
        if (std::strcmp(name, "eth0") == 0) {
            ::inet_pton(AF_INET, wire::guest_address, &address->sin_addr);
            ::ioctl(fd, SIOCSIFADDR, &request);
            ::inet_pton(AF_INET, "255.255.255.252", &address->sin_addr);
            ::ioctl(fd, SIOCSIFNETMASK, &request);
        }
        ::ioctl(fd, SIOCGIFFLAGS, &request);
        request.ifr_flags |= IFF_UP;
        ::ioctl(fd, SIOCSIFFLAGS, &request);
    }
    ::close(fd);
}

int listen_for_lab() {
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(wire::port);
    if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 || ::listen(fd, 256) != 0) {
        std::perror("agent: listen");
        ::close(fd);
        return -1;
    }
    return fd;
}

void make_character_node(const char* path, unsigned major_number, unsigned minor_number) {
    ::mknod(path, S_IFCHR | 0666, makedev(major_number, minor_number));
    ::chmod(path, 0666);
}

// /dev of FreeBSD's shape; the kernel's own devtmpfs is not mounted at all.
void make_devices() {
    ::mount("dev", "/dev", "tmpfs", 0, "mode=0755");
    make_character_node("/dev/null", 1, 3);
    make_character_node("/dev/zero", 1, 5);
    make_character_node("/dev/random", 1, 8);
    make_character_node("/dev/urandom", 1, 9);
    make_character_node("/dev/tty", 5, 0);
    unsigned major_number = 0, minor_number = 0;
    if (std::sscanf(read_small_file("/sys/class/misc/zfs/dev").c_str(), "%u:%u", &major_number,
                    &minor_number) == 2)
        make_character_node("/dev/zfs", major_number, minor_number);
}

} // namespace

int serve() {
    ::umask(0);
    ::signal(SIGPIPE, SIG_IGN);
    // A heap for each of many threads, and large buffers in them, took more and more of this small machine.
    ::mallopt(M_ARENA_MAX, 1);
    ::mallopt(M_MMAP_THRESHOLD, 64 << 10);
    rlimit many{1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_NOFILE, &many);
    make_devices();
    configure_network();
    start_devices();
    int listener = listen_for_lab();
    if (listener < 0)
        return 1;
    std::puts("agent: ready");
    std::fflush(stdout);
    for (;;) {
        int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd >= 0)
            std::thread(answer, fd).detach();
    }
}

} // namespace bhype::lab::agent

int main() {
    return bhype::lab::agent::serve();
}
