#pragma once

#include <string>

namespace CLI {
class App;
}

namespace bhype::cli {

/// A completion script for bash, zsh or fish made from the program's own commands and options; names of VMs,
/// tasks and templates come from `bhype ... list -H`. sh(1) of FreeBSD has no programmable completion: its
/// script says so.
std::string completion_script(const CLI::App& app, const std::string& shell);

} // namespace bhype::cli
