#pragma once

// What the parsers of command output share.

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace bhype::host {

/// Calls `visit` with each part; an empty text has none, an ended last line gives no empty one after it.
template <class Visit>
void each_line(std::string_view text, Visit visit) {
    while (!text.empty()) {
        const auto end = text.find('\n');
        visit(text.substr(0, end));
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
    }
}

inline std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == text.npos)
            return parts;
        text.remove_prefix(end + 1);
    }
}

/// Words separated by any number of spaces and tabs.
inline std::vector<std::string_view> words(std::string_view text) {
    std::vector<std::string_view> found;
    while (true) {
        const auto begin = text.find_first_not_of(" \t\r");
        if (begin == text.npos)
            return found;
        text.remove_prefix(begin);
        const auto end = text.find_first_of(" \t\r");
        found.push_back(text.substr(0, end));
        text.remove_prefix(end == text.npos ? text.size() : end);
    }
}

inline std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t\r\n");
    if (begin == text.npos)
        return {};
    return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

template <class Number>
std::optional<Number> number(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

} // namespace bhype::host
