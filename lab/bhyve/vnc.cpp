#include "lab/bhyve/vnc.h"

#include "lab/bhyve/failure.h"
#include "lab/bhyve/vnc_client.h"

#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

namespace bhype::lab {

VncServer::VncServer(VncOptions options) : options_(std::move(options)) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
    addrinfo* found = nullptr;
    const auto host = options_.host.empty() ? "127.0.0.1" : options_.host;
    const auto port = std::to_string(options_.port ? options_.port : 5900);
    if (const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found)) {
        print_error(fmt::format("getaddrinfo: {}", gai_strerror(error)));
        throw DeviceFailure{0};
    }
    const auto fail = [&] [[noreturn]] (const char* what) {
        const int error = errno;
        freeaddrinfo(found);
        print_error(fmt::format("{}: {}", what, freebsd_error(error)));
        throw DeviceFailure{error};
    };
    listener_ = Fd(socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!listener_)
        fail("socket");
    const int on = 1;
    setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener_.get(), found->ai_addr, found->ai_addrlen) < 0)
        fail("bind");
    if (listen(listener_.get(), 1) < 0)
        fail("listen");
    freeaddrinfo(found);

    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        throw std::runtime_error("no pipe for the VNC server");
    stop_read_ = Fd(ends[0]);
    stop_write_ = Fd(ends[1]);
    thread_ = std::thread([this] { run(); });
    if (options_.wait) {
        std::unique_lock lock(mutex_);
        connected_.wait(lock, [this] { return accepted_; });
    }
}

VncServer::~VncServer() {
    stop_write_.reset();
    thread_.join();
}

void VncServer::run() {
    // Signals are the main thread's, which changes how they are taken while this one runs.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    for (;;) {
        pollfd ready[] = {{listener_.get(), POLLIN, 0}, {stop_read_.get(), POLLIN, 0}};
        if (poll(ready, 2, -1) < 0 && errno != EINTR)
            return;
        if (ready[1].revents)
            return;
        if (!ready[0].revents)
            continue;
        Fd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        {
            const std::lock_guard lock(mutex_);
            accepted_ = true;
        }
        connected_.notify_all();
        if (client)
            serve_vnc_client(client.get(), stop_read_.get(), options_);
    }
}

} // namespace bhype::lab
