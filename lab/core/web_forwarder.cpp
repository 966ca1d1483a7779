#include "lab/core/web_forwarder.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>

namespace bhype::lab {

namespace {

constexpr std::uint16_t https = 443;

void copy(int from, int to) {
    std::array<char, 65536> buffer;
    for (ssize_t n; (n = read(from, buffer.data(), buffer.size())) > 0 || (n < 0 && errno == EINTR);) {
        for (ssize_t done = 0; done < n;) {
            const ssize_t w =
                send(to, buffer.data() + done, static_cast<std::size_t>(n - done), MSG_NOSIGNAL);
            if (w < 0) {
                shutdown(from, SHUT_RD);
                return;
            }
            done += w;
        }
    }
    shutdown(to, SHUT_WR);
}

void forward(int outside) {
    const int inside = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(https);
    if (connect(inside, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
        const int on = 1;
        setsockopt(inside, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(outside, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        std::thread up([=] { copy(outside, inside); });
        copy(inside, outside);
        up.join();
    }
    close(inside);
    close(outside);
}

} // namespace

void forward_web(int listener) {
    prctl(PR_SET_NAME, "lab-web");
    signal(SIGPIPE, SIG_IGN);
    while (true) {
        const int outside = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (outside >= 0)
            std::thread(forward, outside).detach();
        else if (errno == EMFILE || errno == ENFILE)
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

} // namespace bhype::lab
