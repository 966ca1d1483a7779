// The process beside the appliance: owns its network and its machine, hands out connections, carries FUSE
// requests.
#pragma once

#include "appliance.h"
#include "lab_io.h"

#include <functional>

namespace bhype::lab {

// Does not return. Writes "" or what went wrong to `ready`, once.
[[noreturn]] void run_gateway(const ApplianceConfig& config, Fd ready);

// machine.cpp: a network namespace with a tap, and QEMU in it.
struct Machine {
    int pid = -1;
    Fd monitor;
};
Machine start_machine(const ApplianceConfig& config);

// A connection to the agent with the preamble for this user already sent; empty if the appliance is gone.
Fd connect_agent(std::uint32_t uid, std::uint32_t gid);
// Keeps a few connections ready, since making one costs the emulated machine more than using it.
void keep_connections_ready();

// pump.cpp
// Carries requests between a mounted /dev/fuse and the agent until either end closes. Returns at once.
void start_fuse_pump(Fd device, Fd agent);
// Carries bytes both ways until both ends have closed. Returns at once; `ended` is called when the agent has.
void start_relay(Fd client, Fd agent, std::function<void()> ended);

} // namespace bhype::lab
