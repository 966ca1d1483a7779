#include "session.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bhype::test {

std::string talk(int socket, const std::string& text, const std::string& wanted,
                 std::chrono::seconds patience) {
    [[maybe_unused]] const auto sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    std::string came;
    const auto until = std::chrono::steady_clock::now() + patience;
    while (came.find(wanted) == came.npos) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        pollfd waiting{socket, POLLIN, 0};
        if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) < 1)
            break;
        char bytes[4096];
        const auto got = ::read(socket, bytes, sizeof bytes);
        if (got <= 0)
            break;
        came.append(bytes, static_cast<std::size_t>(got));
    }
    return came;
}

void log_in(int serial) {
    for (int tries = 0; tries < 200; ++tries) {
        const auto came = talk(serial, "\n", "lab", 3s);
        if (came.find("login:") != came.npos && came.rfind("login:") > came.size() - 16)
            talk(serial, "root\n", "$ ", 10s);
        else if (came.find("$ ") != came.npos)
            return;
    }
}

std::string http_get(const std::string& address) {
    const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in there{};
    there.sin_family = AF_INET;
    there.sin_port = htons(80);
    ::inet_pton(AF_INET, address.c_str(), &there.sin_addr);
    if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&there), sizeof there) != 0)
        return {};
    return talk(socket.get(), "GET / HTTP/1.0\r\n\r\n", "\r\n\r\n", 10s);
}

std::string leased(Session& session) {
    for (const auto& lease : session.perform(host::LeaseList{}))
        if (lease.mac == mac)
            return lease.address;
    return {};
}

} // namespace bhype::test
