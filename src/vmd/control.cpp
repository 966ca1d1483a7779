#include "vmd/control.h"

#include "base/error.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace bhype::vmd {

namespace {
constexpr std::size_t most_peers = 8;
constexpr std::size_t most_waiting = 4 << 20;
} // namespace

Control::Control(Loop& loop, const std::string& path, Handler handler)
    : loop_(loop), handler_(std::move(handler)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        throw Error(Code::internal, "socket path too long: " + path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    ::unlink(path.c_str());
    listening_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::umask(0177);
    if (::bind(listening_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listening_.get(), 8) != 0)
        throw Error(Code::internal, path + ": " + std::strerror(errno));
    ::umask(077);
    loop_.watch(listening_.get(), POLLIN, [this](short) { accept(); });
}

Control::~Control() {
    for (auto& [number, peer] : peers_) {
        ::fcntl(peer.fd.get(), F_SETFL, 0); // the last words must go out
        flush(peer);
        loop_.forget(peer.fd.get());
    }
    loop_.forget(listening_.get());
}

void Control::accept() {
    Fd fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd || peers_.size() >= most_peers)
        return;
    const auto number = ++last_;
    loop_.watch(fd.get(), POLLIN, [this, number](short events) { serve(number, events); });
    peers_[number].fd = std::move(fd);
}

void Control::serve(std::uint64_t number, short events) {
    auto& peer = peers_.at(number);
    bool gone = false;
    if (events & (POLLIN | POLLHUP | POLLERR)) {
        char bytes[4096];
        const auto got = ::recv(peer.fd.get(), bytes, sizeof bytes, 0);
        gone = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
        if (got > 0)
            peer.in.feed(bytes, static_cast<std::size_t>(got));
        while (!gone) {
            const auto message = peer.in.next();
            if (!message)
                break;
            handler_(number, *message);
        }
    }
    if (gone || peer.in.broken() || !flush(peer)) {
        loop_.forget(peer.fd.get());
        for (const auto& waiting : peer.descriptors)
            ::close(waiting.second);
        peers_.erase(number);
    }
}

void Control::answer(std::uint64_t number, const Message& answer, Fd descriptor) {
    const auto found = peers_.find(number);
    if (found == peers_.end())
        return;
    auto& peer = found->second;
    if (descriptor)
        peer.descriptors.emplace_back(peer.out.size(), descriptor.release());
    peer.out += print(answer);
    flush(peer);
}

void Control::tell_all(const Message& event) {
    for (auto& [number, peer] : peers_) {
        if (peer.out.size() > most_waiting)
            continue; // it asks for the status when it reads again
        peer.out += print(event);
        flush(peer);
    }
}

bool Control::flush(Peer& peer) {
    while (!peer.out.empty()) {
        const bool with_descriptor = !peer.descriptors.empty() && peer.descriptors.front().first == 0;
        const auto until = peer.descriptors.empty() ? peer.out.size()
                           : with_descriptor        ? header_size
                                                    : peer.descriptors.front().first;
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
        iovec piece{peer.out.data(), until};
        msghdr message{};
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        if (with_descriptor) {
            message.msg_control = control;
            message.msg_controllen = sizeof control;
            cmsghdr* header = CMSG_FIRSTHDR(&message);
            header->cmsg_level = SOL_SOCKET;
            header->cmsg_type = SCM_RIGHTS;
            header->cmsg_len = CMSG_LEN(sizeof(int));
            std::memcpy(CMSG_DATA(header), &peer.descriptors.front().second, sizeof(int));
        }
        const auto sent = ::sendmsg(peer.fd.get(), &message, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            break;
        if (sent <= 0)
            return false;
        if (with_descriptor) {
            ::close(peer.descriptors.front().second);
            peer.descriptors.pop_front();
        }
        for (auto& waiting : peer.descriptors)
            waiting.first -= static_cast<std::size_t>(sent);
        peer.out.erase(0, static_cast<std::size_t>(sent));
    }
    loop_.events(peer.fd.get(), peer.out.empty() ? POLLIN : POLLIN | POLLOUT);
    return true;
}

} // namespace bhype::vmd
