#include "lab/bhyve/qmp.h"

#include <cerrno>

#include <poll.h>
#include <sys/socket.h>

namespace bhype::lab {

bool Qmp::fill(std::chrono::milliseconds limit) {
    pollfd ready{socket_.get(), POLLIN, 0};
    if (poll(&ready, 1, static_cast<int>(limit.count())) <= 0)
        return false;
    char bytes[4096];
    const auto count = recv(socket_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (count <= 0)
        return false;
    buffer_.append(bytes, static_cast<std::size_t>(count));
    return true;
}

std::optional<std::string> Qmp::take_line(std::string& from) {
    const auto end = from.find('\n');
    if (end == std::string::npos)
        return std::nullopt;
    auto line = from.substr(0, end);
    from.erase(0, end + 1);
    return line;
}

bool Qmp::start() {
    std::optional<std::string> line;
    while (!(line = take_line(buffer_)))
        if (!fill(std::chrono::seconds(30)))
            return false;
    return call(R"({"execute":"qmp_capabilities"})", std::chrono::seconds(30)).has_value();
}

std::optional<std::string> Qmp::call(const std::string& command, std::chrono::milliseconds limit) {
    const auto text = command + "\n";
    if (send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0)
        return std::nullopt;
    const auto end = std::chrono::steady_clock::now() + limit;
    for (;;) {
        while (auto line = take_line(buffer_)) {
            if (line->find("\"event\":") == std::string::npos)
                return line;
            kept_ += *line + "\n";
        }
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        if (left.count() <= 0 || !fill(left))
            return std::nullopt;
    }
}

std::string Qmp::monitor(const std::string& command) {
    const auto answer =
        call(R"({"execute":"human-monitor-command","arguments":{"command-line":")" + command + "\"}}");
    return answer ? json_member(*answer, "return") : "";
}

std::optional<std::string> Qmp::next() {
    if (auto line = take_line(kept_))
        return line;
    if (auto line = take_line(buffer_))
        return line;
    fill(std::chrono::milliseconds(0));
    return take_line(buffer_);
}

std::string json_member(const std::string& line, const std::string& name) {
    const auto key = '"' + name + "\":";
    auto at = line.find(key);
    if (at == std::string::npos)
        return "";
    at = line.find_first_not_of(' ', at + key.size());
    if (at == std::string::npos)
        return "";
    const bool text = line[at] == '"';
    return text ? line.substr(at + 1, line.find('"', at + 1) - at - 1)
                : line.substr(at, line.find_first_of(",} ", at) - at);
}

} // namespace bhype::lab
