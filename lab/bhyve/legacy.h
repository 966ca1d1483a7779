#pragma once

#include "lab/bhyve/config.h"

#include <string>

namespace bhype::lab {

/// What follows the emulation's name in `-s`, put into the configuration: one function per grammar, each
/// named in the table of devices. `options` is null if nothing follows. False after having printed why not.
/// A name without a value is true; names that the device does not know are kept and ignored, as bhyve does.
bool legacy_plain(Config::Node& node, const std::string* options);   ///< name=value or name, by commas
bool legacy_block(Config::Node& node, const std::string* options);   ///< PATH first
bool legacy_nvme(Config::Node& node, const std::string* options);    ///< ram=MiB or PATH first
bool legacy_ahci(Config::Node& node, const std::string* options);    ///< hd:PATH or cd:PATH, for each port
bool legacy_ahci_hd(Config::Node& node, const std::string* options); ///< PATH of port 0
bool legacy_ahci_cd(Config::Node& node, const std::string* options); ///< PATH of port 0
bool legacy_net(Config::Node& node, const std::string* options);     ///< backend first
bool legacy_9p(Config::Node& node, const std::string* options);      ///< SHARE=PATH
bool legacy_console(Config::Node& node, const std::string* options); ///< NAME=PATH for each port
bool legacy_scsi(Config::Node& node, const std::string* options);    ///< device first
bool legacy_input(Config::Node& node, const std::string* options);   ///< path first, required
bool legacy_path(Config::Node& node, const std::string* options);    ///< all of it is the path
bool legacy_xhci(Config::Node& node, const std::string* options);    ///< a device for each slot
bool legacy_passthru(Config::Node& node, const std::string* options);

/// The argument of `-s`. False after having printed why not; bhyve then exits 4.
bool parse_slot(Config& config, const std::string& argument, int release);

/// The argument of `-l`. False if bhyve would call it an invalid configuration; may leave by Exit.
bool parse_lpc(Config& config, const std::string& argument, int release);

} // namespace bhype::lab
