#pragma once

#include <string>
#include <vector>

namespace bhype::lab {

/// Runs a program in the caller's place: same descriptors, the given environment; returns its exit status, or
/// 128 + N if signal N ended it. A signal that ends the caller's process group reaches it too.
int run_in_place(const std::vector<std::string>& argv, const std::vector<std::string>& environment);

/// What a program wrote and how it ended.
struct Finished {
    int status{}; ///< as run_in_place() gives it
    std::string out, err;
};
/// Runs a program with that standard input and waits for it.
Finished run_captured(const std::vector<std::string>& argv, const std::string& input = {});

/// Saves the memory that argv and the environment take, so that a process can change its title as
/// setproctitle(3) does.
void save_title_memory(int argc, char** argv);

/// What ps(1) shows as the command.
void set_process_title(const std::string& title);

} // namespace bhype::lab
