#pragma once

#include "lab/bhyve/devices.h"
#include "lab/bhyve/options.h"

#include <sys/types.h>

namespace bhype::lab {

/// QEMU's whole command line but the program: the machine bhyve would be, its devices from `setup`. `monitor`
/// is the descriptor of QMP's socket.
std::vector<std::string> qemu_arguments(const Setup& setup, const Topology& topology, std::uint64_t memory,
                                        int monitor);

/// Checks and maps boot ROM and variables as bootrom.c does, printing its texts. False if bhyve would not go
/// on.
bool load_bootrom(Setup& setup);

/// Starts QEMU so that it dies with this thread, however that ends, and hears no signal meant for bhyve.
pid_t start_qemu(const Setup& setup, const std::vector<std::string>& arguments, int monitor);

} // namespace bhype::lab
