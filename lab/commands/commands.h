#pragma once

#include "lab/core/command.h"

namespace bhype::lab {

int freebsd_version_main(const Arguments& arguments);

} // namespace bhype::lab
