#pragma once

#include "base/error.h"
#include "host/program.h"

#include <chrono>
#include <cstdint>

namespace bhype::host {

/// A command as a value: written by host/, run by run/, never by a shell.
struct Command {
    Program program = Program::sysctl;
    std::vector<std::string> arguments;
    std::optional<std::string> input; ///< its standard input; /dev/null when there is none
    std::chrono::seconds deadline{30};
    std::size_t output_limit = 1 << 20; ///< bytes kept of each stream; the rest is read and dropped
    bool operator==(const Command&) const = default;
};

/// What a command did. A command that missed its deadline has been sent TERM and then KILL.
struct Output {
    int exit_status = 0; ///< 128 + n when signal n ended it
    bool missed_deadline = false;
    bool cancelled = false;         ///< ended because the caller asked for it
    bool truncated = false;         ///< a stream was longer than output_limit
    std::int64_t still_running = 0; ///< pid of a process that even KILL did not end in time, 0 otherwise
    std::string out;
    std::string err;
    std::string log; ///< both streams as they came, capped, for people
    std::chrono::milliseconds took{0};
};

/// As a person would type it: words quoted for sh(1) where they need it.
std::string display(const Command& command);
/// One word quoted for sh(1).
std::string sh_quoted(std::string_view word);

/// Throws Error(command_timeout), Error(cancelled), Error(output_unexpected) when it was truncated, or `code`
/// when it did not exit with 0; the detail holds the command's own words.
void expect_success(const Command& command, const Output& output, Code code = Code::command_failed);
/// "zfs create: cannot create 'x': out of space", at most a few lines.
std::string failure_detail(const Command& command, const Output& output);

/// A parser's refusal: Error(output_unexpected) that names the program, what was expected and the line.
[[noreturn]] void unexpected(Program program, std::string_view expected, std::string_view line);

} // namespace bhype::host
