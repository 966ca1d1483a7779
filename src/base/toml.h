#pragma once

#include "base/json.h"

namespace bhype {

/// TOML to the JSON value that decode() takes, so that files and requests are checked by one decoder.
/// Dates and times become text. Throws Error(bad_configuration) with `source` and the line of a syntax error.
json::value parse_toml(std::string_view text, std::string_view source);

/// Reads a file of at most 1 MiB, then parses and decodes it. Throws Error(bad_configuration) that names the
/// file and every problem.
json::value read_toml(const std::string& path);

template <class T>
T decode_file(const std::string& path) {
    try {
        return decode<T>(read_toml(path));
    } catch (const Error& error) {
        if (error.code() == Code::invalid_field)
            throw Error(Code::bad_configuration, path, error.problems());
        throw;
    }
}

} // namespace bhype
