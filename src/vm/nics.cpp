#include "vm/nics.h"

#include "host/address.h"

#include <algorithm>
#include <ctime>

namespace bhype::vm {

namespace {

constexpr int first_nic_slot = 10; ///< away from the disks, so that a new disk never moves a NIC

std::vector<host::MachineNic>::iterator find(host::Machine& machine, const DeviceName& name) {
    const auto found = std::ranges::find(machine.nics, name, &host::MachineNic::name);
    if (found == machine.nics.end())
        throw Error(Code::not_found, "the VM has no NIC of that name");
    return found;
}

host::Machine next_of(const host::Machine& machine) {
    auto next = machine;
    next.generation = machine.generation + 1;
    return next;
}

} // namespace

std::vector<FieldProblem> nic_problems(const VmName& vm, const host::MachineNic& nic,
                                       const network::Switches& switches,
                                       const std::vector<host::Lease>& leases,
                                       const std::function<bool(const VmName&)>& may_see) {
    std::vector<FieldProblem> problems;
    const auto item = switches.find(nic.switch_);
    if (!item)
        problems.push_back({"switch", "there is no switch " + nic.switch_.str()});
    for (const auto& other : switches.nics()) {
        if (other.vm == vm && other.nic == nic.name)
            continue;
        const auto who = may_see(other.vm) ? network::called(other) : "another VM's NIC";
        if (other.mac == nic.mac)
            problems.push_back({"mac", "is that of " + who});
        if (nic.address && other.fixed == nic.address && other.switch_ == nic.switch_)
            problems.push_back({"fixed", "is kept for " + who});
    }
    for (const auto& lease : leases)
        if (nic.address && lease.address == nic.address->str() && lease.mac != nic.mac &&
            (lease.expires == 0 || lease.expires > std::time(nullptr)))
            problems.push_back(
                {"fixed", "is leased to MAC " + lease.mac.str() +
                              ", which would lose it: choose another, or wait until that lease is over"});
    if (!nic.address || !item)
        return problems;
    if (!item->address || !item->dhcp) {
        problems.push_back({"fixed", "switch " + nic.switch_.str() + " has no DHCP to give it"});
        return problems;
    }
    const auto net = host::ipv4_network(*item->address);
    const auto address = host::ipv4_number(*nic.address);
    if (address <= net.first || address >= net.last)
        problems.push_back(
            {"fixed", "must lie within " + net.str() + ", switch " + nic.switch_.str() + "'s network"});
    if (address == net.address)
        problems.push_back({"fixed", "is the switch's own address"});
    return problems;
}

host::Machine with_nic(const host::Machine& machine, const AddNic& request) {
    auto next = next_of(machine);
    host::MachineNic nic;
    for (int number = 0;; ++number) {
        nic.name = DeviceName::from("net" + std::to_string(number));
        if (std::ranges::find(machine.nics, nic.name, &host::MachineNic::name) == machine.nics.end())
            break;
    }
    nic.slot = host::free_slot(machine, first_nic_slot);
    nic.kind = request.kind.value_or(host::NicKind::virtio_net);
    nic.mac = request.mac.value_or(random_mac());
    nic.switch_ = request.switch_.value_or(SwitchName::from("nat"));
    nic.address = request.fixed;
    next.nics.push_back(nic);
    return next;
}

host::Machine with_changed_nic(const host::Machine& machine, const DeviceName& name, const EditNic& request) {
    auto next = next_of(machine);
    const auto nic = find(next, name);
    if (request.fixed)
        nic->address =
            request.fixed->empty() ? std::nullopt : std::optional(Ipv4Address::from(request.fixed->str()));
    nic->switch_ = request.switch_.value_or(nic->switch_);
    nic->kind = request.kind.value_or(nic->kind);
    nic->mac = request.mac.value_or(nic->mac);
    return next;
}

host::Machine without_nic(const host::Machine& machine, const DeviceName& name) {
    auto next = next_of(machine);
    next.nics.erase(find(next, name));
    return next;
}

} // namespace bhype::vm
