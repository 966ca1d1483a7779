#pragma once

#include <cstdint>

namespace bhype::os {

/// What a process that reads hostile data may still use.
struct Confinement {
    std::uint64_t memory = 0;      ///< bytes of address space
    std::uint64_t cpu_seconds = 0; ///< of all its life
};

/// Leaves the process what it has open as 0 (for reading), 1 and 2 (for writing), and nothing else, for good:
/// it opens nothing, starts nothing, signals and traces nobody, and leaves no core.
///
/// Both systems: all other descriptors are closed, RLIMIT_NOFILE is 3, RLIMIT_NPROC 0, RLIMIT_FSIZE 0,
/// RLIMIT_CORE 0, memory and CPU time are limited, and a process of root's becomes nobody's without groups.
/// FreeBSD besides: cap_rights_limit(2) on the three and cap_enter(2), after which no name of anything leads
/// anywhere. Linux besides: no new privileges, not dumpable (prctl(2)).
///
/// Throws Error(internal): nothing hostile may be read then.
void confine(const Confinement& limits);

} // namespace bhype::os
