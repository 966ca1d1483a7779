#include "host/command.h"

#include <fmt/format.h>

#include <algorithm>

namespace bhype::host {

namespace {

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_@%+=:,./-").find(c) != std::string_view::npos;
}

std::string_view last_lines(std::string_view text, int lines, std::size_t longest) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.remove_suffix(1);
    auto begin = text.size();
    while (lines-- > 0 && begin != 0 && begin != text.npos)
        begin = text.rfind('\n', begin - 1);
    if (begin != text.npos && begin != 0)
        text.remove_prefix(begin + 1);
    return text.size() > longest ? text.substr(text.size() - longest) : text;
}

} // namespace

std::string sh_quoted(std::string_view word) {
    if (!word.empty() && std::all_of(word.begin(), word.end(), is_plain))
        return std::string(word);
    // Control characters would play tricks on a terminal: sh(1) of FreeBSD, bash, zsh and ksh know $'...'.
    const bool control = std::any_of(word.begin(), word.end(), is_control);
    std::string text = control ? "$'" : "'";
    for (const char c : word) {
        if (control && is_control(c))
            text += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
        else if (control && (c == '\'' || c == '\\'))
            text += fmt::format("\\{}", c);
        else if (c == '\'')
            text += "'\\''";
        else
            text += c;
    }
    return text + "'";
}

std::string display(const Command& command) {
    std::string text(path(command.program));
    for (const auto& argument : command.arguments)
        text += ' ' + sh_quoted(argument);
    return text;
}

std::string failure_detail(const Command& command, const Output& output) {
    std::string what(name(command.program));
    if (!command.arguments.empty() && command.arguments[0].find_first_of("/=-") == std::string::npos)
        what += ' ' + command.arguments[0];
    const auto words = last_lines(output.err.empty() ? output.out : output.err, 8, 2000);
    if (words.empty())
        return fmt::format("{}: exit status {}", what, output.exit_status);
    return fmt::format("{}: {}", what, words);
}

void expect_success(const Command& command, const Output& output, Code code) {
    if (output.missed_deadline)
        throw Error(Code::command_timeout,
                    fmt::format("{}: did not end within {} s", display(command), command.deadline.count()));
    if (output.cancelled)
        throw Error(Code::cancelled, std::string(name(command.program)));
    if (output.exit_status != 0)
        throw Error(code, failure_detail(command, output));
    if (output.truncated)
        throw Error(Code::output_unexpected,
                    fmt::format("{}: printed more than {} bytes", display(command), command.output_limit));
}

void unexpected(Program program, std::string_view expected, std::string_view line) {
    throw Error(Code::output_unexpected,
                fmt::format("{}: expected {}, found \"{}\"", name(program), expected, line.substr(0, 200)));
}

} // namespace bhype::host
