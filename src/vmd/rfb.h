#pragma once

// Pieces of the RFB protocol (RFC 6143); numbers most significant byte first.

#include <cstdint>
#include <string>

namespace bhype::vmd {

inline std::uint16_t u16(const char* bytes) {
    return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[0]) << 8 |
                                      static_cast<unsigned char>(bytes[1]));
}
inline std::uint32_t u32(const char* bytes) {
    return std::uint32_t(u16(bytes)) << 16 | u16(bytes + 2);
}
inline void put16(std::string& to, std::uint16_t value) {
    to += static_cast<char>(value >> 8);
    to += static_cast<char>(value & 0xff);
}
inline void put32(std::string& to, std::uint32_t value) {
    put16(to, static_cast<std::uint16_t>(value >> 16));
    put16(to, static_cast<std::uint16_t>(value));
}

inline constexpr std::int32_t raw_encoding = 0;
inline constexpr std::int32_t desktop_size_encoding = -223;

/// 32 bits a pixel, 8 a colour; where each colour lies (section 7.4).
struct PixelFormat {
    bool big_endian = false;
    std::uint8_t red = 16, green = 8, blue = 0;
    bool operator==(const PixelFormat&) const = default;
    /// From the 16 bytes of the protocol; false when it is none of these.
    bool parse(const char* bytes);
    void print(std::string& to) const;
};

struct Geometry {
    std::uint16_t width = 1024, height = 768;
    PixelFormat format;
};

struct Rectangle {
    std::uint16_t x = 0, y = 0, width = 0, height = 0;
};

/// Appends `count` pixels of one format in the other.
void convert(const char* pixels, std::size_t count, const PixelFormat& from, const PixelFormat& to,
             std::string& out);

/// FramebufferUpdateRequest.
std::string update_request(bool incremental, std::uint16_t width, std::uint16_t height);

} // namespace bhype::vmd
