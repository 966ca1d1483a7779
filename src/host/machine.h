#pragma once

// A VM's definition, the content of vm.toml (vm.toml(5)): what belongs to the guest and travels with it.

#include "base/json.h"

namespace bhype::host {

enum class DiskKind { nvme, virtio_blk, ahci_hd };
BOOST_DESCRIBE_ENUM(DiskKind, nvme, virtio_blk, ahci_hd)
enum class NicKind { virtio_net, e1000 };
BOOST_DESCRIBE_ENUM(NicKind, virtio_net, e1000)
enum class Firmware { uefi };
BOOST_DESCRIBE_ENUM(Firmware, uefi)
enum class Clock { utc, localtime };
BOOST_DESCRIBE_ENUM(Clock, utc, localtime)

/// PCI slot on bus 0. 0 is the host bridge, 31 the LPC bridge, 28 virtio-rnd, 29 the screen, 30 the xhci
/// controller.
using Slot = Ranged<1, 27>;

struct MachineDisk {
    DeviceName name; ///< the volume DATASET/NAME
    Slot slot;
    DiskKind kind = DiskKind::nvme;
    std::string serial; ///< 1 to 20 of [A-Za-z0-9-]; kept, since the guest names disks by it
};
BOOST_DESCRIBE_STRUCT(MachineDisk, (), (name, slot, kind, serial))

struct MachineNic {
    DeviceName name;
    Slot slot;
    NicKind kind = NicKind::virtio_net;
    MacAddress mac;
    SwitchName switch_;
    std::optional<Ipv4Address> address; ///< that its switch's DHCP keeps for it
};
BOOST_DESCRIBE_STRUCT(MachineNic, (), (name, slot, kind, mac, switch_, address))

struct MachineCd {
    DeviceName name;
    Slot slot;
    HostPath image;
};
BOOST_DESCRIBE_STRUCT(MachineCd, (), (name, slot, image))

struct MachineScreen {
    Ranged<640, 1920> width = 1024;
    Ranged<480, 1200> height = 768;
};
BOOST_DESCRIBE_STRUCT(MachineScreen, (), (width, height))

struct Machine {
    Ranged<1, 1> version = 1;             ///< of this format
    Uuid id;                              ///< SMBIOS UUID, for ever
    Ranged<1, 1000000000> generation = 1; ///< counts changes
    std::string created_from;             ///< template's name, for people
    Note note;
    std::vector<Tag> tags;    ///< at most 16, each once
    Ranged<1, 1024> cpus = 1; ///< one socket, that many cores
    SizeBetween<32, 16777216> memory = 256_MiB;
    bool wired = false;
    Firmware firmware = Firmware::uefi;
    Clock clock = Clock::utc;
    bool tablet = true;                  ///< xhci tablet: an absolute pointer
    std::optional<MachineScreen> screen; ///< none: serial line only
    std::vector<MachineDisk> disks;
    std::vector<MachineNic> nics;
    std::vector<MachineCd> cds;
};
BOOST_DESCRIBE_STRUCT(Machine, (),
                      (version, id, generation, created_from, note, tags, cpus, memory, wired, firmware,
                       clock, tablet, screen, disks, nics, cds))

/// vm.toml's text to a Machine and back. Throws Error(invalid_field) with every problem, slots and names used
/// twice included, or Error(invalid_request) with the line of a syntax error.
Machine parse_machine(std::string_view toml);
std::string print_machine(const Machine& machine);
/// Tags that are too many or there twice; the fields are "tags" and "tags[1]".
std::vector<FieldProblem> tag_problems(const std::vector<Tag>& tags);
/// Every problem of a definition, those that single fields cannot show included: a slot or a device name used
/// twice, a serial that bhyve -s cannot take. bhyve_command() takes no definition that has any.
std::vector<FieldProblem> machine_problems(const Machine& machine);

/// The lowest free slot from `first` on. Throws Error(vm_refused) when none is left.
Slot free_slot(const Machine& machine, int first);

} // namespace bhype::host
