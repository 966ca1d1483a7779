#pragma once

// What is done to VMs, as kinds of tasks: vm.create, vm.start, vm.stop, vm.kill, vm.reset, vm.edit,
// vm.delete.

#include "task/task.h"
#include "vm/keeper.h"
#include "vm/plan.h"

namespace bhype::vm {

struct NameInput {
    VmName name;
    std::int64_t seconds = 0; ///< of vm.stop
    std::int64_t reboots = 0; ///< of vm.reset: how often the guest had rebooted before
};
BOOST_DESCRIBE_STRUCT(NameInput, (), (name, seconds, reboots))

struct EditInput {
    VmName name;
    std::int64_t expected = 0; ///< the definition's generation that `machine` was made from
    std::optional<host::Machine> machine;
    std::optional<access::Ownership> ownership;
};
BOOST_DESCRIBE_STRUCT(EditInput, (), (name, expected, machine, ownership))

/// What keeps a machine from being started on this host now.
using StartProblems = std::function<std::vector<FieldProblem>(const host::Machine&)>;

void add_tasks(task::Tasks& tasks, Inventory& inventory, Keeper& keeper, network::Switches& switches,
               StartProblems start_problems);

} // namespace bhype::vm
