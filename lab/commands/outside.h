#pragma once

#include "lab/core/command.h"
#include "lab/core/layout.h"

namespace bhype::lab {

/// What is behind the lab's network cards: one Ethernet segment in a network namespace of its own, with a
/// machine on it that has the addresses below, answers HTTP, leases 192.0.2.100 to 192.0.2.199 and advertises
/// its IPv6 prefix. It ends with the lab.
constexpr const char* outside_address = "192.0.2.1";
constexpr const char* outside_address6 = "2001:db8::1";
constexpr const char* internet_address = "198.51.100.1"; ///< of that machine too, but not on the segment
constexpr const char* internet_address6 = "2001:db8:100::1";
constexpr unsigned outside_vlans[] = {20, 30}; ///< tagged on the segment; its address there is 10.TAG.0.1/24

/// Puts the network cards em0, em1, ... into the lab and plugs them into the outside; once per boot, as root.
void connect_outside(const LabConfig& config);

/// `inside-outside COMMAND...`: becomes a command in the outside; PATH has the machine's programs.
int outside_main(const Arguments& arguments);

/// `inside-link IF up|down`: plugs and pulls the cable of a network card.
int link_main(const Arguments& arguments);

} // namespace bhype::lab
