#include "fuse_session.h"

#include "agent.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace bhype::lab::agent {

namespace {

ssize_t end_of_session() {
    errno = ENODEV;
    return -1;
}

// One request: a fuse_in_header begins with the length of the whole.
ssize_t receive_request(int fd, void* buffer, size_t size, void*) {
    auto* at = static_cast<char*>(buffer);
    std::uint32_t length = 0;
    if (!read_all(fd, at, sizeof(length)))
        return end_of_session();
    std::memcpy(&length, at, sizeof(length));
    if (length < sizeof(length) || length > size ||
        !read_all(fd, at + sizeof(length), length - sizeof(length)))
        return end_of_session();
    return length;
}

ssize_t send_reply(int fd, iovec* parts, int count, void* user) {
    std::lock_guard lock(static_cast<FileServer*>(user)->sending);
    ssize_t total = 0;
    for (int i = 0; i < count; ++i)
        total += static_cast<ssize_t>(parts[i].iov_len);
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = static_cast<size_t>(count);
    for (ssize_t left = total; left > 0;) {
        ssize_t put = ::sendmsg(fd, &message, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return end_of_session();
        left -= put;
        auto done = static_cast<size_t>(put);
        while (message.msg_iovlen > 0 && done >= message.msg_iov->iov_len) {
            done -= message.msg_iov->iov_len;
            ++message.msg_iov;
            --message.msg_iovlen;
        }
        if (message.msg_iovlen > 0) {
            message.msg_iov->iov_base = static_cast<char*>(message.msg_iov->iov_base) + done;
            message.msg_iov->iov_len -= done;
        }
    }
    return total;
}

} // namespace

fuse_session* open_session(int fd, const fuse_lowlevel_ops& operations, FileServer& server) {
    char name[] = "agent";
    char* argv[] = {name, nullptr};
    fuse_args args = FUSE_ARGS_INIT(1, argv);
    fuse_session* session = ::fuse_session_new(&args, &operations, sizeof(operations), &server);
    if (session == nullptr)
        return nullptr;
    static const fuse_custom_io io = {send_reply, receive_request, nullptr, nullptr};
    if (::fuse_session_custom_io(session, &io, ::fcntl(fd, F_DUPFD_CLOEXEC, 0)) != 0) {
        ::fuse_session_destroy(session);
        return nullptr;
    }
    return session;
}

void serve_session(fuse_session* session) {
    ::fuse_session_loop(session);
    ::fuse_session_destroy(session); // closes the descriptor too
}

} // namespace bhype::lab::agent
