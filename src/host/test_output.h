#pragma once

// For tests of parsers: what a command printed, and how a refusal reads.

#include "host/command.h"

#include <functional>

namespace bhype::host::test {

inline Output printed(std::string out, int status = 0, std::string err = {}) {
    Output output;
    output.exit_status = status;
    output.out = std::move(out);
    output.err = std::move(err);
    return output;
}

inline std::string error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

} // namespace bhype::host::test
