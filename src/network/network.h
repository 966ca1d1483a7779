#pragma once

// Switches. For now there is one, "nat": a bridge with an address, and DHCP.

#include "api/endpoint.h"
#include "task/task.h"
#include "wire/host.h"

#include <mutex>

namespace bhype::network {

enum class SwitchKind { nat };
BOOST_DESCRIBE_ENUM(SwitchKind, nat)
enum class SwitchState { up, missing };
BOOST_DESCRIBE_ENUM(SwitchState, up, missing)

/// A switch as the API shows it.
struct Switch {
    SwitchName name;
    SwitchKind kind = SwitchKind::nat;
    std::string bridge;
    Ipv4Prefix address;
    SwitchState state = SwitchState::missing;
    std::vector<std::string> guests; ///< VMs with a NIC on it
};
BOOST_DESCRIBE_STRUCT(Switch, (), (name, kind, bridge, address, state, guests))

/// A switch as it is wanted.
struct Wanted {
    SwitchName name;
    SwitchKind kind = SwitchKind::nat;
    Ipv4Prefix address;
};
BOOST_DESCRIBE_STRUCT(Wanted, (), (name, kind, address))

/// Keeps the wanted switches in the database and makes the host look like it.
class Switches {
  public:
    struct Keep {
        std::function<std::vector<Wanted>()> load;
        std::function<void(const std::vector<Wanted>&)> save;
    };
    Switches(wire::Host& host, Keep keep);

    std::vector<Wanted> wanted() const;
    std::optional<Wanted> find(const SwitchName& name) const;
    void want(const Wanted& wanted);
    /// The first of 10.77.0.1/24, 10.77.1.1/24, ... that no interface of the host overlaps.
    Ipv4Prefix free_network(const std::vector<host::Interface>& interfaces) const;
    /// Bridges and DHCP as wanted; what is right is not touched. Returns what the host has now.
    void reconcile();
    /// From the last look at the host.
    bool up(const SwitchName& name) const;
    void look(const std::vector<host::Interface>& interfaces);

  private:
    wire::Host& host_;
    Keep keep_;
    mutable std::mutex mutex_;
    std::vector<Wanted> wanted_;
    std::vector<host::Interface> seen_;
};

/// True when the two networks share an address.
bool overlap(std::string_view prefix_a, std::string_view prefix_b);

std::string bridge_of(const SwitchName& name);

/// GET /api/v1/switches. `guests` tells which VMs have a NIC on a switch, of those that the caller may see.
void add_endpoints(api::Router& router, Switches& switches,
                   std::function<std::vector<std::string>(const access::Caller&, const SwitchName&)> guests);

} // namespace bhype::network
