#pragma once

// Why a guest has no network: what lies between its NIC and the outside, in the order of its packets' way.

#include "network/switches.h"
#include "vm/inventory.h"

namespace bhype::vm {

/// What the host says now.
struct NetworkNow {
    std::vector<host::Interface> interfaces;
    std::vector<host::Lease> leases;
    host::FirewallShowResult firewall;
};

/// Checks in their order; none is left out, so that a good network is seen to be good.
std::vector<Finding> diagnose(const Record& record, const host::MachineNic& nic,
                              const std::optional<network::Wanted>& item, const NetworkNow& now);

} // namespace bhype::vm
