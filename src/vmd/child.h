#pragma once

#include "os/process.h"

#include <string>
#include <vector>

namespace bhype::vmd {

/// Starts a program: its path is the first argument, standard input is /dev/null, both outputs are `output`,
/// nothing else is open, signals are as after boot. In a session of its own when asked for, so that no
/// terminal's and no group's signal reaches it. What cannot be executed writes why to its output and exits
/// with 127. -1 when there can be no process.
pid_t start(const std::vector<std::string>& arguments, int output, bool own_session);

} // namespace bhype::vmd
