#include "lab_io.h"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace bhype::lab {

Fd& Fd::operator=(Fd&& other) noexcept {
    if (this != &other) {
        if (fd_ >= 0)
            ::close(fd_);
        fd_ = other.release();
    }
    return *this;
}

Fd::~Fd() {
    if (fd_ >= 0)
        ::close(fd_);
}

int Fd::release() {
    return std::exchange(fd_, -1);
}

void fail(const std::string& what) {
    throw std::runtime_error(what);
}

void fail_errno(const std::string& what, int error) {
    throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(error)));
}

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

bool send_frame(int fd, wire::Frame type, std::string_view data) {
    wire::FrameHeader header{type, static_cast<std::uint32_t>(data.size())};
    std::string whole(reinterpret_cast<char*>(&header), sizeof(header));
    whole += data;
    return write_all(fd, whole.data(), whole.size());
}

std::string join_strings(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words)
        text.append(word).push_back('\0');
    return text;
}

std::vector<std::string> split_strings(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        auto end = text.find('\0');
        words.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return words;
}

bool send_request(int fd, const std::vector<std::string>& words) {
    std::string body = join_strings(words);
    auto length = static_cast<std::uint32_t>(body.size());
    std::string whole(reinterpret_cast<char*>(&length), sizeof(length));
    whole += body;
    return write_all(fd, whole.data(), whole.size());
}

int read_status(int fd) {
    std::uint32_t status = 0;
    return read_all(fd, &status, sizeof(status)) ? static_cast<int>(status) : EIO;
}

std::string nanoseconds_now() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return std::to_string(now.tv_sec * 1'000'000'000LL + now.tv_nsec);
}

bool send_message(int fd, const std::vector<std::string>& words, int with_fd) {
    std::string text = join_strings(words);
    iovec part{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    if (with_fd >= 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof(control);
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(header), &with_fd, sizeof(int));
    }
    return ::sendmsg(fd, &message, MSG_NOSIGNAL) >= 0;
}

bool receive_message(int fd, Message& to) {
    char buffer[16384];
    iovec part{buffer, sizeof(buffer)};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    ssize_t got;
    do
        got = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return false;
    to.words = split_strings({buffer, static_cast<std::size_t>(got)});
    to.fd = Fd();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header != nullptr && header->cmsg_type == SCM_RIGHTS) {
        int received = -1;
        std::memcpy(&received, CMSG_DATA(header), sizeof(received));
        to.fd = Fd(received);
    }
    return true;
}

namespace {

// Keeps the directory open as long as its name in proc(5) is needed.
sockaddr_un short_address(const std::filesystem::path& path, const Fd& directory) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::string name = fmt::format("/proc/self/fd/{}/{}", directory.get(), path.filename().string());
    if (path.native().size() < sizeof(address.sun_path))
        name = path.native();
    std::strncpy(address.sun_path, name.c_str(), sizeof(address.sun_path) - 1);
    return address;
}

} // namespace

Fd listen_unix(const std::filesystem::path& path, int type, unsigned mode) {
    Fd directory(::open(path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    Fd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    sockaddr_un address = short_address(path, directory);
    ::unlink(path.c_str());
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
        ::chmod(path.c_str(), mode) != 0 || ::listen(fd.get(), 128) != 0)
        fail_errno(path, errno);
    return fd;
}

Fd connect_unix(const std::filesystem::path& path, int type) {
    Fd directory(::open(path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    Fd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    sockaddr_un address = short_address(path, directory);
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
        return Fd();
    return fd;
}

Message ask_gateway(const std::filesystem::path& state_dir, const std::vector<std::string>& words,
                    int with_fd) {
    Fd fd = connect_unix(state_dir / "run/zfs.sock", SOCK_SEQPACKET);
    Message answer;
    if (!fd || !send_message(fd.get(), words, with_fd) || !receive_message(fd.get(), answer) ||
        answer.words.empty())
        fail("the ZFS appliance of the lab is not running");
    return answer;
}

} // namespace bhype::lab
