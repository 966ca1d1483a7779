#pragma once

// What is done to snapshots, as kinds of tasks: snapshot.create, snapshot.edit, snapshot.delete, vm.rollback.

#include "protect/snapshot.h"
#include "task/task.h"
#include "vm/keeper.h"

namespace bhype::protect {

struct TakeInput {
    VmName vm;
    SnapshotLabel label;
    Note made_by;
    Note note;
};
BOOST_DESCRIBE_STRUCT(TakeInput, (), (vm, label, made_by, note))

struct EditInput {
    VmName vm;
    SnapshotLabel label;
    std::optional<Note> note;
    std::optional<bool> held;
};
BOOST_DESCRIBE_STRUCT(EditInput, (), (vm, label, note, held))

struct DeleteInput {
    VmName vm;
    std::vector<SnapshotLabel> labels;
};
BOOST_DESCRIBE_STRUCT(DeleteInput, (), (vm, labels))

struct RollbackInput {
    VmName vm;
    SnapshotLabel label;
    std::optional<host::Machine> definition; ///< to be written; today's stays when missing
};
BOOST_DESCRIBE_STRUCT(RollbackInput, (), (vm, label, definition))

void add_tasks(task::Tasks& tasks, vm::Inventory& inventory, vm::Keeper& keeper, network::Switches& switches);

} // namespace bhype::protect
