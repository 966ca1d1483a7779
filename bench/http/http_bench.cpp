// The programs at both ends of what bench/bench.py measures, and bHype's relay alone. An ADDRESS is the path
// of a unix socket, or tcp:PORT on the loopback. Each prints nothing unless told here, and ends by itself.
//   relay SOCKET GUEST       a server: a WebSocket on SOCKET to the unix socket GUEST, without tickets; until
//   its
//                            standard input ends
//   get ADDRESS COUNT PATH [HEADER]...  COUNT requests on one connection; prints the last status and length
//   sink ADDRESS BYTES ws|raw           connects, reads BYTES
//   source ADDRESS BYTES ws|raw         connects, sends BYTES (ws: masked frames of 16 KiB)
//   open ADDRESS COUNT ws|raw           COUNT connections, each closed once a byte of the guest's has come
//   idle ADDRESS COUNT ws|raw           COUNT of them, held from the line "held" until standard input ends
//   guest SOCKET BYTES send|read        accepts one connection, sends or reads BYTES
//   guest SOCKET 0 greet                accepts connections for ever, sends each a byte
#include "console/relay.h"
#include "http/server.h"
#include "http/websocket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdio>
#include <cstring>
#include <iostream>

namespace {

using namespace bhype;

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    return address;
}

Fd connect_to(const std::string& where) {
    if (where.starts_with("tcp:")) {
        Fd connection(::socket(AF_INET, SOCK_STREAM, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(std::stoul(where.substr(4))));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("connect " + where);
        return connection;
    }
    Fd connection(::socket(AF_UNIX, SOCK_STREAM, 0));
    const auto address = address_of(where);
    if (::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("connect " + where);
    return connection;
}

void send_all(int socket, std::string_view text) {
    while (!text.empty()) {
        const auto count = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
        if (count <= 0)
            throw std::runtime_error("send");
        text.remove_prefix(static_cast<std::size_t>(count));
    }
}

void read_bytes(int socket, std::size_t bytes) {
    static std::vector<char> buffer(256 << 10);
    while (bytes > 0) {
        const auto count = ::recv(socket, buffer.data(), std::min(buffer.size(), bytes), 0);
        if (count <= 0)
            throw std::runtime_error("recv");
        bytes -= static_cast<std::size_t>(count);
    }
}

std::string read_head(int socket) {
    std::string head;
    char c = 0;
    while (!head.ends_with("\r\n\r\n") && ::recv(socket, &c, 1, 0) == 1)
        head += c;
    return head;
}

Fd open_socket(const std::string& path, bool web_socket) {
    auto socket = connect_to(path);
    if (web_socket) {
        send_all(socket.get(),
                 "GET /console HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        read_head(socket.get());
    }
    return socket;
}

/// Reads frames until so much payload has come.
void read_frames(int socket, std::size_t bytes) {
    std::vector<std::uint8_t> buffer(256 << 10);
    std::size_t have = 0;
    std::uint64_t left = 0;
    while (bytes > 0) {
        const auto count = ::recv(socket, buffer.data() + have, buffer.size() - have, 0);
        if (count <= 0)
            throw std::runtime_error("recv");
        have += static_cast<std::size_t>(count);
        std::size_t at = 0;
        for (;;) {
            const auto here = std::min<std::uint64_t>(left, have - at);
            at += here;
            left -= here;
            bytes -= std::min<std::size_t>(bytes, here);
            http::FrameHeader header;
            const auto length =
                left == 0 ? http::read_frame_header({buffer.data() + at, have - at}, header) : 0;
            if (length == 0)
                break;
            at += length;
            left = header.length;
        }
        std::memmove(buffer.data(), buffer.data() + at, have - at);
        have -= at;
    }
}

/// One connection after the other until the program is killed; each ends when the other side ends it.
[[noreturn]] void greet(int listener) {
    std::vector<pollfd> waiting{{listener, POLLIN, 0}};
    std::vector<Fd> held;
    for (;;) {
        ::poll(waiting.data(), waiting.size(), -1);
        for (std::size_t i = waiting.size(); --i > 0;) {
            char drained[1024];
            if (waiting[i].revents != 0 && ::recv(waiting[i].fd, drained, sizeof drained, 0) <= 0) {
                waiting.erase(waiting.begin() + static_cast<long>(i));
                held.erase(held.begin() + static_cast<long>(i - 1));
            }
        }
        if (waiting[0].revents != 0) {
            held.emplace_back(::accept(listener, nullptr, nullptr));
            ::send(held.back().get(), "g", 1, MSG_NOSIGNAL); // it may have gone already
            waiting.push_back({held.back().get(), POLLIN, 0});
        }
    }
}

void serve_guest(const std::string& path, std::size_t bytes, const std::string& verb) {
    const Fd listener(::socket(AF_UNIX, SOCK_STREAM, 0));
    const auto address = address_of(path);
    ::unlink(path.c_str());
    if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener.get(), 200) != 0)
        throw std::runtime_error("bind");
    ::chmod(path.c_str(), 0666);
    if (verb == "greet")
        greet(listener.get());
    const Fd connection(::accept(listener.get(), nullptr, nullptr));
    if (verb == "read")
        return read_bytes(connection.get(), bytes);
    const std::string block(256 << 10, 'g');
    for (std::size_t sent = 0; sent < bytes; sent += block.size())
        send_all(connection.get(), block);
    read_head(connection.get()); // until the other side has had enough
}

class Server : public http::Handler {
  public:
    explicit Server(std::string guest) : guest_(std::move(guest)) {}
    http::Verdict head(const http::Request&) override {
        http::Response response;
        response.on_upgrade = [this](Fd socket, std::string early) {
            relay_.add(std::move(socket), std::move(early), connect_to(guest_), {}, {});
        };
        return {0, std::move(response)};
    }
    void handle(std::shared_ptr<const http::Request>, http::Responder) override {}

  private:
    std::string guest_;
    console::Relay relay_{{}, [](const auto&, const auto&) { return true; }, {}};
};

void wait_for_end_of_input() {
    for (std::string line; std::getline(std::cin, line);) {
    }
}

void serve_relay(const std::string& path, const std::string& guest) {
    Server handler(guest);
    http::Server server(handler, {});
    server.listen_web(path, 0666);
    server.start();
    wait_for_end_of_input();
}

void get(const std::string& where, std::uint64_t count, const std::vector<std::string>& lines) {
    std::string request = "GET " + lines.at(0) + " HTTP/1.1\r\nHost: h\r\n";
    for (std::size_t i = 1; i < lines.size(); ++i)
        request += lines[i] + "\r\n";
    request += "\r\n";
    const auto connection = connect_to(where);
    std::string head;
    std::size_t length = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        send_all(connection.get(), request);
        head = read_head(connection.get());
        const auto field = head.find("Content-Length: ");
        length = field == head.npos ? 0 : std::stoul(head.substr(field + 16));
        read_bytes(connection.get(), length);
    }
    std::printf("%s %zu\n", head.substr(9, 3).c_str(), length);
}

