#pragma once

// sockstat(1).

#include "host/command.h"
#include "host/operations.h"

namespace bhype::host {

/// Who listens on the ports of DNS and DHCP.
Command sockstat_dhcp();
std::vector<Listener> parse_sockstat(const Command& command, const Output& output);

} // namespace bhype::host
