#pragma once

#include "lab/bhyve/config.h"

#include <span>
#include <string>
#include <string_view>

namespace bhype::lab {

struct Setup;
struct Slot;

/// "14.3" as 1403.
int release_number(std::string_view release);

/// A release from which and one before which something exists; empty means always.
struct Releases {
    std::string_view since;
    std::string_view before;

    bool contains(int release) const;
};

/// One of bhyve's option letters.
struct OptionRow {
    char letter;
    bool argument;
    Releases releases;
    std::string_view usage; ///< its lines in the usage text, without the indent; empty: not in it
    std::string_view source;
};

/// One emulation of `-s`. `legacy` puts what follows its name into the configuration and returns false after
/// having printed why not; `init` sets the device up, as far as the lab can.
struct DeviceRow {
    std::string_view name;
    std::string_view alias; ///< the emulation that it is kept as; empty: its own name
    Releases releases;
    bool (*legacy)(Config::Node& node, const std::string* options);
    void (*init)(Setup& setup, Config::Node& node, const Slot& slot);
    std::string_view source;
};

/// One name of `-l`.
struct LpcRow {
    std::string_view name;
    Releases releases;
    std::string_view source;
};

/// A network backend, chosen by how its name begins.
struct BackendRow {
    std::string_view prefix;
    Releases releases;
    bool able; ///< whether the lab has it
    std::string_view source;
};

std::span<const OptionRow> option_rows();
std::span<const DeviceRow> device_rows();
std::span<const LpcRow> lpc_rows();
std::span<const BackendRow> backend_rows();

/// Absent if that release has no such emulation.
const DeviceRow* find_device(std::string_view name, int release);

} // namespace bhype::lab
