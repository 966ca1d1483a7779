#pragma once

#include <string>

namespace bhype::vmd {

/// A whole vmd, in the run directory that hostd made, with the descriptors of protocol.h. Returns the exit
/// status when the guest has ended. `attach`: bhyve runs already.
int run(const std::string& directory, bool attach);

} // namespace bhype::vmd
