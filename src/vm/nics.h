#pragma once

// A VM's NICs: adding, changing and removing one.

#include "network/switches.h"
#include "vm/vm.h"

namespace bhype::vm {

/// What is wrong with a NIC of a VM beside all other NICs of the host, on its switch, and beside the leases
/// there. VMs that the caller may not see are not named.
std::vector<FieldProblem> nic_problems(const VmName& vm, const host::MachineNic& nic,
                                       const network::Switches& switches,
                                       const std::vector<host::Lease>& leases,
                                       const std::function<bool(const VmName&)>& may_see);

/// The definition with one more NIC, on a slot of its own and with the next free name. Throws
/// Error(vm_refused) when no slot is left.
host::Machine with_nic(const host::Machine& machine, const AddNic& request);
/// With one changed. Throws Error(not_found) when there is no such NIC, Error(invalid_field).
host::Machine with_changed_nic(const host::Machine& machine, const DeviceName& name, const EditNic& request);
/// Without one. Throws Error(not_found).
host::Machine without_nic(const host::Machine& machine, const DeviceName& name);

} // namespace bhype::vm
