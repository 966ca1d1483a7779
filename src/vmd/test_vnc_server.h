#pragma once

// bhyve's VNC server, as its rfb.c does it, for tests: one thread that accepts a client and serves it to its
// end before it accepts another, and that waits for ever for a silent one.

#include "base/fd.h"
#include "vmd/rfb.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace bhype::vmd::test {

class VncServer {
  public:
    /// What OpenSSL's DES makes of `challenge` under the key that "swordfish" gives: its first 8 bytes, each
    /// with its bits turned round.
    static constexpr std::string_view password = "swordfish";
    static constexpr std::string_view challenge{"\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17", 16};
    static constexpr std::string_view answer{
        "\x80\xdd\xf2\xb7\xb2\xc2\x5b\xab\x63\xfc\x3d\xad\xc9\xa9\xc1\x63", 16};

    explicit VncServer(bool with_password = true, std::uint16_t width = 64, std::uint16_t height = 48)
        : with_password_(with_password), width_(width), height_(height),
          listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (::bind(listening_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(listening_.get(), 1) != 0 ||
            ::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
            throw std::runtime_error("no port for the stand-in VNC server");
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve_all(); });
    }
    ~VncServer() {
        ended_ = true;
        thread_.join();
    }
    VncServer(const VncServer&) = delete;

    int port() const { return port_; }
    /// Handshakes that were right to their end.
    int clients() const { return clients_; }
    /// Clients that did something else than they should, in words.
    std::vector<std::string> complaints() const {
        const std::lock_guard lock(mutex_);
        return complaints_;
    }
    /// Key and pointer messages as they came.
    std::vector<std::string> input() const {
        const std::lock_guard lock(mutex_);
        return input_;
    }
    /// Every pixel of what is drawn from now on.
    void paint(std::uint32_t pixel) {
        const std::lock_guard lock(mutex_);
        pixel_ = pixel;
        dirty_ = true;
    }
    void resize(std::uint16_t width, std::uint16_t height) {
        const std::lock_guard lock(mutex_);
        width_ = width;
        height_ = height;
        resized_ = dirty_ = true;
    }
    /// As it is, to the client of now.
    void send_raw(const std::string& bytes) {
        const std::lock_guard lock(mutex_);
        raw_ += bytes;
    }
    /// Ends the client of now, as a reboot of the guest does.
    void drop() { drop_ = true; }

  private:
    struct Gone {};

    void serve_all() {
        while (!ended_) {
            pollfd waiting{listening_.get(), POLLIN, 0};
            if (::poll(&waiting, 1, 5) < 1)
                continue;
            const Fd client(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            try {
                drop_ = false;
                handshake(client.get());
                ++clients_;
                serve(client.get());
            } catch (const Gone&) {
            }
        }
    }

    std::string take(int fd, std::size_t size) {
        std::string bytes;
        while (bytes.size() < size) {
            pollfd waiting{fd, POLLIN, 0};
            if (ended_ || drop_)
                throw Gone{};
            if (::poll(&waiting, 1, 5) < 1)
                continue;
            char more[256];
            const auto got = ::recv(fd, more, std::min(sizeof more, size - bytes.size()), 0);
            if (got <= 0)
                throw Gone{};
            bytes.append(more, static_cast<std::size_t>(got));
        }
        return bytes;
    }

    void give(int fd, std::string_view bytes) {
        while (!bytes.empty()) {
            pollfd waiting{fd, POLLOUT, 0};
            if (ended_ || drop_)
                throw Gone{};
            if (::poll(&waiting, 1, 5) < 1)
                continue;
            const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent <= 0)
                throw Gone{};
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }

    void expect(int fd, std::string_view what, std::string_view wanted) {
        if (take(fd, wanted.size()) == wanted)
            return;
        const std::lock_guard lock(mutex_);
        complaints_.emplace_back(what);
        throw Gone{};
    }

    void handshake(int fd) {
        give(fd, "RFB 003.008\n");
        expect(fd, "banner", "RFB 003.008\n");
        const std::string type(1, with_password_ ? '\2' : '\1');
        give(fd, '\1' + type);
        expect(fd, "security type", type);
        if (with_password_) {
            give(fd, challenge);
            expect(fd, "password", answer);
        }
        give(fd, std::string(4, '\0'));
        take(fd, 1);
        const std::lock_guard lock(mutex_);
        std::string init;
        put16(init, width_);
        put16(init, height_);
        PixelFormat{}.print(init);
        put32(init, 5);
        give(fd, init + "bhyve");
        wanted_.reset();
        dirty_ = false;
    }

    void serve(int fd) {
        while (true) {
            pollfd waiting{fd, POLLIN, 0};
            if (ended_ || drop_)
                throw Gone{};
            if (::poll(&waiting, 1, 5) > 0)
                message(fd);
            const std::lock_guard lock(mutex_);
            give(fd, std::exchange(raw_, {}));
            if (wanted_ && (!*wanted_ || dirty_))
                draw(fd);
        }
    }

    void message(int fd) {
        const auto kind = take(fd, 1);
        switch (kind[0]) {
        case 0:
            take(fd, 19);
            break;
        case 2: {
            const auto head = take(fd, 3);
            take(fd, std::size_t{4} * u16(head.data() + 1));
            break;
        }
        case 3: {
            const auto request = take(fd, 9);
            const std::lock_guard lock(mutex_);
            wanted_ = request[0] != 0 && wanted_.value_or(true); // one for everything is not forgotten
            break;
        }
        case 4:
        case 5: {
            const auto rest = take(fd, kind[0] == 4 ? 7 : 5);
            const std::lock_guard lock(mutex_);
            input_.push_back(kind + rest);
            break;
        }
        default: {
            const std::lock_guard lock(mutex_);
            complaints_.push_back("message " + std::to_string(kind[0]));
            throw Gone{};
        }
        }
    }

    void draw(int fd) {
        std::string update{0, 0, 0, static_cast<char>(resized_ ? 2 : 1)};
        const auto rectangle = [&](std::int32_t encoding) {
            for (const std::uint16_t number : {std::uint16_t(0), std::uint16_t(0), width_, height_})
                put16(update, number);
            put32(update, static_cast<std::uint32_t>(encoding));
        };
        if (resized_)
            rectangle(desktop_size_encoding);
        rectangle(raw_encoding);
        std::string pixel;
        for (int shift = 0; shift < 32; shift += 8)
            pixel += static_cast<char>(pixel_ >> shift & 0xff);
        for (int i = 0; i < width_ * height_; ++i)
            update += pixel;
        wanted_.reset();
        dirty_ = resized_ = false;
        give(fd, update);
    }

    const bool with_password_;
    std::uint16_t width_, height_;
    Fd listening_;
    int port_ = 0;
    mutable std::mutex mutex_;
    std::optional<bool> wanted_; ///< an update; true: only of what changed
    bool dirty_ = false;
    bool resized_ = false;
    std::uint32_t pixel_ = 0;
    std::string raw_;
    std::vector<std::string> input_, complaints_;
    std::atomic<bool> ended_ = false, drop_ = false;
    std::atomic<int> clients_ = 0;
    std::thread thread_;
};

