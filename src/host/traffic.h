#pragma once

// netstat(1) -i.

#include "host/command.h"
#include "host/operations.h"

namespace bhype::host {

Command netstat_interfaces();
/// One for each interface; rows of addresses are left out.
std::vector<Traffic> parse_traffic(const Command& command, const Output& output);

} // namespace bhype::host
