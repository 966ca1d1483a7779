#include "os/confine.h"

#include "base/error.h"
#include "os/confine_parts.h"

#include <sys/resource.h>

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace bhype::os {

namespace {

void become_nobody() {
    const passwd* nobody = ::getpwnam("nobody");
    confine_check(nobody != nullptr, "there is no user nobody");
    const gid_t group = nobody->pw_gid;
    const uid_t user = nobody->pw_uid;
    ::endpwent();
    confine_check(::setgroups(1, &group) == 0 && ::setgid(group) == 0 && ::setuid(user) == 0, "setuid");
}

} // namespace

void confine_check(bool good, const char* what) {
    if (!good)
        throw Error(Code::internal, std::string(what) + ": " + std::strerror(errno));
}

void confine(const Confinement& limits) {
    ::closefrom(3);
    if (::geteuid() == 0)
        become_nobody();
    ::closefrom(3); // what the look for nobody may have opened
    forbid_tracing();
    const auto limit = [](auto resource, std::uint64_t most) {
        const rlimit value{static_cast<rlim_t>(most), static_cast<rlim_t>(most)};
        confine_check(::setrlimit(resource, &value) == 0, "setrlimit");
    };
    limit(RLIMIT_AS, limits.memory);
    limit(RLIMIT_CPU, limits.cpu_seconds);
    limit(RLIMIT_NOFILE, 3);
    limit(RLIMIT_NPROC, 0);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_CORE, 0);
    seal();
}

} // namespace bhype::os
