#pragma once

// Secrets in requests.

#include "base/json.h"
#include "base/secret.h"

namespace bhype {

/// Read from requests, never written to answers.
template <>
struct Codec<Secret> {
    static void decode(const json::value& from, Secret& to, Problems& problems) {
        if (from.is_string() && from.get_string().size() <= 1024)
            to = Secret(std::string(from.get_string()));
        else
            problems.add("must be text of at most 1024 bytes");
    }
    static json::value schema() {
        return {{"type", "string"}, {"format", "password"}, {"maxLength", 1024}, {"writeOnly", true}};
    }
};

} // namespace bhype
