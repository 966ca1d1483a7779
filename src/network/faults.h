#pragma once

// What is wrong with the host's networks, for the alerts. Pure: from what a look at the host found.

#include "alert/alerts.h"
#include "network/switch.h"

namespace bhype::network {

/// What a reconcile found and could not do.
struct Outcome {
    struct Failure {
        std::string id; ///< "dhcp"
        std::string text;
        std::string advice;
    };
    std::vector<Failure> failures;
    std::map<SwitchName, std::string> unmade;             ///< switches that could not be mended, and why
    std::map<SwitchName, std::vector<std::string>> drift; ///< that is left
    std::string firewall;        ///< why pf does nothing for the switches; empty: it does
    std::int64_t dhcp_ended = 0; ///< by itself, epoch seconds; 0: not that is known of
    std::vector<ForwardView> forwards;
    host::UplinkGuard guard;
};

/// Those of area "network".
std::vector<alert::Fault> faults_of(const Outcome& outcome, std::int64_t now);

} // namespace bhype::network
