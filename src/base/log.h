#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace bhype::log {

enum class Level { debug, info, warning, error };

/// Makes FILE standard error, where the log goes; opened anew on reopen(), for newsyslog. Children share it.
void open(const std::string& file, Level lowest);
void reopen();
void write(Level level, std::string_view text);

template <class... Arguments>
void info(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    write(Level::info, fmt::format(format, std::forward<Arguments>(arguments)...));
}
template <class... Arguments>
void warning(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    write(Level::warning, fmt::format(format, std::forward<Arguments>(arguments)...));
}
template <class... Arguments>
void error(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    write(Level::error, fmt::format(format, std::forward<Arguments>(arguments)...));
}

} // namespace bhype::log
