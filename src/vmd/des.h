#pragma once

// DES for one purpose: the answer to the challenge of VNC Authentication (RFC 6143, 7.2.2), which bhyve's
// frame buffer asks for. It keeps local users off the loopback port and is no protection of anything else.

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace bhype::vmd {

/// FIPS 46-3, one block. The key's parity bits are ignored.
std::array<std::uint8_t, 8> des_encrypt(std::array<std::uint8_t, 8> key, std::array<std::uint8_t, 8> block);

/// The challenge's 16 bytes under the password, of which the first 8 bytes count.
std::array<std::uint8_t, 16> vnc_answer(std::string_view password,
                                        std::span<const std::uint8_t, 16> challenge);

} // namespace bhype::vmd
