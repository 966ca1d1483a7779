#include "http/websocket.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace bhype::http {

namespace {

bool same_word(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

std::vector<std::string_view> words(std::string_view list) {
    std::vector<std::string_view> found;
    while (!list.empty()) {
        const auto end = list.find(',');
        auto word = list.substr(0, end);
        list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
        while (!word.empty() && (word.front() == ' ' || word.front() == '\t'))
            word.remove_prefix(1);
        while (!word.empty() && (word.back() == ' ' || word.back() == '\t'))
            word.remove_suffix(1);
        if (!word.empty())
            found.push_back(word);
    }
    return found;
}

void sha1_block(std::array<std::uint32_t, 5>& state, const std::uint8_t* block) {
    std::array<std::uint32_t, 80> w{};
    for (std::size_t i = 0; i < 16; ++i)
        w[i] = static_cast<std::uint32_t>(block[4 * i]) << 24 |
               static_cast<std::uint32_t>(block[4 * i + 1]) << 16 |
               static_cast<std::uint32_t>(block[4 * i + 2]) << 8 | block[4 * i + 3];
    for (std::size_t i = 16; i < 80; ++i)
        w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    auto [a, b, c, d, e] = state;
    for (std::size_t i = 0; i < 80; ++i) {
        std::uint32_t f = 0;
        std::uint32_t k = 0;
        if (i < 20) {
            f = (b & c) | (~b & d);
            k = 0x5a827999;
        } else if (i < 40) {
            f = b ^ c ^ d;
            k = 0x6ed9eba1;
        } else if (i < 60) {
            f = (b & c) | (b & d) | (c & d);
            k = 0x8f1bbcdc;
        } else {
            f = b ^ c ^ d;
            k = 0xca62c1d6;
        }
        const auto next = std::rotl(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = std::rotl(b, 30);
        b = a;
        a = next;
    }
    state = {state[0] + a, state[1] + b, state[2] + c, state[3] + d, state[4] + e};
}

} // namespace

std::array<std::uint8_t, 20> sha1(std::string_view text) {
    std::string padded(text);
    padded += '\x80';
    while (padded.size() % 64 != 56)
        padded += '\0';
    const auto bits = static_cast<std::uint64_t>(text.size()) * 8;
    for (int shift = 56; shift >= 0; shift -= 8)
        padded += static_cast<char>(bits >> shift & 0xff);
    std::array<std::uint32_t, 5> state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    for (std::size_t at = 0; at < padded.size(); at += 64)
        sha1_block(state, reinterpret_cast<const std::uint8_t*>(padded.data()) + at);
    std::array<std::uint8_t, 20> digest{};
    for (std::size_t i = 0; i < digest.size(); ++i)
        digest[i] = static_cast<std::uint8_t>(state[i / 4] >> (24 - 8 * (i % 4)) & 0xff);
    return digest;
}

std::string base64(std::span<const std::uint8_t> bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const auto left = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = static_cast<std::uint32_t>(bytes[i]) << 16;
        if (left > 1)
            group |= static_cast<std::uint32_t>(bytes[i + 1]) << 8;
        if (left > 2)
            group |= bytes[i + 2];
        text += digits[group >> 18 & 63];
        text += digits[group >> 12 & 63];
        text += left > 1 ? digits[group >> 6 & 63] : '=';
        text += left > 2 ? digits[group & 63] : '=';
    }
    return text;
}

std::string accept_key(std::string_view key) {
    return base64(sha1(std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
}

std::optional<std::string> check_upgrade(const Request& request) {
    if (request.method != Method::get)
        return "the method must be GET";
    const auto has = [](std::string_view list, std::string_view wanted) {
        const auto all = words(list);
        return std::any_of(all.begin(), all.end(), [&](auto word) { return same_word(word, wanted); });
    };
    if (!has(request.header("Upgrade"), "websocket") || !has(request.header("Connection"), "upgrade"))
        return "Upgrade: websocket and Connection: Upgrade are needed";
    if (request.header("Sec-WebSocket-Version") != "13")
        return "only version 13 is spoken here";
    const auto key = request.header("Sec-WebSocket-Key");
    const auto digits =
        key.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    if (key.size() != 24 || digits != 22 || key.substr(22) != "==")
        return "Sec-WebSocket-Key is not 16 bytes in base64";
    return std::nullopt;
}

std::vector<std::string_view> offered_protocols(const Request& request) {
    return words(request.header("Sec-WebSocket-Protocol"));
}

std::size_t write_frame_header(const FrameHeader& header, std::span<std::uint8_t, longest_frame_header> to) {
    std::size_t at = 0;
    to[at++] = static_cast<std::uint8_t>((header.final ? 0x80 : 0) | static_cast<int>(header.opcode));
    const auto masked = static_cast<std::uint8_t>(header.mask ? 0x80 : 0);
    int shift = -8;
    if (header.length < 126) {
        to[at++] = static_cast<std::uint8_t>(masked | header.length);
    } else if (header.length <= 0xffff) {
        to[at++] = masked | 126;
        shift = 8;
    } else {
        to[at++] = masked | 127;
        shift = 56;
    }
    for (; shift >= 0; shift -= 8)
        to[at++] = static_cast<std::uint8_t>(header.length >> shift & 0xff);
    if (header.mask)
        for (const auto byte : *header.mask)
            to[at++] = byte;
    return at;
}

std::size_t read_frame_header(std::span<const std::uint8_t> bytes, FrameHeader& header) {
    if (bytes.size() < 2)
        return 0;
    if ((bytes[0] & 0x70) != 0)
        throw ProtocolError(close_code::protocol_error, "reserved bits");
    const auto opcode = bytes[0] & 0x0f;
    if ((opcode > 2 && opcode < 8) || opcode > 10)
        throw ProtocolError(close_code::protocol_error, "unknown opcode");
    header.final = (bytes[0] & 0x80) != 0;
    header.opcode = static_cast<Opcode>(opcode);
    const bool masked = (bytes[1] & 0x80) != 0;
    const auto small = bytes[1] & 0x7f;
    if (opcode >= 8 && (small > 125 || !header.final))
        throw ProtocolError(close_code::protocol_error, "a control frame that is long or in pieces");
    const std::size_t extra = small == 126 ? 2 : small == 127 ? 8 : 0;
    const std::size_t whole = 2 + extra + (masked ? 4 : 0);
    if (bytes.size() < whole)
        return 0;
    header.length = extra == 0 ? static_cast<std::uint64_t>(small) : 0;
    for (std::size_t i = 0; i < extra; ++i)
        header.length = header.length << 8 | bytes[2 + i];
    if ((extra == 2 && header.length < 126) || (extra == 8 && header.length <= 0xffff) ||
        header.length >> 63 != 0)
        throw ProtocolError(close_code::protocol_error, "a length not in its shortest form");
    header.mask.reset();
    if (masked) {
        std::array<std::uint8_t, 4> mask{};
        std::memcpy(mask.data(), bytes.data() + 2 + extra, mask.size());
        header.mask = mask;
    }
    return whole;
}

void apply_mask(std::span<std::uint8_t> bytes, const std::array<std::uint8_t, 4>& mask,
                std::uint64_t offset) {
    std::array<std::uint8_t, 8> turned{};
    for (std::size_t i = 0; i < turned.size(); ++i)
        turned[i] = mask[(offset + i) % 4];
    std::uint64_t word = 0;
    std::memcpy(&word, turned.data(), sizeof word);
    auto* at = bytes.data();
    auto left = bytes.size();
    // Four words at a time: the compiler makes vector instructions of it.
    for (; left >= 32; left -= 32, at += 32) {
        std::array<std::uint64_t, 4> group;
        std::memcpy(group.data(), at, sizeof group);
        for (auto& part : group)
            part ^= word;
        std::memcpy(at, group.data(), sizeof group);
    }
    for (std::size_t i = 0; i < left; ++i)
        at[i] ^= turned[i % 8];
}

} // namespace bhype::http
