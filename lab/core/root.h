#pragma once

#include "lab/core/accounts.h"
#include "lab/core/hooks.h"

namespace bhype::lab {

/// Makes the root of a new lab: FreeBSD's folders and files at FreeBSD's places. The machine's programs that
/// FreeBSD has too are links into /.lab/linux, where the machine's /usr is mounted when the lab boots; what
/// FreeBSD does not have is not there.
void build_root(const Layout& layout, const LabConfig& config, const std::vector<NewAccount>& accounts,
                const Hooks& hooks);

} // namespace bhype::lab
