#include "lab/core/command.h"

#include <unistd.h>

#include <fstream>
#include <stdexcept>

namespace bhype::lab {

namespace {

std::string first_line(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    return line;
}

} // namespace

std::filesystem::path state_dir() {
    return "/.lab";
}

std::filesystem::path run_dir() {
    return state_dir() / "run";
}

std::string release() {
    static const std::string value = first_line(state_dir() / "release");
    if (value.empty())
        throw std::runtime_error("not inside a lab: there is no " + (state_dir() / "release").string());
    return value;
}

int major_release() {
    return std::stoi(release());
}

bool slow() {
    return std::filesystem::exists(state_dir() / "slow");
}

std::filesystem::path linux_program(std::string_view name) {
    for (const char* directory : {"usr/bin", "usr/sbin", "usr/lib/qemu"}) {
        auto path = state_dir() / "linux" / directory / name;
        if (access(path.c_str(), X_OK) == 0)
            return path;
    }
    throw std::runtime_error("the lab needs " + std::string(name) + ", which this machine does not have");
}

std::filesystem::path linux_file(std::string_view path) {
    return state_dir() / "linux" / std::filesystem::path(path).relative_path();
}

} // namespace bhype::lab
