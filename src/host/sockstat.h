#pragma once

// sockstat(1).

#include "host/command.h"
#include "host/operations.h"

namespace bhype::host {

/// Who listens on these ports.
Command sockstat_listening(const std::vector<Ranged<1, 65535>>& ports);
std::vector<Listener> parse_sockstat(const Command& command, const Output& output);

} // namespace bhype::host
