#pragma once

// arp(8), ndp(8): whom the host has spoken to lately.

#include "host/command.h"
#include "host/operations.h"

namespace bhype::host {

Command arp_list();
Command ndp_list();
/// Entries that are not complete, and those without an Ethernet address, are left out.
std::vector<Neighbor> parse_arp(const Command& command, const Output& output);
std::vector<Neighbor> parse_ndp(const Command& command, const Output& output);

} // namespace bhype::host
