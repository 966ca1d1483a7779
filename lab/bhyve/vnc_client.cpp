#include "lab/bhyve/vnc_client.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace bhype::lab {

namespace {

struct Gone {};

// Encodings that bhyve knows (rfb.c); QEMU never hears of others, so that none comes back.
constexpr std::int32_t raw = 0, zlib = 6, resize = -223, extended_key = -258;

std::string be16(unsigned value) {
    return {static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string be32(std::uint32_t value) {
    return be16(value >> 16) + be16(value & 0xffff);
}

std::uint32_t read32(const char* at) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(at);
    return std::uint32_t(bytes[0]) << 24 | std::uint32_t(bytes[1]) << 16 | std::uint32_t(bytes[2]) << 8 |
           bytes[3];
}

unsigned read16(const char* at) {
    return read32(at) >> 16;
}

class Relay {
  public:
    Relay(int client, int stop, const VncOptions& options)
        : client_(client), stop_(stop), options_(options) {}

    void run() {
        greet();
        connect_screen();
        for (;;) {
            pollfd ready[] = {{client_, POLLIN, 0}, {screen_.get(), POLLIN, 0}, {stop_, POLLIN, 0}};
            if (poll(ready, 3, -1) < 0)
                throw Gone{};
            if (ready[2].revents)
                throw Gone{};
            if (ready[0].revents)
                from_client();
            if (ready[1].revents)
                from_screen();
        }
    }

  private:
    void send(int fd, const std::string& bytes) {
        for (std::size_t at = 0; at < bytes.size();) {
            const auto count = ::send(fd, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (count > 0) {
                at += static_cast<std::size_t>(count);
                continue;
            }
            if (errno != EAGAIN)
                throw Gone{};
            wait(fd, POLLOUT);
        }
    }

    /// Exactly that many bytes; bhyve waits for them without a limit of time.
    std::string receive(int fd, std::size_t size) {
        std::string bytes(size, '\0');
        for (std::size_t at = 0; at < size;) {
            wait(fd, POLLIN);
            const auto count = ::recv(fd, bytes.data() + at, size - at, 0);
            if (count <= 0)
                throw Gone{};
            at += static_cast<std::size_t>(count);
        }
        return bytes;
    }

    void wait(int fd, short events) {
        pollfd ready[] = {{fd, events, 0}, {stop_, POLLIN, 0}};
        if (poll(ready, 2, -1) < 0 || ready[1].revents)
            throw Gone{};
    }

    void greet() {
        const std::string version = "RFB 003.008\n";
        send(client_, version);
        const auto answer = receive(client_, 12);
        if (answer.compare(0, 10, version, 0, 10) != 0)
            throw Gone{};
        const bool old = answer[10] != '7' && answer[10] != '8'; // taken for 3.3
        const int kind = options_.password ? 2 : 1;
        if (old) {
            send(client_, be32(static_cast<std::uint32_t>(kind)));
        } else {
            send(client_, {'\1', static_cast<char>(kind)});
            if (receive(client_, 1)[0] != kind)
                refuse("Auth failed: authentication type mismatch", answer[10]);
        }
        if (options_.password) {
            std::string challenge(16, '\0');
            if (getrandom(challenge.data(), challenge.size(), 0) != 16)
                throw Gone{};
            send(client_, challenge);
            if (receive(client_, 16) != vnc_response(*options_.password, challenge))
                refuse("Auth Failed: Invalid Password.", answer[10]);
        }
        if (!old || options_.password)
            send(client_, be32(0));
        receive(client_, 1); // shared or not makes no difference
        const auto title = "bhyve:" + options_.name;
        width_ = static_cast<unsigned>(options_.width);
        height_ = static_cast<unsigned>(options_.height);
        const char format[16] = {32, 32, 0, 1, 0, '\xff', 0, '\xff', 0, '\xff', 16, 8, 0, 0, 0, 0};
        send(client_, be16(width_) + be16(height_) + std::string(format, 16) +
                          be32(static_cast<std::uint32_t>(title.size())) + title);
    }

    [[noreturn]] void refuse(const std::string& reason, char version) {
        send(client_, be32(1));
        if (version == '8')
            send(client_, be32(static_cast<std::uint32_t>(reason.size())) + reason);
        throw Gone{};
    }

    void connect_screen() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, options_.screen.c_str(), sizeof address.sun_path - 1);
        screen_ = Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        // With `wait` the client is here before QEMU is.
        while (connect(screen_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
            pollfd ready[] = {{client_, POLLRDHUP, 0}, {stop_, POLLIN, 0}};
            if (poll(ready, 2, 50) > 0)
                throw Gone{};
        }
        receive(screen_.get(), 12);
        send(screen_.get(), "RFB 003.008\n");
        receive(screen_.get(), static_cast<unsigned char>(receive(screen_.get(), 1)[0]));
        send(screen_.get(), "\1");
        if (read32(receive(screen_.get(), 4).data()) != 0)
            throw Gone{};
        send(screen_.get(), "\1");
        const auto init = receive(screen_.get(), 24);
        receive(screen_.get(), read32(init.data() + 20));
        // Until the firmware has set a mode QEMU shows a text of its own at a size of its own; bhyve shows
        // black.
        dark_ = read16(init.data()) != width_ || read16(init.data() + 2) != height_;
        const char format[20] = {0, 0,      0, 0,      32, 24, 0, 1, 0, '\xff',
                                 0, '\xff', 0, '\xff', 16, 8,  0, 0, 0, 0};
        send(screen_.get(), std::string(format, 20));
        tell_encodings();
    }

    void tell_encodings() {
        std::string list = be32(raw) + be32(static_cast<std::uint32_t>(resize));
        if (zlib_ && !dark_)
            list = be32(zlib) + list;
        if (extended_key_)
            list += be32(static_cast<std::uint32_t>(extended_key));
        send(screen_.get(), std::string("\2\0", 2) + be16(static_cast<unsigned>(list.size() / 4)) + list);
    }

    void from_client() {
        auto message = receive(client_, 1);
        switch (static_cast<unsigned char>(message[0])) {
        case 0: { // SetPixelFormat: colours may be in another order, all else is fixed
            message += receive(client_, 19);
            const bool usual = message[4] == 32 && message[7] == 1 && read16(&message[8]) == 255 &&
                               read16(&message[10]) == 255 && read16(&message[12]) == 255 &&
                               !(message[14] & 7) && !(message[15] & 7) && !(message[16] & 7);
            if (!usual)
                return;
            message[5] = 24;
            message[6] = 0;
            break;
        }
        case 2: { // SetEncodings
            message += receive(client_, 3);
            for (unsigned i = read16(&message[2]); i > 0; --i) {
                const auto encoding = static_cast<std::int32_t>(read32(receive(client_, 4).data()));
                zlib_ = zlib_ || encoding == zlib;
                resize_ = resize_ || encoding == resize;
                extended_key_ = extended_key_ || encoding == extended_key;
            }
            tell_encodings();
            return;
        }
        case 3: // FramebufferUpdateRequest
            message += receive(client_, 9);
            if (dark_ && !message[1])
                black();
            break;
        case 4: // KeyEvent
            message += receive(client_, 7);
            break;
        case 5: // PointerEvent
            message += receive(client_, 5);
            break;
        case 6: // ClientCutText, which goes nowhere
            message = receive(client_, 7);
            for (auto left = read32(&message[3]); left > 0;)
                left -= static_cast<std::uint32_t>(receive(client_, std::min(left, 65536U)).size());
            return;
        case 255: // QEMU's extended key event
            message += receive(client_, 1);
            message += message[1] == 0 ? receive(client_, 10) : "";
            break;
        default:
            throw Gone{};
        }
        send(screen_.get(), message);
    }

    void black() {
        const auto size = std::size_t(width_) * height_ * 4;
        send(client_, std::string("\0\0\0\1", 4) + be32(0) + be16(width_) + be16(height_) + be32(raw) +
                          std::string(size, '\0'));
    }

    void from_screen() {
        auto head = receive(screen_.get(), 1);
        if (head[0] == 2) // Bell, which bhyve never rings
            return;
        if (head[0] == 3) { // ServerCutText
            head = receive(screen_.get(), 7);
            receive(screen_.get(), read32(&head[3]));
            return;
        }
        if (head[0] != 0)
            throw Gone{};
        head = receive(screen_.get(), 3);
        std::string rectangles;
        unsigned kept = 0;
        for (unsigned left = read16(&head[1]); left > 0; --left) {
            auto rectangle = receive(screen_.get(), 12);
            const auto w = read16(&rectangle[4]), h = read16(&rectangle[6]);
            const auto encoding = static_cast<std::int32_t>(read32(&rectangle[8]));
            bool keep = true;
            if (encoding == raw) {
                rectangle += receive(screen_.get(), std::size_t(w) * h * 4);
                keep = !dark_;
            } else if (encoding == zlib) {
                rectangle += receive(screen_.get(), 4);
                rectangle += receive(screen_.get(), read32(&rectangle[12]));
            } else if (encoding == resize) {
                keep = resize_ && (w != width_ || h != height_);
                if (resize_ || (w == width_ && h == height_)) {
                    width_ = w;
                    height_ = h;
                }
                lit();
            }
            if (keep) {
                rectangles += rectangle;
                ++kept;
            }
        }
        if (kept)
            send(client_, std::string(2, '\0') + be16(kept) + rectangles);
    }

    /// The guest has a mode of its own now. What the client asked for before was answered by darkness: ask
    /// again for it.
    void lit() {
        if (!dark_)
            return;
        dark_ = false;
        tell_encodings();
        send(screen_.get(), std::string("\3\0", 2) + be32(0) + be16(width_) + be16(height_));
    }

    int client_, stop_;
    const VncOptions& options_;
    Fd screen_;
    unsigned width_{0}, height_{0}; ///< as the client knows them
    bool dark_{false}, zlib_{false}, resize_{false}, extended_key_{false};
};

} // namespace

void serve_vnc_client(int client, int stop, const VncOptions& options) {
    try {
        Relay(client, stop, options).run();
    } catch (const Gone&) {
    }
}

std::string vnc_response(const std::string& password, const std::string& challenge) {
    std::string key(8, '\0');
    for (std::size_t i = 0; i < std::min<std::size_t>(8, password.size()); ++i)
        for (int bit = 0; bit < 8; ++bit) // VNC has the bits of each byte the other way round
            if (password[i] >> bit & 1)
                key[i] = static_cast<char>(key[i] | 0x80 >> bit);
    return des_encrypt(key, challenge.substr(0, 8)) + des_encrypt(key, challenge.substr(8, 8));
}

} // namespace bhype::lab
