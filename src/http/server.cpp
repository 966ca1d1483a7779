#include "http/server.h"

#include "base/log.h"
#include "http/connection.h"
#include "os/peer.h"

#include <boost/asio/post.hpp>

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace bhype::http {

namespace {

using Protocol = asio::local::stream_protocol;

/// A list of 1,000 VMs at once. FreeBSD's usual 8 KiB (net.local.stream.sendspace) makes 35 turns of it.
constexpr int send_buffer = 512 << 10;

[[noreturn]] void fail(const std::string& path, const char* what, int error) {
    throw Error(Code::bad_configuration, path + ": " + what + ": " + std::strerror(error));
}

/// A socket file that nobody listens on is what a killed daemon leaves behind.
void remove_stale(const std::string& path) {
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0)
        return;
    if (!S_ISSOCK(found.st_mode))
        throw Error(Code::bad_configuration, path + " is in the way and is not a socket");
    asio::io_context io;
    Protocol::socket probe(io);
    boost::system::error_code error;
    probe.connect(Protocol::endpoint(path), error);
    if (!error)
        throw Error(Code::bad_configuration, path + ": another process listens there");
    ::unlink(path.c_str());
}

Protocol::acceptor bind_socket(asio::io_context& io, const std::string& path, mode_t mode,
                               const std::string& group) {
    remove_stale(path);
    Protocol::acceptor acceptor(io);
    boost::system::error_code error;
    acceptor.open(Protocol(), error);
    if (!error)
        acceptor.bind(Protocol::endpoint(path), error);
    if (error)
        fail(path, "bind", error.value());
    // Nobody can connect before listen(2), so the order closes the window.
    if (!group.empty()) {
        const auto* found = ::getgrnam(group.c_str());
        if (found == nullptr)
            throw Error(Code::bad_configuration, path + ": there is no group " + group);
        if (::chown(path.c_str(), static_cast<uid_t>(-1), found->gr_gid) != 0)
            fail(path, "chown", errno);
    }
    if (::chmod(path.c_str(), mode) != 0)
        fail(path, "chmod", errno);
    acceptor.listen(1024, error);
    if (error)
        fail(path, "listen", error.value());
    return acceptor;
}

} // namespace

struct Server::Impl {
    struct Listener {
        Protocol::acceptor acceptor;
        std::string path;
        bool local;
    };

    Impl(Handler& handler, Options options) : shared(handler, options), timer(*shared.io) {}

    void accept(Listener& listener) {
        listener.acceptor.async_accept([this, &listener](boost::system::error_code error,
                                                         Protocol::socket socket) {
            if (error == asio::error::operation_aborted || stopping)
                return;
            if (error) {
                // Out of descriptors, most likely: accepting at once again would spin.
                log::error("accept on {}: {}", listener.path, error.message());
                auto pause = std::make_shared<asio::steady_timer>(*shared.io, std::chrono::milliseconds(200));
                pause->async_wait([this, pause, &listener](boost::system::error_code) {
                    if (!stopping)
                        accept(listener);
                });
                return;
            }
            take(listener, std::move(socket));
            accept(listener);
        });
    }

    void take(const Listener& listener, Protocol::socket socket) {
        boost::system::error_code smaller; // then a long answer takes more turns, no more
        socket.set_option(asio::socket_base::send_buffer_size(send_buffer), smaller);
        Client client;
        client.local = listener.local;
        if (listener.local) {
            try {
                client.uid = os::peer_of(socket.native_handle()).uid;
            } catch (const Error& failure) {
                log::error("{}", failure.what());
                return;
            }
            client.address = "cli";
        }
        std::size_t same_door = 0;
        std::size_t same_user = 0;
        for (const auto* other : shared.connections) {
            if (other->client().local != client.local)
                continue;
            ++same_door;
            same_user += other->client().uid == client.uid ? 1 : 0;
        }
        const auto& options = shared.options;
        if (same_door >= (client.local ? options.local_connections : options.web_connections) ||
            (client.local && same_user >= options.local_connections_per_user))
            return;
        // A list of a thousand VMs then goes out in one write.
        boost::system::error_code ignored;
        socket.set_option(asio::socket_base::send_buffer_size(512 << 10), ignored);
        socket.non_blocking(true, ignored);
        std::make_shared<Connection>(shared, std::move(socket), std::move(client))->start();
        if (!ticking)
            tick();
    }

    void tick() {
        ticking = !shared.connections.empty() && !stopping;
        if (!ticking)
            return;
        timer.expires_after(std::chrono::seconds(1));
        timer.async_wait([this](boost::system::error_code error) {
            if (error)
                return;
            const auto now = Clock::now();
            for (const auto& connection : all())
                connection->tick(now);
            tick();
        });
    }

    std::vector<std::shared_ptr<Connection>> all() {
        std::vector<std::shared_ptr<Connection>> found;
        for (auto* connection : shared.connections)
            if (auto held = connection->weak_from_this().lock())
                found.push_back(std::move(held));
        return found;
    }

    Shared shared;
    asio::steady_timer timer;
    std::deque<Listener> listeners;
    std::thread thread;
    bool ticking = false;
    bool stopping = false;
};

Server::Server(Handler& handler, Options options) : impl_(std::make_unique<Impl>(handler, options)) {}

Server::~Server() {
    stop();
}

void Server::listen_web(const std::string& path, mode_t mode, const std::string& group) {
    impl_->listeners.push_back({bind_socket(*impl_->shared.io, path, mode, group), path, false});
}

void Server::listen_local(const std::string& path, mode_t mode) {
    impl_->listeners.push_back({bind_socket(*impl_->shared.io, path, mode, {}), path, true});
}

void Server::start() {
    for (auto& listener : impl_->listeners)
        impl_->accept(listener);
    impl_->thread = std::thread([this] {
        const auto work = asio::make_work_guard(*impl_->shared.io);
        for (;;) {
            try {
                impl_->shared.io->run();
                return;
            } catch (const std::exception& error) {
                log::error("http: {}", error.what());
            }
        }
    });
}

void Server::stop() {
    if (!impl_->thread.joinable()) {
        for (auto& listener : impl_->listeners)
            ::unlink(listener.path.c_str());
        impl_->listeners.clear();
        return;
    }
    auto& io = *impl_->shared.io;
    asio::post(io, [this] {
        impl_->stopping = true;
        impl_->timer.cancel();
        boost::system::error_code ignored;
        for (auto& listener : impl_->listeners) {
            ::unlink(listener.path.c_str());
            listener.acceptor.close(ignored);
        }
        for (const auto& connection : impl_->all())
            connection->close();
    });
    impl_->shared.workers.stop();
    asio::post(io, [&io] { io.stop(); });
    impl_->thread.join();
    for (const auto& connection : impl_->all())
        connection->close();
    // What closing has queued holds the last references.
    io.restart();
    io.poll();
    impl_->listeners.clear();
}

} // namespace bhype::http
