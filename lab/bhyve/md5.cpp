#include "lab/bhyve/devices.h"

#include <bit>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

namespace bhype::lab {

// RFC 1321. Only for names and addresses that must come out as bhyve makes them; secures nothing.
std::string md5(const std::string& text) {
    constexpr int shifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    std::string data = text + '\x80';
    data.resize((data.size() + 8 + 63) / 64 * 64, '\0');
    const std::uint64_t bits = std::uint64_t(text.size()) * 8;
    for (std::size_t i = 0; i < 8; ++i)
        data[data.size() - 8 + i] = static_cast<char>(bits >> 8 * i);
    std::uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    for (std::size_t block = 0; block < data.size(); block += 64) {
        std::uint32_t words[16] = {};
        for (std::size_t i = 0; i < 64; ++i)
            words[i / 4] |= std::uint32_t(static_cast<unsigned char>(data[block + i])) << 8 * (i % 4);
        auto [a, b, c, d] = state;
        for (unsigned i = 0; i < 64; ++i) {
            std::uint32_t mixed = 0;
            unsigned word = 0;
            switch (i / 16) {
            case 0:
                mixed = (b & c) | (~b & d), word = i;
                break;
            case 1:
                mixed = (d & b) | (~d & c), word = (5 * i + 1) % 16;
                break;
            case 2:
                mixed = b ^ c ^ d, word = (3 * i + 5) % 16;
                break;
            default:
                mixed = c ^ (b | ~d), word = 7 * i % 16;
            }
            const auto constant =
                static_cast<std::uint32_t>(std::floor(std::abs(std::sin(i + 1.0)) * 4294967296.0));
            const auto sum = a + mixed + constant + words[word];
            a = d, d = c, c = b;
            b += std::rotl(sum, shifts[i / 16][i % 4]);
        }
        state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    }
    std::string out;
    for (const auto word : state)
        for (int i = 0; i < 4; ++i)
            out += fmt::format("{:02X}", word >> 8 * i & 0xff);
    return out;
}

} // namespace bhype::lab
