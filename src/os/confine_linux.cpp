#include "os/confine_parts.h"

#include <sys/prctl.h>

namespace bhype::os {

void forbid_tracing() {
    confine_check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0,
                  "prctl");
}

void seal() {}

} // namespace bhype::os
