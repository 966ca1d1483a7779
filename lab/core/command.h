#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace bhype::lab {

/// What follows the command's name.
using Arguments = std::vector<std::string>;

/// One of FreeBSD's commands as the lab provides it.
struct Command {
    std::string_view path;         ///< where FreeBSD keeps it
    int (*main)(const Arguments&); ///< returns the exit status
    std::string_view source;       ///< FreeBSD's file that says what the command accepts
};

/// The release that this lab is: "13.2", "14.3" or "15.0".
std::string release();

/// The number before the dot of release().
int major_release();

/// Whether devices and VM objects shall appear late and linger, as they do on a busy FreeBSD.
bool slow();

/// The lab's own files inside the lab, for root alone where it matters.
std::filesystem::path state_dir();

/// state_dir()/run: empty after each boot of the lab.
std::filesystem::path run_dir();

/// A program of the machine that the lab's own workings need and that a FreeBSD host does not have.
/// Throws std::runtime_error if the machine lacks it.
std::filesystem::path linux_program(std::string_view name);

/// A data file of the machine, such as "/usr/share/OVMF/OVMF_CODE_4M.fd", as seen from inside the lab.
std::filesystem::path linux_file(std::string_view path);

} // namespace bhype::lab
