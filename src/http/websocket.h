#pragma once

// RFC 6455: the opening handshake and the framing, without input or output of its own.

#include "http/message.h"

#include <array>
#include <cstdint>
#include <span>

namespace bhype::http {

std::array<std::uint8_t, 20> sha1(std::string_view text);
std::string base64(std::span<const std::uint8_t> bytes);
/// Sec-WebSocket-Accept for a Sec-WebSocket-Key (section 4.2.2).
std::string accept_key(std::string_view key);
/// What is wrong with a request for an upgrade (section 4.2.1), nothing when it is well.
std::optional<std::string> check_upgrade(const Request& request);
/// The names in Sec-WebSocket-Protocol.
std::vector<std::string_view> offered_protocols(const Request& request);

enum class Opcode : std::uint8_t {
    continuation = 0,
    text = 1,
    binary = 2,
    close = 8,
    ping = 9,
    pong = 10,
};

/// Close codes (section 7.4.1).
namespace close_code {
inline constexpr std::uint16_t normal = 1000;
inline constexpr std::uint16_t going_away = 1001;
inline constexpr std::uint16_t protocol_error = 1002;
inline constexpr std::uint16_t unsupported = 1003;
inline constexpr std::uint16_t policy = 1008;
inline constexpr std::uint16_t too_large = 1009;
} // namespace close_code

/// Longest header of a frame: 2, 8 for the length, 4 for the mask.
inline constexpr std::size_t longest_frame_header = 14;

struct FrameHeader {
    bool final = true;
    Opcode opcode = Opcode::binary;
    std::uint64_t length = 0;
    std::optional<std::array<std::uint8_t, 4>> mask;
};

/// Writes a header and gives its length.
std::size_t write_frame_header(const FrameHeader& header, std::span<std::uint8_t, longest_frame_header> to);

/// Reads a header from the front of `bytes`. Gives 0 when there is too little, else the header's length.
/// Throws ProtocolError for what no endpoint may send: reserved bits, unknown opcodes, long or fragmented
/// control frames, lengths that are not in the shortest form.
class ProtocolError : public std::exception {
  public:
    ProtocolError(std::uint16_t close, const char* text) : code(close), text_(text) {}
    const char* what() const noexcept override { return text_; }
    std::uint16_t code;

  private:
    const char* text_;
};
std::size_t read_frame_header(std::span<const std::uint8_t> bytes, FrameHeader& header);

/// Applies the mask to `bytes`, of which the first is the frame's byte number `offset`.
void apply_mask(std::span<std::uint8_t> bytes, const std::array<std::uint8_t, 4>& mask, std::uint64_t offset);

} // namespace bhype::http
