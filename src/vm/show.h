#pragma once

// A VM as the API shows it to somebody.

#include "vm/inventory.h"

namespace bhype::vm {

/// What somebody may do with a VM: all that its picture depends on besides itself and its task.
struct Rights {
    bool use = false;
    bool change = false;
};
Rights rights_of(const Record& record, const access::Caller& caller);

/// The API's picture of a record.
Vm show(const Record& record, Rights rights, const std::optional<TaskId>& task);

/// What the list has of it.
VmSummary summary(const Record& record, Rights rights, const std::optional<TaskId>& task);

} // namespace bhype::vm
