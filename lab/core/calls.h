#pragma once

#include "lab/core/command.h"

#include <iosfwd>

namespace bhype::lab {

/// Runs a command of the lab: first the faults that a test has asked for, then the command itself; both are
/// written to the log of calls. Returns the exit status.
int run_recorded(const Command& command, std::string_view name, const Arguments& arguments);

/// A call that shall go wrong on purpose.
struct Fault {
    std::string
        command; ///< a command's name, followed by leading arguments if only such calls count: "zfs clone"
    unsigned countdown{1}; ///< 1: the next call
    int exit_status{1};
    std::string text; ///< printed to standard error
    unsigned hang{0}; ///< seconds to wait before; with an exit status below 0 the command then runs as usual
};

/// Adds a fault. `state` is the lab's state directory as seen by the caller.
void add_fault(const std::filesystem::path& state, const Fault& fault);

/// Forgets all faults that have not happened yet.
void clear_faults(const std::filesystem::path& state);

/// Prints the log of calls, one a line: exit status ("-" while running or if killed), milliseconds, user id,
/// argv.
void print_calls(const std::filesystem::path& state, std::ostream& out);

void clear_calls(const std::filesystem::path& state);

} // namespace bhype::lab
