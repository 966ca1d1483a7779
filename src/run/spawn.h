#pragma once

// The part of the runner that tests drive with programs of their own. Nothing else includes this: run() and
// start() take a host::Program.

#include "run/runner.h"

namespace bhype::run {

enum class Group { own, ours };

/// posix_spawn(2) of `path`; descriptors[n] becomes descriptor n of the program, -1 is /dev/null.
pid_t spawn(const std::string& path, const std::vector<std::string>& arguments,
            const std::vector<int>& descriptors, Group group = Group::own);

host::Output run_file(const std::string& path, const host::Command& command, const Options& options = {});

} // namespace bhype::run
