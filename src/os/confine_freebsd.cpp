#include "os/confine_parts.h"

#include <sys/capsicum.h>
#include <sys/procctl.h>

#include <unistd.h>

namespace bhype::os {

void forbid_tracing() {
    int traceable = PROC_TRACE_CTL_DISABLE;
    confine_check(::procctl(P_PID, ::getpid(), PROC_TRACE_CTL, &traceable) == 0, "procctl");
}

void seal() {
    cap_rights_t rights;
    ::cap_rights_init(&rights, CAP_PREAD, CAP_SEEK, CAP_FSTAT);
    confine_check(::cap_rights_limit(0, &rights) == 0, "cap_rights_limit");
    ::cap_rights_init(&rights, CAP_WRITE, CAP_FSTAT);
    confine_check(::cap_rights_limit(1, &rights) == 0 && ::cap_rights_limit(2, &rights) == 0,
                  "cap_rights_limit");
    confine_check(::cap_enter() == 0, "cap_enter");
}

} // namespace bhype::os
