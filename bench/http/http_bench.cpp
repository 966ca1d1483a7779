// CPU time of the server and the relay beside nginx's. Modes, each a server that runs until its standard
// input ends and then prints its CPU seconds:
//   list SOCKET BYTES       answers GET /list on SOCKET with BYTES ready bytes
//   relay SOCKET GUEST      a WebSocket on SOCKET to the unix socket GUEST, without tickets
// and the other ends:
//   get SOCKET COUNT PATH   COUNT requests on one connection
//   sink SOCKET BYTES ws|raw        connects, reads BYTES
//   source SOCKET BYTES ws|raw      connects, sends BYTES (ws: masked frames of 16 KiB)
//   guest SOCKET BYTES send|read    accepts one connection, sends or reads BYTES
//   idle SOCKET COUNT               holds COUNT WebSockets until its standard input ends
#include "console/relay.h"
#include "http/server.h"
#include "http/websocket.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>

namespace {

using namespace bhype;

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    return address;
}

Fd connect_to(const std::string& path) {
    Fd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
    const auto address = address_of(path);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("connect " + path);
    return socket;
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

void print_usage() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    std::ifstream status("/proc/self/status");
    std::string line;
    std::string memory;
    while (std::getline(status, line))
        if (line.starts_with("VmRSS:"))
            memory = line;
    std::printf("cpu %.3f %s\n",
                static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                    static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
                memory.c_str());
    std::fflush(stdout);
}

class Bench : public http::Handler {
  public:
    Bench(std::size_t bytes, std::string guest)
        : text_(std::make_shared<const std::string>(std::string(bytes, 'x'))), guest_(std::move(guest)) {}
    http::Verdict head(const http::Request& request) override {
        http::Response response;
        if (request.path == "/console")
            response.on_upgrade = [this](Fd socket, std::string early) {
                relay_.add(std::move(socket), std::move(early), connect_to(guest_), {});
            };
        else
            response.text = text_;
        return {0, std::move(response)};
    }
    void handle(std::shared_ptr<const http::Request>, http::Responder) override {}

  private:
    std::shared_ptr<const std::string> text_;
    std::string guest_;
    console::Relay relay_{{}, [](const auto&) { return true; }, {}};
};

int run(const std::vector<std::string>& words) {
    const auto& mode = words.at(0);
    const auto& path = words.at(1);
    const auto number = words.size() > 2 ? std::strtoull(words[2].c_str(), nullptr, 10) : 0;
    if (mode == "list" || mode == "relay") {
        Bench bench(mode == "list" ? number : 0, mode == "relay" ? words.at(2) : "");
        http::Server server(bench, {});
        server.listen_web(path, 0666);
        server.start();
        std::string line;
        while (std::getline(std::cin, line))
            print_usage();
        print_usage();
    } else if (mode == "get") {
        const auto socket = connect_to(path);
        for (unsigned long long i = 0; i < number; ++i) {
            send_all(socket.get(), "GET " + words.at(3) + " HTTP/1.1\r\nHost: h\r\n\r\n");
            const auto head = read_head(socket.get());
            read_bytes(socket.get(), std::stoul(head.substr(head.find("Content-Length: ") + 16)));
        }
    } else if (mode == "sink") {
        const bool web_socket = words.at(3) == "ws";
        const auto socket = open_socket(path, web_socket);
        web_socket ? read_frames(socket.get(), number) : read_bytes(socket.get(), number);
    } else if (mode == "source") {
        const bool web_socket = words.at(3) == "ws";
        const auto socket = open_socket(path, web_socket);
        std::string block(16 << 10, 'k');
        if (web_socket) {
            std::array<std::uint8_t, http::longest_frame_header> header{};
            const auto length = http::write_frame_header(
                {.length = block.size(), .mask = std::array<std::uint8_t, 4>{1, 2, 3, 4}}, header);
            block.insert(0, reinterpret_cast<const char*>(header.data()), length);
        }
        for (unsigned long long sent = 0; sent < number; sent += 16 << 10)
            send_all(socket.get(), block);
        if (web_socket)
            read_head(socket.get());
        else
            ::shutdown(socket.get(), SHUT_WR), read_head(socket.get());
    } else if (mode == "guest") {
        const Fd listener(::socket(AF_UNIX, SOCK_STREAM, 0));
        const auto address = address_of(path);
        ::unlink(path.c_str());
        if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(listener.get(), 200) != 0)
            throw std::runtime_error("bind");
        ::chmod(path.c_str(), 0666);
        std::vector<Fd> held;
        do {
            held.emplace_back(::accept(listener.get(), nullptr, nullptr));
        } while (words.at(3) == "hold");
        if (words.at(3) == "send") {
            const std::string block(256 << 10, 'g');
            for (unsigned long long sent = 0; sent < number; sent += block.size())
                send_all(held[0].get(), block);
            read_head(held[0].get());
        } else {
            read_bytes(held[0].get(), number);
        }
    } else if (mode == "idle") {
        std::vector<Fd> held;
        for (unsigned long long i = 0; i < number; ++i)
            held.push_back(open_socket(path, true));
        std::string line;
        std::getline(std::cin, line);
    }
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run({argv + 1, argv + argc});
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
