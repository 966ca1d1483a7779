#include "look/names.h"

#include <algorithm>
#include <cstdint>

namespace bhype::look {

namespace {

/// Bytes of the UTF-8 character at the front (RFC 3629) and its code point; 0 bytes when there is none.
std::pair<std::size_t, std::uint32_t> character(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto first = byte(0);
    const std::size_t length = first < 0x80                    ? 1
                               : first >= 0xc2 && first < 0xe0 ? 2
                               : first >= 0xe0 && first < 0xf0 ? 3
                               : first >= 0xf0 && first < 0xf5 ? 4
                                                               : 0;
    if (length == 0 || text.size() < length)
        return {0, 0};
    std::uint32_t point = length == 1 ? first : first & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80)
            return {0, 0};
        point = point << 6 | (byte(i) & 0x3fU);
    }
    const bool shorter = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
    if (shorter || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return {0, 0};
    return {length, point};
}

/// Controls (C0, DEL, C1), line and paragraph separators, and the marks of Unicode's bidirectional algorithm
/// (UAX 9): with those a name can look like another.
bool harmful(std::uint32_t point) {
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x061c || point == 0x200e ||
           point == 0x200f || (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069) ||
           point == 0xfeff;
}

std::string escape(std::string_view bytes, bool slashes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    while (!bytes.empty()) {
        auto [length, point] = character(bytes);
        if (bytes[0] == '\\') {
            out += "\\\\";
        } else if (length == 0 || harmful(point) || (slashes && point == '/')) {
            length = std::max<std::size_t>(length, 1);
            for (const char c : bytes.substr(0, length)) {
                const auto byte = static_cast<unsigned char>(c);
                out += "\\x";
                out += digits[byte >> 4];
                out += digits[byte & 15];
            }
        } else {
            out += bytes.substr(0, length);
        }
        bytes.remove_prefix(length);
    }
    return out;
}

} // namespace

std::string shown(std::string_view bytes) {
    return escape(bytes, true);
}

std::string shown_path(std::string_view bytes) {
    return escape(bytes, false);
}

std::string bytes_of(std::string_view shown) {
    const auto digit = [](char c) { return c >= 'a' ? c - 'a' + 10 : c - '0'; };
    std::string out;
    for (std::size_t i = 0; i < shown.size(); ++i) {
        if (shown[i] == '\\' && i + 3 < shown.size() && shown[i + 1] == 'x') {
            out += static_cast<char>(digit(shown[i + 2]) << 4 | digit(shown[i + 3]));
            i += 3;
        } else {
            i += shown[i] == '\\' && i + 1 < shown.size() ? 1 : 0;
            out += shown[i];
        }
    }
    return out;
}

std::vector<std::string> components(std::string_view path) {
    std::vector<std::string> found;
    while (!path.empty()) {
        const auto part = path.substr(0, path.find('/'));
        if (!part.empty() && part != ".")
            found.emplace_back(part);
        path.remove_prefix(std::min(path.size(), part.size() + 1));
    }
    return found;
}

} // namespace bhype::look
