#pragma once

// rc.d/dhclient: the DHCP client of one interface. `service NAME COMMAND ARGUMENT` hands the interface on, as
// devd(8) does for a link that comes up.

#include "host/command.h"
#include "host/operations.h"

namespace bhype::host {

/// Ends it; the interface keeps its address. Fails when there is none.
Command dhclient_stop(const InterfaceName& name);
/// Starts one, whatever rc.conf says of the interface, and waits until it has a lease or has gone into the
/// background (dhclient.conf(5), timeout: 60 s).
Command dhclient_start(const InterfaceName& name);

} // namespace bhype::host