/// A viewer of the screen: a client of RFB 3.8 with security None.
class VncViewer {
  public:
    explicit VncViewer(Fd socket) : socket_(std::move(socket)) {}
    explicit operator bool() const { return bool(socket_); }
    int socket() const { return socket_.get(); }
    void close() { socket_.reset(); }

    void send(std::string_view bytes) {
        [[maybe_unused]] const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    /// SIZE bytes, or fewer when no more come within the time.
    std::string take(std::size_t size, int milliseconds = 5000) {
        std::string bytes;
        while (bytes.size() < size) {
            pollfd waiting{socket_.get(), POLLIN, 0};
            char more[65536];
            if (::poll(&waiting, 1, milliseconds) < 1)
                break;
            const auto got = ::recv(socket_.get(), more, std::min(sizeof more, size - bytes.size()), 0);
            if (got <= 0)
                break;
            bytes.append(more, static_cast<std::size_t>(got));
        }
        return bytes;
    }
    /// True when vmd has closed it.
    bool gone() {
        pollfd waiting{socket_.get(), POLLIN, 0};
        char byte;
        while (::poll(&waiting, 1, 2000) == 1) {
            const auto got = ::recv(socket_.get(), &byte, 1, 0);
            if (got <= 0)
                return true;
        }
        return false;
    }
    /// The whole handshake; the name that the screen has, or where it went wrong.
    std::string handshake() {
        if (take(12) != "RFB 003.008\n")
            return "banner";
        send("RFB 003.008\n");
        if (take(2) != "\1\1")
            return "security types";
        send("\1");
        if (take(4) != std::string(4, '\0'))
            return "security result";
        send("\1");
        const auto init = take(24);
        if (init.size() != 24)
            return "ServerInit";
        width = u16(init.data());
        height = u16(init.data() + 2);
        return take(u32(init.data() + 20));
    }
    void ask(bool changes) { send(update_request(changes, width, height)); }
    static std::string key(char which, bool down) {
        return {4, static_cast<char>(down), 0, 0, 0, 0, 0, which};
    }
    /// Reads until a pixel of that value came; counts what came meanwhile in `pixels`.
    bool see(std::uint32_t pixel, int milliseconds = 5000) {
        while (true) {
            const auto head = take(4, milliseconds);
            if (head.size() != 4 || head[0] != 0)
                return false;
            for (int left = u16(head.data() + 2); left > 0; --left) {
                const auto at = take(12, milliseconds);
                if (at.size() != 12)
                    return false;
                if (static_cast<std::int32_t>(u32(at.data() + 8)) == desktop_size_encoding) {
                    width = u16(at.data() + 4);
                    height = u16(at.data() + 6);
                    continue;
                }
                const auto count = std::size_t(u16(at.data() + 4)) * u16(at.data() + 6);
                const auto bytes = take(count * 4, milliseconds);
                if (bytes.size() != count * 4)
                    return false;
                pixels += count;
                std::uint32_t last = 0;
                for (int i = 3; i >= 0 && count > 0; --i)
                    last = last << 8 | static_cast<unsigned char>(bytes[bytes.size() - 4 + std::size_t(i)]);
                if (last == pixel && u16(at.data() + 2) + u16(at.data() + 6) == height)
                    return true;
            }
            ask(true);
        }
    }

    std::uint16_t width = 0, height = 0;
    std::size_t pixels = 0;

  private:
    Fd socket_;
};

} // namespace bhype::vmd::test
