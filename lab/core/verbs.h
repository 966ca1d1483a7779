#pragma once

#include "lab/core/hooks.h"

namespace bhype::lab {

/// bhype-lab VERB ...: what people and tests do with labs from outside. Returns the exit status.
int verb_main(const Arguments& arguments, const Hooks& hooks);

} // namespace bhype::lab
