#pragma once

#include "lab/core/hooks.h"

#include <iosfwd>

namespace bhype::lab {

/// Starts a lab's processes and waits until rc is through; tells what is being done, a line each. Chooses a
/// port for the web address if there is none yet. Throws if the lab did not come up; nothing runs then.
void boot(const Layout& layout, LabConfig config, const Hooks& hooks, std::ostream& progress);

/// Cuts the power of a running lab. Nothing happens if none is up.
void power_off(const Layout& layout, const Hooks& hooks);

/// The first process inside; never returns. `arguments`: descriptors of the exec socket, of the web listener
/// and of the pipe that takes progress.
int init_main(const Arguments& arguments, const Hooks& hooks);

} // namespace bhype::lab
