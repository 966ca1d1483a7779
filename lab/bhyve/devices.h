#pragma once

#include "base/fd.h"
#include "lab/bhyve/config.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace bhype::lab {

class VariableStore;
class VncServer;

/// Where a device is on the PCI bus.
struct Slot {
    int bus, slot, function;

    std::string text() const; ///< "B:S:F"
};

/// A machine while its devices are being set up: what QEMU will be started with.
struct Setup {
    Config& config;
    int release;
    std::string name;            ///< the VM's
    std::filesystem::path state; ///< the VM object's folder
    std::set<int> shared_slots;  ///< those with more than one function

    std::vector<std::string> arguments;
    std::vector<Fd> inherited; ///< descriptors that QEMU gets under their own numbers
    std::unique_ptr<VncServer> vnc;
    std::unique_ptr<VariableStore> variables;
    bool lpc{false}, stdio_used{false};

    /// A drive's place in the firmware's order is known only when all are.
    struct Boot {
        std::size_t argument; ///< index of the device's text
        bool cd;
        std::optional<int> wanted;
    };
    std::vector<Boot> boot;

    void add(std::string option, std::string value);
    /// "bus=...,addr=..." of a device's slot.
    std::string address(const Slot& slot) const;
};

/// One for each emulation that the lab has. Texts and order of checks are bhyve's; a refusal leaves by
/// DeviceFailure or Exit, what the lab alone cannot do by std::runtime_error.
void init_ahci(Setup& setup, Config::Node& node, const Slot& slot);
void init_nvme(Setup& setup, Config::Node& node, const Slot& slot);
void init_virtio_block(Setup& setup, Config::Node& node, const Slot& slot);
void init_virtio_net(Setup& setup, Config::Node& node, const Slot& slot);
void init_e1000(Setup& setup, Config::Node& node, const Slot& slot);
void init_fbuf(Setup& setup, Config::Node& node, const Slot& slot);
void init_lpc(Setup& setup, Config::Node& node, const Slot& slot);
void init_uart(Setup& setup, Config::Node& node, const Slot& slot);
void init_9p(Setup& setup, Config::Node& node, const Slot& slot);
void init_console(Setup& setup, Config::Node& node, const Slot& slot);
void init_rnd(Setup& setup, Config::Node& node, const Slot& slot);
void init_xhci(Setup& setup, Config::Node& node, const Slot& slot);
void init_hostbridge(Setup& setup, Config::Node& node, const Slot& slot);
void init_scsi(Setup& setup, Config::Node& node, const Slot& slot);
void init_passthru(Setup& setup, Config::Node& node, const Slot& slot);
/// For those that bhyve has and the lab has not.
void init_unable(Setup& setup, Config::Node& node, const Slot& slot);

/// All devices in the order of their slots, then the order of boot.
void init_pci(Setup& setup);

/// A value within QEMU's comma-separated options.
std::string escaped(const std::string& value);

/// What bhyve makes of names where it was given none; MD5 of the text in hexadecimal, capitals.
std::string md5(const std::string& text);

} // namespace bhype::lab
