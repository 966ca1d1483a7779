#include "gateway.h"

#include <cerrno>
#include <cstring>
#include <linux/fuse.h>
#include <memory>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace bhype::lab {

namespace {

constexpr std::size_t request_limit = (1 << 20) + 65536;
constexpr std::size_t relay_chunk = 256 * 1024;

struct Tunnel {
    Fd device;
    Fd agent;
};

// Requests: one read(2) of /dev/fuse is one request.
void carry_requests(std::shared_ptr<Tunnel> tunnel) {
    std::vector<char> buffer(request_limit);
    for (;;) {
        pollfd set[2] = {{tunnel->device.get(), POLLIN, 0}, {tunnel->agent.get(), POLLRDHUP, 0}};
        if (::poll(set, 2, -1) < 0 && errno == EINTR)
            continue;
        if (set[1].revents != 0)
            break;
        ssize_t got = ::read(tunnel->device.get(), buffer.data(), buffer.size());
        if (got < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT))
            continue;
        if (got <= 0 || !write_all(tunnel->agent.get(), buffer.data(), static_cast<std::size_t>(got)))
            break;
    }
    ::shutdown(tunnel->agent.get(), SHUT_RDWR);
}

// Replies. A notification may wait in the kernel for a page whose reply is behind it: it gets a thread of its
// own.
void carry_replies(std::shared_ptr<Tunnel> tunnel) {
    std::vector<char> buffer(request_limit);
    for (;;) {
        fuse_out_header header{};
        if (!read_all(tunnel->agent.get(), &header, sizeof(header)) || header.len < sizeof(header) ||
            header.len > buffer.size())
            break;
        std::memcpy(buffer.data(), &header, sizeof(header));
        if (!read_all(tunnel->agent.get(), buffer.data() + sizeof(header), header.len - sizeof(header)))
            break;
        if (header.unique != 0) {
            // ENOENT: the caller was interrupted and does not wait any more.
            if (::write(tunnel->device.get(), buffer.data(), header.len) < 0 && errno != ENOENT &&
                errno != EINTR)
                break;
        } else {
            std::thread([tunnel, note = std::string(buffer.data(), header.len)] {
                ssize_t ignored = ::write(tunnel->device.get(), note.data(), note.size());
                static_cast<void>(ignored);
            }).detach();
        }
    }
    ::shutdown(tunnel->agent.get(), SHUT_RDWR);
}

/// Until `from` has ended; what `to` does not take any more is dropped.
void carry_bytes(const Fd& from, const Fd& to) {
    std::vector<char> buffer(relay_chunk);
    bool taken = true;
    for (;;) {
        ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        taken = taken && write_all(to.get(), buffer.data(), static_cast<std::size_t>(got));
        if (!taken)
            ::shutdown(from.get(), SHUT_WR);
    }
    ::shutdown(to.get(), SHUT_WR);
}

} // namespace

void start_fuse_pump(Fd device, Fd agent) {
    auto tunnel = std::make_shared<Tunnel>(Tunnel{std::move(device), std::move(agent)});
    std::thread(carry_requests, tunnel).detach();
    std::thread(carry_replies, tunnel).detach();
}

void start_relay(Fd client, Fd agent, std::function<void()> ended) {
    auto one = std::make_shared<Fd>(std::move(client));
    auto other = std::make_shared<Fd>(std::move(agent));
    std::thread([one, other] { carry_bytes(*one, *other); }).detach();
    std::thread([one, other, ended] {
        carry_bytes(*other, *one);
        ::shutdown(one->get(), SHUT_RD);
        ended();
    }).detach();
}

} // namespace bhype::lab
