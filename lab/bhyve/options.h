#pragma once

#include "lab/bhyve/config.h"

#include <cstdint>
#include <string>
#include <vector>

namespace bhype::lab {

/// bhyve's command line as a configuration. Leaves by Exit, its text printed, whatever the release refuses,
/// for -h,
/// `-s help`, `-l help` and config.dump.
Config parse_command_line(const std::vector<std::string>& arguments, int release);

/// bhyve's usage text.
std::string usage_text(int release);

struct Topology {
    int cpus, sockets, cores, threads;
};

/// Leaves by Exit with 4 if the numbers do not agree.
Topology topology(const Config& config);

/// The host CPUs of each vCPU, in the kernel's notation of lists; empty where none are given.
std::vector<std::vector<int>> pinning(const Config& config, int cpus);

/// Bytes of memory.size. Leaves by Exit with 64.
std::uint64_t memory_size(const Config& config);

} // namespace bhype::lab
