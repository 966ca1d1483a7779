#pragma once

#include "lab/core/hooks.h"

#include <functional>

namespace bhype::lab {

/// What FreeBSD does between its kernel's start and the login prompt, as far as a host of guests shows it: an
/// empty /var/run, the network's loopback, the rooms' own boots, then /etc/rc.
void rc_boot(const LabConfig& config, const Hooks& hooks,
             const std::function<void(const std::string&)>& progress);

/// What shutdown(8) does before the processes end: /etc/rc.shutdown, then the rooms' own ends.
int rc_shutdown(const Hooks& hooks);

/// Runs a program to its end; returns its wait status.
int run_program(const std::vector<std::string>& argv);

} // namespace bhype::lab
