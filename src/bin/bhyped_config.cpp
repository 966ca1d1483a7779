#include "bin/bhyped_config.h"

#include "base/toml.h"

#include <filesystem>

namespace bhype::bin {

Config read_config(const std::string& path) {
    std::error_code error;
    if (!std::filesystem::exists(path, error) && !error)
        return {};
    return decode_file<Config>(path);
}

} // namespace bhype::bin
