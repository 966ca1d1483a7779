#pragma once

// Starts programs: one posix_spawn(2) for each, no shell, an environment made from nothing, all signals as
// they are by default, its own process group, no descriptor but the ones it is given.

#include "host/command.h"

#include <functional>
#include <sys/types.h>

namespace bhype::run {

struct Options {
    /// Each line of either stream as it comes, without its end; '\r' ends a line too (dd's progress).
    std::function<void(std::string_view line)> on_line;
    /// Standard input instead of Command::input; stays the caller's.
    int input = -1;
    /// Standard output, which is then not kept; stays the caller's.
    int output = -1;
    /// Becomes descriptor 3 of the command, which may do nothing with it but hold it open; stays the
    /// caller's.
    int keep = -1;
    /// When this descriptor becomes readable the command is ended as at its deadline.
    int cancel = -1;
};

/// Runs a command to its end. Does not look at the exit status: host::expect_success() does, and the parsers.
/// The command's children that it left behind are neither waited for nor ended, unless it missed its
/// deadline. Throws Error(command_missing) when the program is not there, Error(command_failed) when it
/// cannot be started. Safe to call from several threads; sets SIGPIPE to be ignored if it had its default.
host::Output run(const host::Command& command, const Options& options = {});

struct Start {
    host::Program program = host::Program::bhyve;
    std::vector<std::string> arguments;
    int input = -1;               ///< -1: /dev/null; all descriptors stay the caller's
    int output = -1;              ///< -1: /dev/null
    int error = -1;               ///< -1: /dev/null
    std::vector<int> descriptors; ///< become 3, 4, ... in the program
};

/// Starts a program that lives on and is waited for (waitpid(2)): a vmd. As run() does, but in the caller's
/// process group: setsid(2), with which the program leaves it, is refused to a group's leader.
pid_t start(const Start& program);

} // namespace bhype::run
