#include "vm/addresses.h"

#include <algorithm>
#include <limits>

namespace bhype::vm {

namespace {

bool is_inet6(const std::string& address) {
    return address.find(':') != std::string::npos;
}

std::int64_t until(const host::Lease& lease) {
    return lease.expires == 0 ? std::numeric_limits<std::int64_t>::max() : lease.expires;
}

} // namespace

Addresses::Addresses(const std::vector<host::Lease>& leases, const std::vector<host::Neighbor>& neighbors,
                     const std::vector<network::Wanted>& switches) {
    for (const auto& item : switches) {
        auto& network = networks_[item.name];
        network.bridge = network::bridge_of(item).str();
        if (item.address && item.dhcp)
            network.served = host::ipv4_network(*item.address);
    }
    for (const auto& lease : leases)
        leases_[lease.mac].push_back(lease);
    for (const auto& neighbor : neighbors)
        neighbors_[neighbor.mac].push_back(neighbor);
}

std::string Addresses::inet(const host::MachineNic& nic) const {
    if (const auto network = networks_.find(nic.switch_);
        network != networks_.end() && network->second.served)
        if (auto address = leased(nic, *network->second.served); !address.empty())
            return address;
    const auto found = seen(nic, false);
    return found.empty() ? std::string() : found.front();
}

std::vector<std::string> Addresses::inet6(const host::MachineNic& nic) const {
    auto found = seen(nic, true);
    std::ranges::sort(found, {},
                      [](const std::string& one) { return std::pair(host::link_local(one), one); });
    return found;
}

std::string Addresses::leased(const host::MachineNic& nic, const host::Ipv4Network& network) const {
    const auto found = leases_.find(nic.mac);
    if (found == leases_.end())
        return {};
    const host::Lease* newest = nullptr;
    for (const auto& lease : found->second) {
        const auto address = Ipv4Address::parse(lease.address);
        if (address && network.contains(host::ipv4_number(*address)) &&
            (!newest || until(lease) >= until(*newest)))
            newest = &lease;
    }
    return newest ? newest->address : std::string();
}

std::vector<std::string> Addresses::seen(const host::MachineNic& nic, bool inet6) const {
    std::vector<std::string> addresses;
    const auto network = networks_.find(nic.switch_);
    const auto found = neighbors_.find(nic.mac);
    if (network == networks_.end() || found == neighbors_.end())
        return addresses;
    for (const auto& neighbor : found->second)
        if (neighbor.interface == network->second.bridge && is_inet6(neighbor.address) == inet6)
            addresses.push_back(neighbor.address);
    return addresses;
}

} // namespace bhype::vm
