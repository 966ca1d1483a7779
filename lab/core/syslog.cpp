#include "lab/core/syslog.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace bhype::lab {

namespace {

constexpr const char* socket_path = "/dev/log";
constexpr int auth_facility = 4, authpriv_facility = 10;

} // namespace

int listen_for_syslog() {
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::string(socket_path).copy(address.sun_path, sizeof address.sun_path - 1);
    unlink(socket_path);
    if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        throw std::system_error(errno, std::generic_category(), socket_path);
    chmod(socket_path, 0666);
    return fd;
}

void write_syslog(int socket) {
    std::array<char, 8192> buffer;
    const ssize_t size = recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size <= 0)
        return;
    std::string text(buffer.data(), static_cast<std::size_t>(size));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\0'))
        text.pop_back();
    int priority = 13; // user.notice, as for a message without one
    if (text.starts_with('<')) {
        const auto end = text.find('>');
        std::from_chars(text.data() + 1, text.data() + std::min(end, text.size()), priority);
        text.erase(0, end == std::string::npos ? 0 : end + 1);
    }
    // "Nov 24 00:10:00 ident[7]: text": the host's name belongs after the time.
    constexpr std::size_t time_length = 15;
    const bool has_time = text.size() > time_length + 1 && text[3] == ' ' && text[6] == ' ' && text[9] == ':';
    char now[32];
    const std::time_t clock = std::time(nullptr);
    std::strftime(now, sizeof now, "%b %e %H:%M:%S", std::localtime(&clock));
    char host[65] = "lab";
    gethostname(host, sizeof host - 1);
    std::string short_host(host);
    short_host.erase(std::min(short_host.find('.'), short_host.size()));
    const std::string line = (has_time ? text.substr(0, time_length) : std::string(now)) + ' ' + short_host +
                             (has_time ? text.substr(time_length) : ' ' + text) + '\n';
    const int facility = priority >> 3;
    const bool auth = facility == auth_facility || facility == authpriv_facility;
    const char* file = auth ? "/var/log/auth.log" : "/var/log/messages";
    const bool is_new = !std::filesystem::exists(file);
    std::ofstream(file, std::ios::app) << line;
    if (is_new)
        chmod(file, auth ? 0600 : 0644);
}

} // namespace bhype::lab
