#pragma once

// netstat(1) -r, route(8).

#include "host/command.h"
#include "host/operations.h"

namespace bhype::host {

/// A route by way of a gateway (flag G) that somebody set (flag S), or the default of a router advertisement.
struct GatewayRoute {
    bool inet6 = false;
    std::string destination; ///< "default", "10.0.0.0/8"
    std::string gateway;     ///< "192.0.2.1", "fe80::1%em0"
    std::string interface;
    bool advertised = false;
};
BOOST_DESCRIBE_STRUCT(GatewayRoute, (), (inet6, destination, gateway, interface, advertised))

Command netstat_routes(bool inet6);
/// Those of a routing daemon and of redirects (flags 1 to 3, D) are left out.
std::vector<GatewayRoute> parse_routes(const Command& command, const Output& output, bool inet6);

Command route_add(const GatewayRoute& route);
Command route_delete(const GatewayRoute& route);

/// `route -n get [-inet6] default`
Command route_default(bool inet6);
/// Nothing when there is no default route.
std::optional<InterfaceName> parse_route_interface(const Output& output);

} // namespace bhype::host
