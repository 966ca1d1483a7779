#pragma once

// For tests: a blocking client that sends exactly what it is told.

#include "base/fd.h"
#include "base/json.h"
#include "base/test_directory.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <stdexcept>

namespace bhype::http::test {

using bhype::test::Directory;

struct Answer {
    int status = 0; ///< 0: the connection ended without one
    std::string head;
    std::string body;

    std::string field(const std::string& name) const {
        const auto at = head.find("\r\n" + name + ": ");
        if (at == std::string::npos)
            return {};
        const auto begin = at + name.size() + 4;
        return head.substr(begin, head.find("\r\n", begin) - begin);
    }
    std::string code() const {
        boost::system::error_code error;
        const auto document = json::parse(body, error);
        if (error || !document.is_object() || !document.get_object().contains("code"))
            return {};
        return std::string(document.get_object().at("code").get_string());
    }
};

class Client {
  public:
    explicit Client(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("connect " + path);
    }
    /// False when the other side does not take it all.
    bool send(std::string_view text) {
        while (!text.empty()) {
            const auto count = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
            if (count <= 0)
                return false;
            text.remove_prefix(static_cast<std::size_t>(count));
        }
        return true;
    }
    void end() { ::shutdown(socket_.get(), SHUT_WR); }
    /// One response; what follows it stays for the next call.
    Answer answer(bool without_body = false) {
        Answer found;
        std::size_t end = 0;
        while ((end = pending_.find("\r\n\r\n")) == std::string::npos)
            if (!receive())
                return found;
        found.head = pending_.substr(0, end + 2);
        pending_.erase(0, end + 4);
        found.status = std::stoi(found.head.substr(9, 3));
        const auto length = found.field("Content-Length");
        const std::size_t size = length.empty() || without_body ? 0 : std::stoul(length);
        while (pending_.size() < size)
            if (!receive())
                return found;
        found.body = pending_.substr(0, size);
        pending_.erase(0, size);
        return found;
    }
    /// Everything up to and with `mark`, or what came within the time or before the end.
    std::string until(std::string_view mark) {
        std::size_t at = 0;
        while ((at = pending_.find(mark)) == std::string::npos)
            if (!receive())
                return std::exchange(pending_, {});
        auto found = pending_.substr(0, at + mark.size());
        pending_.erase(0, at + mark.size());
        return found;
    }
    std::string exactly(std::size_t count) {
        while (pending_.size() < count)
            if (!receive())
                return std::exchange(pending_, {});
        auto found = pending_.substr(0, count);
        pending_.erase(0, count);
        return found;
    }
    /// Waits for the end.
    bool closed() {
        while (receive()) {
        }
        return ended_;
    }
    int descriptor() const { return socket_.get(); }

  private:
    bool receive() {
        pollfd wanted{socket_.get(), POLLIN, 0};
        if (::poll(&wanted, 1, 10'000) != 1)
            return false;
        char bytes[65536];
        const auto count = ::recv(socket_.get(), bytes, sizeof bytes, 0);
        ended_ = count <= 0;
        if (count > 0)
            pending_.append(bytes, static_cast<std::size_t>(count));
        return count > 0;
    }
    Fd socket_;
    std::string pending_;
    bool ended_ = false;
};

} // namespace bhype::http::test
