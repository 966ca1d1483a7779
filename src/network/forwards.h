#pragma once

// Port forwards: where each leads.

#include "network/switch.h"

namespace bhype::network {

/// Beside the switches and NICs that there are.
ForwardView view_of(const Forward& forward, const std::vector<Wanted>& switches,
                    const std::vector<SwitchNic>& nics);

} // namespace bhype::network
