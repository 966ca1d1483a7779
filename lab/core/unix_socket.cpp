#include "lab/core/unix_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

constexpr std::size_t max_descriptors = 4;

/// The address by way of a descriptor of the directory, which is always short enough.
sockaddr_un address_in(int directory, const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto path = fmt::format("/proc/self/fd/{}/{}", directory, name);
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

int open_directory(const std::filesystem::path& directory) {
    return open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
}

} // namespace

int listen_at(const std::filesystem::path& directory, const std::string& name) {
    const int folder = open_directory(directory);
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    const auto address = address_in(folder, name);
    unlinkat(folder, name.c_str(), 0);
    if (folder < 0 || fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(fd, 128) != 0)
        throw std::system_error(errno, std::generic_category(), "cannot listen in " + directory.string());
    close(folder);
    return fd;
}

int connect_to(const std::filesystem::path& directory, const std::string& name) {
    const int folder = open_directory(directory);
    if (folder < 0)
        return -1;
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    const auto address = address_in(folder, name);
    const bool connected = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(folder);
    if (connected)
        return fd;
    close(fd);
    return -1;
}

bool send_packet(int socket, const std::string& bytes, const std::vector<int>& descriptors) {
    iovec data{const_cast<char*>(bytes.data()), bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(max_descriptors * sizeof(int))]{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    if (!descriptors.empty()) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
        std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size() * sizeof(int));
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL) >= 0;
}

std::optional<Packet> receive_packet(int socket, std::size_t max_size) {
    Packet packet;
    packet.bytes.resize(max_size);
    iovec data{packet.bytes.data(), packet.bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(max_descriptors * sizeof(int))]{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t size;
    do
        size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (size < 0 && errno == EINTR);
    if (size <= 0)
        return std::nullopt;
    packet.bytes.resize(static_cast<std::size_t>(size));
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        packet.descriptors.resize((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        std::memcpy(packet.descriptors.data(), CMSG_DATA(header), packet.descriptors.size() * sizeof(int));
    }
    return packet;
}

} // namespace bhype::lab
