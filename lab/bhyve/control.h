#pragma once

#include <optional>
#include <string>

namespace bhype::lab {

/// Asks the bhyve that runs a VM, through the socket in the VM's folder: "reset", "poweroff", "destroy",
/// "nmi", "stats N". Nothing if no bhyve runs it.
std::optional<std::string> ask_bhyve(const std::string& name, const std::string& question);

} // namespace bhype::lab
