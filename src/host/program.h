#pragma once

#include <string_view>

namespace bhype::host {

/// Every program that bHype may start on a host, by its place on FreeBSD (usr.sbin/*/Makefile and so on).
/// A name that comes from outside can never become a program.
#define BHYPE_PROGRAMS(X)                                                                                    \
    X(arp, "/usr/sbin/arp")                                                                                  \
    X(bhyve, "/usr/sbin/bhyve")                                                                              \
    X(bhyvectl, "/usr/sbin/bhyvectl")                                                                        \
    X(dd, "/bin/dd")                                                                                         \
    X(diskinfo, "/usr/sbin/diskinfo")                                                                        \
    X(dnsmasq, "/usr/local/sbin/dnsmasq")                                                                    \
    X(freebsd_version, "/bin/freebsd-version")                                                               \
    X(ifconfig, "/sbin/ifconfig")                                                                            \
    X(look, "/usr/local/libexec/bhype-look")                                                                 \
    X(kldload, "/sbin/kldload")                                                                              \
    X(kldstat, "/sbin/kldstat")                                                                              \
    X(mount, "/sbin/mount")                                                                                  \
    X(ndp, "/usr/sbin/ndp")                                                                                  \
    X(netstat, "/usr/bin/netstat")                                                                           \
    X(pfctl, "/sbin/pfctl")                                                                                  \
    X(route, "/sbin/route")                                                                                  \
    X(service, "/usr/sbin/service")                                                                          \
    X(smartctl, "/usr/local/sbin/smartctl")                                                                  \
    X(sockstat, "/usr/bin/sockstat")                                                                         \
    X(swapctl, "/sbin/swapctl")                                                                              \
    X(sysctl, "/sbin/sysctl")                                                                                \
    X(sysrc, "/usr/sbin/sysrc")                                                                              \
    X(vmd, "/usr/local/libexec/bhype-vmd")                                                                   \
    X(zfs, "/sbin/zfs")                                                                                      \
    X(zpool, "/sbin/zpool")

enum class Program {
#define X(name, path) name,
    BHYPE_PROGRAMS(X)
#undef X
};

constexpr std::string_view path(Program program) {
    switch (program) {
#define X(name, path)                                                                                        \
    case Program::name:                                                                                      \
        return path;
        BHYPE_PROGRAMS(X)
#undef X
    }
    return {};
}

/// The last component, as messages and the log name it.
constexpr std::string_view name(Program program) {
    const auto whole = path(program);
    return whole.substr(whole.rfind('/') + 1);
}

} // namespace bhype::host
