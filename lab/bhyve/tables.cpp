#include "lab/bhyve/tables.h"

#include "lab/bhyve/devices.h"
#include "lab/bhyve/legacy.h"

#include <algorithm>
#include <charconv>

namespace bhype::lab {

namespace {

// Sources are files of usr.sbin/bhyve; "13" is a stable/13 of 13.2's time, "15" is 15.1-RELEASE. Where only
// one of the two was read, what lies between follows bhyve(8).
constexpr OptionRow options[] = {
    {'A', false, {"", "15.0"}, "-A: create ACPI tables", "13: bhyverun.c main(); default off"},
    {'A', false, {"15.0", ""}, "", "15: amd64/bhyverun_machdep.c bhyve_optparse(): no operation"},
    {'a',
     false,
     {},
     "-a: local apic is in xAPIC mode (deprecated)",
     "13: bhyverun.c; 15: amd64/bhyverun_machdep.c"},
    {'C', false, {}, "-C: include guest memory in core file", "13: bhyverun.c; 15: amd64/bhyverun_machdep.c"},
    {'c',
     true,
     {},
     "-c: number of CPUs and/or topology specification",
     "13, 15: bhyverun.c topology_parse()"},
    {'D', false, {}, "-D: destroy on power-off", "13: bhyverun.c; 15: amd64/bhyverun_machdep.c"},
    {'e', false, {}, "-e: exit on unhandled I/O access", "13: bhyverun.c; 15: amd64/bhyverun_machdep.c"},
    {'f', true, {"14.0", ""}, "", "bhyve.8 of 14.0; 15: qemu_fwcfg.c qemu_fwcfg_parse_cmdline_arg()"},
    {'G', true, {}, "-G: start a debug server", "13, 15: bhyverun.c parse_gdb_options()"},
    {'H', false, {}, "-H: vmexit from the guest on HLT", "13: bhyverun.c; 15: amd64/bhyverun_machdep.c"},
    {'h', false, {}, "-h: help", "13: bhyverun.c; 15: amd64/bhyverun_machdep.c"},
    {'I', false, {}, "", "13: bhyverun.c; 15: amd64/bhyverun_machdep.c: no operation"},
    {'k', true, {}, "-k: key=value flat config file", "13, 15: bhyverun.c parse_simple_config_file()"},
    {'K', true, {}, "-K: PS2 keyboard layout", "13: bhyverun.c; 15: amd64/bhyverun_machdep.c"},
    {'l', true, {}, "-l: LPC device configuration", "13: pci_lpc.c; 15: amd64/pci_lpc.c lpc_device_parse()"},
    {'m', true, {}, "-m: memory size", "lib/libvmmapi/vmmapi.c vm_parse_memsize()"},
    {'n', true, {"15.0", ""}, "-n: NUMA domain specification", "15: bhyverun.c bhyve_numa_parse()"},
    {'o', true, {}, "-o: set config 'var' to 'value'", "13, 15: bhyverun.c parse_config_option()"},
    {'P', false, {}, "-P: vmexit from the guest on pause", "13: bhyverun.c; 15: amd64/bhyverun_machdep.c"},
    {'p', true, {}, "-p: pin 'vcpu' to 'hostcpu'", "13, 15: bhyverun.c pincpu_parse()"},
    {'S', false, {}, "-S: guest memory cannot be swapped", "13: bhyverun.c; 15: amd64/bhyverun_machdep.c"},
    {'s', true, {}, "-s: <slot,driver,configinfo> PCI slot config", "13, 15: pci_emul.c pci_parse_slot()"},
    {'U', true, {}, "-U: UUID", "13: bhyverun.c; 15: amd64/bhyverun_machdep.c"},
    {'u', false, {}, "-u: RTC keeps UTC time", "13: bhyverun.c; 15: amd64/bhyverun_machdep.c"},
    {'W',
     false,
     {},
     "-W: force virtio to use single-vector MSI",
     "13: bhyverun.c; 15: amd64/bhyverun_machdep.c"},
    {'w', false, {}, "-w: ignore unimplemented MSRs", "13: bhyverun.c; 15: amd64/bhyverun_machdep.c"},
    {'x', false, {}, "-x: local APIC is in x2APIC mode", "13: bhyverun.c; 15: amd64/bhyverun_machdep.c"},
    {'Y', false, {}, "-Y: disable MPtable generation", "13: bhyverun.c; 15: amd64/bhyverun_machdep.c"},
};

// In the order of `-s help`, which is that in which the files are linked (Makefile).
constexpr DeviceRow devices[] = {
    {"ahci", "", {}, legacy_ahci, init_ahci, "pci_ahci.c"},
    {"ahci-hd", "ahci", {}, legacy_ahci_hd, init_ahci, "pci_ahci.c"},
    {"ahci-cd", "ahci", {}, legacy_ahci_cd, init_ahci, "pci_ahci.c"},
    {"e1000", "", {}, legacy_net, init_e1000, "pci_e82545.c"},
    {"dummy", "", {}, legacy_plain, init_unable, "pci_emul.c"},
    {"fbuf", "", {}, legacy_plain, init_fbuf, "pci_fbuf.c"},
    {"hda", "", {}, legacy_plain, init_unable, "pci_hda.c"},
    {"amd_hostbridge", "", {}, legacy_plain, init_hostbridge, "pci_hostbridge.c"},
    {"hostbridge", "", {}, legacy_plain, init_hostbridge, "pci_hostbridge.c"},
    {"lpc", "", {}, legacy_plain, init_lpc, "13: pci_lpc.c; 15: amd64/pci_lpc.c"},
    {"nvme", "", {}, legacy_nvme, init_nvme, "pci_nvme.c"},
    {"passthru", "", {}, legacy_passthru, init_passthru, "pci_passthru.c"},
    {"uart", "", {}, legacy_path, init_uart, "pci_uart.c"},
    {"virtio-9p", "", {}, legacy_9p, init_9p, "pci_virtio_9p.c"},
    {"virtio-blk", "", {}, legacy_block, init_virtio_block, "pci_virtio_block.c"},
    {"virtio-console", "", {}, legacy_console, init_console, "pci_virtio_console.c"},
    {"virtio-input", "", {"14.0", ""}, legacy_input, init_unable, "bhyve.8 of 14.0; pci_virtio_input.c"},
    {"virtio-net", "", {}, legacy_net, init_virtio_net, "pci_virtio_net.c"},
    {"virtio-rnd", "", {}, legacy_plain, init_rnd, "pci_virtio_rnd.c"},
    {"virtio-scsi", "", {}, legacy_scsi, init_scsi, "pci_virtio_scsi.c"},
    {"xhci", "", {}, legacy_xhci, init_xhci, "pci_xhci.c"},
};

// In the order of `-l help`.
constexpr LpcRow lpc[] = {
    {"bootrom", {}, "13: pci_lpc.c lpc_print_supported_devices(); 15: amd64/pci_lpc.c"},
    {"com1", {}, "13: pci_lpc.c; 15: amd64/pci_lpc.c"},
    {"com2", {}, "13: pci_lpc.c; 15: amd64/pci_lpc.c"},
    {"com3", {}, "13: pci_lpc.c; 15: amd64/pci_lpc.c"},
    {"com4", {}, "13: pci_lpc.c; 15: amd64/pci_lpc.c"},
    {"tpm", {"14.0", ""}, "bhyve.8 of 14.0; 15: amd64/pci_lpc.c"},
    {"pc-testdev", {}, "13: pci_lpc.c; 15: amd64/pci_lpc.c"},
};

constexpr BackendRow backends[] = {
    {"tap", {}, true, "net_backends.c tap_backend"},
    {"vmnet", {}, true, "net_backends.c vmnet_backend"},
    {"netgraph", {"13.1", ""}, false, "net_backend_netgraph.c"},
    {"slirp", {"14.1", ""}, false, "15: net_backend_slirp.c"},
    {"netmap", {}, false, "net_backend_netmap.c"},
    {"vale", {}, false, "net_backend_netmap.c"},
};

} // namespace

int release_number(std::string_view release) {
    int major = 0, minor = 0;
    const auto end = release.data() + release.size();
    const auto dot = std::from_chars(release.data(), end, major).ptr;
    if (dot != end)
        std::from_chars(dot + 1, end, minor);
    return major * 100 + minor;
}

bool Releases::contains(int release) const {
    return (since.empty() || release >= release_number(since)) &&
           (before.empty() || release < release_number(before));
}

std::span<const OptionRow> option_rows() {
    return options;
}

std::span<const DeviceRow> device_rows() {
    return devices;
}

std::span<const LpcRow> lpc_rows() {
    return lpc;
}

std::span<const BackendRow> backend_rows() {
    return backends;
}

const DeviceRow* find_device(std::string_view name, int release) {
    const auto row = std::ranges::find_if(devices, [&](const DeviceRow& device) {
        return device.name == name && device.releases.contains(release);
    });
    return row == std::end(devices) ? nullptr : row;
}

} // namespace bhype::lab
