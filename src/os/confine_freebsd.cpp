#include "os/confine.h"

#include "base/error.h"

#include <sys/capsicum.h>
#include <sys/procctl.h>
#include <sys/resource.h>

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace bhype::os {

namespace {

void check(bool good, const char* what) {
    if (!good)
        throw Error(Code::internal, std::string(what) + ": " + std::strerror(errno));
}

void limit(int resource, std::uint64_t most) {
    const rlimit value{static_cast<rlim_t>(most), static_cast<rlim_t>(most)};
    check(::setrlimit(resource, &value) == 0, "setrlimit");
}

} // namespace

void confine(const Confinement& limits) {
    ::closefrom(3);
    if (::geteuid() == 0) {
        const passwd* nobody = ::getpwnam("nobody");
        check(nobody != nullptr, "there is no user nobody");
        const gid_t group = nobody->pw_gid;
        const uid_t user = nobody->pw_uid;
        ::endpwent();
        ::closefrom(3);
        check(::setgroups(1, &group) == 0 && ::setgid(group) == 0 && ::setuid(user) == 0, "setuid");
    }
    int traceable = PROC_TRACE_CTL_DISABLE;
    check(::procctl(P_PID, ::getpid(), PROC_TRACE_CTL, &traceable) == 0, "procctl");
    limit(RLIMIT_AS, limits.memory);
    limit(RLIMIT_CPU, limits.cpu_seconds);
    limit(RLIMIT_NOFILE, 3);
    limit(RLIMIT_NPROC, 0);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_CORE, 0);
    cap_rights_t rights;
    ::cap_rights_init(&rights, CAP_PREAD, CAP_SEEK, CAP_FSTAT);
    check(::cap_rights_limit(0, &rights) == 0, "cap_rights_limit");
    ::cap_rights_init(&rights, CAP_WRITE, CAP_FSTAT);
    check(::cap_rights_limit(1, &rights) == 0 && ::cap_rights_limit(2, &rights) == 0, "cap_rights_limit");
    check(::cap_enter() == 0, "cap_enter");
}

} // namespace bhype::os
