#pragma once

// The addresses that NICs have, as they were leased or seen on the networks of their switches.

#include "host/address.h"
#include "network/check.h"

namespace bhype::vm {

/// A NIC has what is of the switch that it is on now: one that was moved still has a lease of its old network
/// and is still known there.
class Addresses {
  public:
    Addresses(const std::vector<host::Lease>& leases, const std::vector<host::Neighbor>& neighbors,
              const std::vector<network::Wanted>& switches);

    /// IPv4: what was leased last, else what was seen. Empty when nothing is known.
    std::string inet(const host::MachineNic& nic) const;
    /// Those that lead far before link-local ones.
    std::vector<std::string> inet6(const host::MachineNic& nic) const;

  private:
    struct Network {
        std::string bridge;
        std::optional<host::Ipv4Network> served; ///< by bHype's DHCP
    };
    std::string leased(const host::MachineNic& nic, const host::Ipv4Network& network) const;
    std::vector<std::string> seen(const host::MachineNic& nic, bool inet6) const;

    std::map<SwitchName, Network> networks_;
    std::map<MacAddress, std::vector<host::Lease>> leases_;
    std::map<MacAddress, std::vector<host::Neighbor>> neighbors_;
};

} // namespace bhype::vm
