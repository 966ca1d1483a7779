#include "cli/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iostream>

namespace bhype::cli {

RawTerminal::RawTerminal() {
    if (!is_terminal(STDIN_FILENO) || ::tcgetattr(STDIN_FILENO, &saved_) != 0)
        return;
    termios raw = saved_;
    ::cfmakeraw(&raw);
    active_ = ::tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

RawTerminal::~RawTerminal() {
    if (active_)
        ::tcsetattr(STDIN_FILENO, TCSANOW, &saved_);
}

std::string EscapeWatch::filter(std::string_view typed) {
    std::string out;
    for (const char c : typed) {
        if (tilde_) {
            tilde_ = false;
            if (c == '.') {
                ended_ = true;
                return out;
            }
            out += '~';
            if (c == '~') {
                line_start_ = false;
                continue;
            }
        } else if (line_start_ && c == '~') {
            tilde_ = true;
            continue;
        }
        out += c;
        line_start_ = c == '\r' || c == '\n';
    }
    return out;
}

void write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const auto count = ::write(descriptor, text.data(), text.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
}

bool is_terminal(int descriptor) {
    return ::isatty(descriptor) == 1;
}

std::size_t terminal_width() {
    winsize size{};
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

namespace {

/// A line for one row: what a tool has said may hold anything.
std::string one_line(std::string text) {
    for (auto& c : text)
        if (static_cast<unsigned char>(c) < ' ' || c == 127)
            c = ' ';
    return text.empty() ? "-" : text;
}

} // namespace

std::string table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows,
                  bool plain) {
    std::string out;
    if (plain) {
        for (const auto& row : rows) {
            for (std::size_t i = 0; i < row.size(); ++i)
                out += (i == 0 ? "" : "\t") + one_line(row[i]);
            out += '\n';
        }
        return out;
    }
    std::vector<std::size_t> widths(head.size());
    for (std::size_t i = 0; i < head.size(); ++i) {
        widths[i] = head[i].size();
        for (const auto& row : rows)
            widths[i] = std::max(widths[i], row[i].size());
    }
    const auto line = [&](const std::vector<std::string>& cells) {
        std::string text;
        for (std::size_t i = 0; i < cells.size(); ++i) {
            const auto cell = one_line(cells[i]);
            text += cell;
            if (i + 1 < cells.size())
                text.append(widths[i] > cell.size() ? widths[i] - cell.size() + 2 : 2, ' ');
        }
        if (is_terminal(STDOUT_FILENO) && text.size() > terminal_width())
            text.replace(terminal_width() - 3, std::string::npos, "...");
        out += text + '\n';
    };
    line(head);
    for (const auto& row : rows)
        line(row);
    return out;
}

std::optional<Secret> ask_secret(const std::string& question) {
    const bool person = is_terminal(STDIN_FILENO);
    termios before{};
    if (person) {
        std::cerr << question << std::flush;
        ::tcgetattr(STDIN_FILENO, &before);
        auto silent = before;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    std::string answer;
    const bool got = static_cast<bool>(std::getline(std::cin, answer));
    if (person) {
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        std::cerr << '\n';
    }
    return got ? std::optional(Secret(std::move(answer))) : std::nullopt;
}

std::string ask(const std::string& question) {
    if (!is_terminal(STDIN_FILENO))
        return {};
    std::cerr << question << std::flush;
    std::string answer;
    std::getline(std::cin, answer);
    return answer;
}

std::optional<std::string> ask_within(const std::string& question, std::chrono::seconds time) {
    std::cerr << question << std::flush;
    pollfd input{0, POLLIN, 0};
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
    if (::poll(&input, 1, static_cast<int>(std::max<std::int64_t>(milliseconds, 0))) <= 0)
        return std::nullopt;
    std::string answer;
    std::getline(std::cin, answer);
    return answer;
}

} // namespace bhype::cli
