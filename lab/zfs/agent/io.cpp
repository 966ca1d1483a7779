#include "agent.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace bhype::lab::agent {

bool read_all(int fd, void* to, std::size_t length) {
    auto* at = static_cast<char*>(to);
    while (length > 0) {
        ssize_t got = ::read(fd, at, length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        length -= static_cast<std::size_t>(got);
    }
    return true;
}

bool write_all(int fd, const void* from, std::size_t length) {
    const auto* at = static_cast<const char*>(from);
    while (length > 0) {
        ssize_t put = ::write(fd, at, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        at += put;
        length -= static_cast<std::size_t>(put);
    }
    return true;
}

ssize_t write_volume(int volume, const void* from, std::size_t length, off_t offset) {
    const ssize_t put = ::pwrite(volume, from, length, offset);
    constexpr unsigned through =
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    if (put > 0 && ::sync_file_range(volume, offset, put, through) != 0)
        return -1;
    return put;
}

bool send_frame(int fd, wire::Frame type, const void* data, std::size_t length) {
    wire::FrameHeader header{type, static_cast<std::uint32_t>(length)};
    iovec parts[2] = {{&header, sizeof(header)}, {const_cast<void*>(data), length}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    ssize_t put;
    do
        put = ::sendmsg(fd, &message, MSG_NOSIGNAL);
    while (put < 0 && errno == EINTR);
    if (put < 0)
        return false;
    auto done = static_cast<std::size_t>(put);
    if (done < sizeof(header))
        return write_all(fd, reinterpret_cast<char*>(&header) + done, sizeof(header) - done) &&
               write_all(fd, data, length);
    done -= sizeof(header);
    return write_all(fd, static_cast<const char*>(data) + done, length - done);
}

std::vector<std::string> split_strings(const std::string& text) {
    std::vector<std::string> words;
    for (std::size_t at = 0; at < text.size();) {
        auto end = text.find('\0', at);
        if (end == std::string::npos)
            end = text.size();
        words.emplace_back(text, at, end - at);
        at = end + 1;
    }
    return words;
}

std::string read_small_file(const std::string& path) {
    std::string text;
    int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return text;
    char buffer[65536];
    for (ssize_t got; (got = ::read(fd, buffer, sizeof(buffer))) > 0;)
        text.append(buffer, static_cast<std::size_t>(got));
    ::close(fd);
    return text;
}

void send_status(int fd, int error) {
    auto value = static_cast<std::uint32_t>(error);
    write_all(fd, &value, sizeof(value));
}

} // namespace bhype::lab::agent
