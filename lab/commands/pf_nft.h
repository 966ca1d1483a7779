#pragma once

#include "lab/commands/pf_kernel.h"

#include <cstdint>
#include <map>
#include <string>

namespace bhype::lab {

struct PfCounter {
    std::uint64_t packets{}, bytes{};
};
/// By name: "rN" for what the rule with that id decided or translated, "eN" for how often it was looked at.
using PfCounters = std::map<std::string, PfCounter>;

// How a packet's and a connection's marks are used.
//   packet: bits 0-14 the rule that matched last, 15 it is bridged, 16-23 something matched in the anchor of
//   that
//           depth, 24-31 its tag
//   connection: bit 0 a state of the side where it came in, bit 1 of the side where it went out, 2-16 the
//   rule that
//           made the latter, 17-31 the former
constexpr unsigned pf_rule_bits = 0x7fff, pf_in_state = 1, pf_out_state = 2, pf_out_shift = 2,
                   pf_in_shift = 17;

/// The tables of nft(8) that do to packets what pf would. Rulesets that nothing calls are not in it. pf keeps
/// the last match: each match overwrites the packet's mark, and the mark decides at the end. A state is a bit
/// of the connection's mark; replies pass by it, as do packets of the same direction. Throws
/// std::runtime_error for rules that the lab cannot put into effect.
std::string pf_nft_script(const PfKernel& kernel, const PfInterfaces& interfaces, const PfCounters& counters);

} // namespace bhype::lab
