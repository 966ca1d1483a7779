#include "vmd/rfb.h"

#include <bit>
#include <cstring>

namespace bhype::vmd {

namespace {

std::uint32_t swapped(std::uint32_t value) {
    return value >> 24 | (value >> 8 & 0xff00) | (value << 8 & 0xff0000) | value << 24;
}

} // namespace

bool PixelFormat::parse(const char* bytes) {
    const auto at = [&](int i) { return static_cast<std::uint8_t>(bytes[i]); };
    const bool usable = at(0) == 32 && at(3) != 0 && u16(bytes + 4) == 255 && u16(bytes + 6) == 255 &&
                        u16(bytes + 8) == 255 && at(10) <= 24 && at(11) <= 24 && at(12) <= 24;
    if (!usable)
        return false;
    big_endian = at(2) != 0;
    red = at(10);
    green = at(11);
    blue = at(12);
    return true;
}

void PixelFormat::print(std::string& to) const {
    to += {32, 24, static_cast<char>(big_endian), 1};
    for (int colour = 0; colour < 3; ++colour)
        put16(to, 255);
    to += {static_cast<char>(red), static_cast<char>(green), static_cast<char>(blue), 0, 0, 0};
}

void convert(const char* pixels, std::size_t count, const PixelFormat& from, const PixelFormat& to,
             std::string& out) {
    if (from == to) {
        out.append(pixels, count * 4);
        return;
    }
    const auto start = out.size();
    out.resize(start + count * 4);
    char* target = out.data() + start;
    constexpr bool host_big = std::endian::native == std::endian::big;
    const bool swap_in = from.big_endian != host_big;
    const bool swap_out = to.big_endian != host_big;
    for (std::size_t i = 0; i < count; ++i) {
        std::uint32_t pixel;
        std::memcpy(&pixel, pixels + i * 4, 4);
        if (swap_in)
            pixel = swapped(pixel);
        pixel = (pixel >> from.red & 0xff) << to.red | (pixel >> from.green & 0xff) << to.green |
                (pixel >> from.blue & 0xff) << to.blue;
        if (swap_out)
            pixel = swapped(pixel);
        std::memcpy(target + i * 4, &pixel, 4);
    }
}

std::string update_request(bool incremental, std::uint16_t width, std::uint16_t height) {
    std::string message{3, static_cast<char>(incremental)};
    for (const std::uint16_t number : {std::uint16_t(0), std::uint16_t(0), width, height})
        put16(message, number);
    return message;
}

} // namespace bhype::vmd
