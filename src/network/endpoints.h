#pragma once

#include "api/tasks.h"
#include "network/switches.h"

namespace bhype::network {

struct Services {
    wire::Host& host;
    Switches& switches;
    api::TaskEndpoints& task_endpoints;
    /// Whether the caller may see a VM.
    std::function<bool(const access::Caller&, const VmName&)> may_see;
};

/// /api/v1/switches, /forwards, /leases, /neighbors, /firewall, /interfaces. `services` must outlive the
/// router.
void add_endpoints(api::Router& router, Services& services);
/// /api/v1/forwards; add_endpoints() has it.
void add_switch_endpoints(api::Router& router, Services& services);
void add_forward_endpoints(api::Router& router, Services& services);
/// /api/v1/uplinks; the same.
void add_uplink_endpoints(api::Router& router, Services& services);

/// What a host's pf lacks for NAT, forwards and isolation to work, and what to do about it.
FirewallView firewall_view(const host::FirewallShowResult& found);

} // namespace bhype::network