Fd open_console(const std::string& where, bool web_socket) {
    auto connection = open_socket(where, web_socket);
    web_socket ? read_frames(connection.get(), 1) : read_bytes(connection.get(), 1);
    return connection;
}

void send_from_browser(const std::string& where, std::uint64_t bytes, bool web_socket) {
    const auto connection = open_socket(where, web_socket);
    std::string block(16 << 10, 'k');
    const auto size = block.size();
    if (web_socket) {
        std::array<std::uint8_t, http::longest_frame_header> header{};
        const auto length = http::write_frame_header(
            {.length = size, .mask = std::array<std::uint8_t, 4>{1, 2, 3, 4}}, header);
        block.insert(0, reinterpret_cast<const char*>(header.data()), length);
    }
    for (std::uint64_t sent = 0; sent < bytes; sent += size)
        send_all(connection.get(), block);
    if (!web_socket)
        ::shutdown(connection.get(), SHUT_WR);
    read_head(connection.get()); // until the guest has had all of it
}

void run(const std::vector<std::string>& words) {
    const auto& mode = words.at(0);
    const auto& where = words.at(1);
    if (mode == "relay")
        return serve_relay(where, words.at(2));
    const auto number = std::stoull(words.at(2));
    if (mode == "get")
        return get(where, number, {words.begin() + 3, words.end()});
    if (mode == "guest")
        return serve_guest(where, number, words.at(3));
    const bool web_socket = words.at(3) == "ws";
    if (mode == "sink") {
        const auto connection = open_socket(where, web_socket);
        web_socket ? read_frames(connection.get(), number) : read_bytes(connection.get(), number);
    } else if (mode == "source") {
        send_from_browser(where, number, web_socket);
    } else if (mode == "open") {
        for (std::uint64_t i = 0; i < number; ++i)
            open_console(where, web_socket);
    } else if (mode == "idle") {
        std::vector<Fd> held;
        for (std::uint64_t i = 0; i < number; ++i)
            held.push_back(open_console(where, web_socket));
        std::puts("held");
        std::fflush(stdout);
        wait_for_end_of_input();
    } else {
        throw std::runtime_error("unknown mode " + mode);
    }
}

} // namespace

int main(int argc, char** argv) {
    try {
        run({argv + 1, argv + argc});
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
