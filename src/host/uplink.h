#pragma once

// How the host's own addresses move between interfaces: commands with those that undo them, and rc.conf.

#include "host/command.h"
#include "host/rc_conf.h"
#include "host/routes.h"

namespace bhype::host {

struct UplinkStep {
    Command run;
    std::optional<Command> back; ///< none: what it did goes with another step's
};

struct UplinkFinish {
    Command run;
    bool may_fail = false;
};

struct UplinkSteps {
    std::vector<UplinkStep> steps;
    /// In the order in which they are written: what a boot reads between two of them leaves the host
    /// reachable, as it was or as it is to be.
    std::vector<RcSetting> rc;
    /// Once rc.conf is written: who renews the addresses that moved, the DHCP client or router
    /// advertisements, does it on the new interface.
    std::vector<UplinkFinish> finish;
};

/// What the host has now.
struct HostNetwork {
    std::vector<Interface> interfaces;
    std::vector<GatewayRoute> routes;
    std::map<std::string, std::string> rc;
};
BOOST_DESCRIBE_STRUCT(HostNetwork, (), (interfaces, routes, rc))

/// Throws Error(switch_refused) that names every field of the change that this host does not allow.
UplinkSteps uplink_steps(const UplinkChange& change, const HostNetwork& network);

/// `rc` as it is: what it has already is not written.
UplinkPlanResult shown(const UplinkSteps& steps, const std::map<std::string, std::string>& rc);

/// The commands that make rc.conf as wanted; none for what it has already.
std::vector<Command> rc_commands(const std::vector<RcSetting>& wanted,
                                 const std::map<std::string, std::string>& rc);
/// The settings that bring back what `rc` has.
std::vector<RcSetting> rc_before(const std::vector<RcSetting>& wanted,
                                 const std::map<std::string, std::string>& rc);

} // namespace bhype::host
