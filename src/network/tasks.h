#pragma once

#include "network/switches.h"
#include "task/task.h"

namespace bhype::network {

struct SwitchInput {
    std::optional<Wanted> before; ///< as it was
    std::optional<Wanted> after;  ///< as it is to be; none: removed
};
BOOST_DESCRIBE_STRUCT(SwitchInput, (), (before, after))

struct ForwardInput {
    std::optional<Forward> before;
    std::optional<Forward> after;
};
BOOST_DESCRIBE_STRUCT(ForwardInput, (), (before, after))

struct UplinkInput {
    host::UplinkChange change;
    std::int64_t seconds = 60;
};
BOOST_DESCRIBE_STRUCT(UplinkInput, (), (change, seconds))

/// switch.create, switch.edit, switch.delete, forward.create, forward.delete, firewall.install,
/// uplink.change, uplink.confirm, uplink.revert. `changed` is called after each.
void add_tasks(task::Tasks& tasks, Switches& switches, std::function<void()> changed);

} // namespace bhype::network
