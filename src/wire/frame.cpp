#include "wire/frame.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace bhype::wire {

namespace {

/// More than these waiting for their frames is no honest peer.
constexpr std::size_t most_descriptors = 16;

[[noreturn]] void fail(const char* what) {
    throw Error(Code::invalid_request, what);
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        throw Error(Code::internal, "socket path too long: " + path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

Fd stream_socket() {
    return Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

} // namespace

Channel::Channel(Fd socket, std::size_t longest_received, std::size_t longest_sent)
    : socket_(std::move(socket)), longest_received_(longest_received), longest_sent_(longest_sent) {}

bool Channel::fill(char* to, std::size_t size, bool may_end) {
    std::size_t done = 0;
    while (done < size) {
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 4)];
        iovec piece{to + done, size - done};
        msghdr message{};
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        const auto got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            if (done == 0 && may_end)
                return false;
            fail("the connection ended inside a frame");
        }
        for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
            if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
                continue;
            const auto count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (std::size_t i = 0; i < count; ++i) {
                int descriptor = -1;
                std::memcpy(&descriptor, CMSG_DATA(header) + i * sizeof(int), sizeof descriptor);
                descriptors_.emplace_back(descriptor);
            }
        }
        if (message.msg_flags & MSG_CTRUNC || descriptors_.size() > most_descriptors)
            fail("too many descriptors");
        done += static_cast<std::size_t>(got);
    }
    return true;
}

std::optional<Frame> Channel::receive() {
    unsigned char head[4];
    if (!fill(reinterpret_cast<char*>(head), sizeof head, true))
        return std::nullopt;
    const std::size_t size = std::size_t(head[0]) << 24 | head[1] << 16 | head[2] << 8 | head[3];
    if (size == 0 || size > longest_received_)
        throw Error(Code::invalid_request, fmt::format("a frame of {} bytes", size));
    std::string text(size, '\0');
    fill(text.data(), size, false);
    auto value = parse_json(text);
    if (!value.is_object())
        fail("a frame that is no JSON object");
    Frame frame{std::move(value.get_object()), {}};
    if (const auto* flag = frame.body.if_contains("fd"); flag && flag->is_bool() && flag->get_bool()) {
        if (descriptors_.empty())
            fail("a frame without its descriptor");
        frame.descriptor = std::move(descriptors_.front());
        descriptors_.pop_front();
        frame.body.erase("fd");
    }
    return frame;
}

bool Channel::send(const json::object& body, int descriptor) {
    std::string text(4, '\0');
    if (descriptor >= 0) {
        auto with_flag = body;
        with_flag["fd"] = true;
        text += json::serialize(with_flag);
    } else {
        text += json::serialize(body);
    }
    const auto size = text.size() - 4;
    if (size > longest_sent_)
        throw Error(Code::too_large, fmt::format("{} bytes do not fit into one frame", size));
    for (int i = 0; i < 4; ++i)
        text[std::size_t(i)] = static_cast<char>(size >> (24 - 8 * i) & 0xff);

    const std::lock_guard lock(sending_);
    if (broken_)
        return false;
    std::size_t done = 0;
    while (done < text.size()) {
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
        iovec piece{text.data() + done, text.size() - done};
        msghdr message{};
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        if (descriptor >= 0 && done == 0) {
            message.msg_control = control;
            message.msg_controllen = sizeof control;
            cmsghdr* header = CMSG_FIRSTHDR(&message);
            header->cmsg_level = SOL_SOCKET;
            header->cmsg_type = SCM_RIGHTS;
            header->cmsg_len = CMSG_LEN(sizeof(int));
            std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
        }
        const auto sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0) {
            // Half a frame may be out, and nothing sensible can follow it.
            broken_ = true;
            ::shutdown(socket_.get(), SHUT_RDWR);
            return false;
        }
        done += static_cast<std::size_t>(sent);
    }
    return true;
}

void Channel::shut_down() {
    ::shutdown(socket_.get(), SHUT_RDWR);
}

Fd connect_to(const std::string& path) {
    const auto address = address_of(path);
    Fd socket = stream_socket();
    if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return {};
    return socket;
}

Fd listen_at(const std::string& path, unsigned mode, std::int64_t group) {
    const auto address = address_of(path);
    Fd socket = stream_socket();
    const auto complain = [&](const char* what) {
        throw Error(Code::internal, fmt::format("{} {}: {}", what, path, std::strerror(errno)));
    };
    if (!socket)
        complain("socket for");
    struct stat there {};
    if (::lstat(path.c_str(), &there) == 0 && S_ISSOCK(there.st_mode))
        ::unlink(path.c_str());
    // Nobody may connect before the owner and mode are right.
    const auto before = ::umask(0177);
    const int bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::umask(before);
    if (bound != 0)
        complain("bind");
    if (group >= 0 && ::chown(path.c_str(), static_cast<uid_t>(-1), static_cast<gid_t>(group)) != 0)
        complain("chown");
    if (::chmod(path.c_str(), mode) != 0)
        complain("chmod");
    if (::listen(socket.get(), 64) != 0)
        complain("listen");
    return socket;
}

} // namespace bhype::wire
