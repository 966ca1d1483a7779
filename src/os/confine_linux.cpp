#include "os/confine.h"

#include "base/error.h"

#include <sys/prctl.h>
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

void limit(__rlimit_resource resource, std::uint64_t most) {
    const rlimit value{most, most};
    check(::setrlimit(resource, &value) == 0, "setrlimit");
}

} // namespace

void confine(const Confinement& limits) {
    if (::geteuid() == 0) {
        const passwd* nobody = ::getpwnam("nobody");
        check(nobody != nullptr, "there is no user nobody");
        const gid_t group = nobody->pw_gid;
        const uid_t user = nobody->pw_uid;
        check(::setgroups(1, &group) == 0 && ::setgid(group) == 0 && ::setuid(user) == 0, "setuid");
    }
    ::closefrom(3);
    check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0,
          "prctl");
    limit(RLIMIT_AS, limits.memory);
    limit(RLIMIT_CPU, limits.cpu_seconds);
    limit(RLIMIT_NOFILE, 3);
    limit(RLIMIT_NPROC, 0);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_CORE, 0);
}

} // namespace bhype::os
