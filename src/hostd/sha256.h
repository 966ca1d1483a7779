#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace bhype::hostd {

/// SHA-256 (FIPS 180-4) of what can be read from the descriptor, in lower-case hex. `progress` gets the bytes
/// so far, now and then. Throws Error(command_failed) when reading fails.
std::string sha256_of(int fd, const std::function<void(std::uint64_t)>& progress);

} // namespace bhype::hostd
