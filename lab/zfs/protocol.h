// What the lab and the agent in the appliance say to each other, over one TCP connection per matter.
//
//   gateway -> agent   Preamble (who asks, from the socket's peer credentials)
//   client  -> agent   uint32 length, then that many bytes: strings, each ended by NUL; the first is the kind
//   agent   -> client  kind "run": frames both ways; every other kind: a uint32 errno value first
//
// Both ends are the same processor type: integers are in host order.
#pragma once

#include <cstdint>

namespace bhype::lab::wire {

inline constexpr std::uint32_t magic = 0x315a4842; // "BHZ1"
inline constexpr std::uint16_t port = 7021;
inline constexpr const char* host_address = "169.254.77.1";
inline constexpr const char* guest_address = "169.254.77.2";

struct Preamble {
    std::uint32_t magic;
    std::uint32_t uid;
    std::uint32_t gid;
};

enum class Frame : std::uint32_t {
    standard_input = 0,  // to the agent; empty: end of file
    standard_output = 1, // from the agent
    standard_error = 2,  // from the agent
    exit = 3,            // from the agent: int32 exit status, or minus the signal's number
    upcall = 4,          // from the agent: strings as in hooks.c, wants an answer
    answer = 5,          // to the agent: int32 errno value, then what was asked for
};

struct FrameHeader {
    Frame type;
    std::uint32_t length;
};

inline constexpr std::uint32_t frame_limit = 256 * 1024;

} // namespace bhype::lab::wire
