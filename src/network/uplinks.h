#pragma once

// The interfaces that lead outside, as they are used.

#include "network/switch.h"

namespace bhype::network {

/// NICs, lagg(4)s and the host's own vlan(4)s, with who uses each and what could be better. bHype's own
/// interfaces, and those that lead nowhere outside, are left out.
std::vector<Uplink> uplinks_of(const std::vector<host::Interface>& interfaces);

} // namespace bhype::network
