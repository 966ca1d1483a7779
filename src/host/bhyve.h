#pragma once

// bhyve(8) and bhyvectl(8): from a definition to the command line.

#include "base/secret.h"
#include "host/command.h"
#include "host/operations.h"

namespace bhype::host {

constexpr const char* firmware_code = "BHYVE_UEFI_CODE.fd";
constexpr const char* firmware_variables = "BHYVE_UEFI_VARS.fd";
/// Where the package edk2-bhyve, or its older form, has put one of its files; empty when it has not.
std::string firmware_place(std::string_view file);

/// What -l says before the serial line's pty.
inline constexpr std::string_view serial_line = "com1,";

struct DevicePath {
    DeviceName device;
    HostPath path; ///< /dev/zvol/POOL/bhype/vm/NAME/disk0
};
BOOST_DESCRIBE_STRUCT(DevicePath, (), (device, path))

/// What a definition becomes on this host, this time.
struct Runtime {
    VmName vm;
    std::int64_t osreldate = 0; ///< kern.osreldate; before 13.2 (1302000) is refused
    std::vector<DevicePath> disks;
    std::vector<NicTap> taps; ///< tapN: bhyve tells the kind of a network backend by its name
    HostPath tty;             ///< of the first serial line, as -l com1 takes it
    Ranged<1, 65535> vnc_port = 5900;
    HostPath config_file; ///< what bhyve_config() gives, mode 0600; used when there is a screen
    HostPath firmware;    ///< BHYVE_UEFI_CODE.fd
    HostPath variables;   ///< the VM's own copy of BHYVE_UEFI_VARS.fd
};
BOOST_DESCRIBE_STRUCT(Runtime, (),
                      (vm, osreldate, disks, taps, tty, vnc_port, config_file, firmware, variables))

/// bhyve's command line. The short options mean the same from 13.2 to 15, the configuration keys do not, so
/// everything goes there but the screen's password. Throws Error(vm_refused) with every problem: those of the
/// definition, disks without a path, NICs without a tap. The deadline of the Command means nothing.
Command bhyve_command(const Machine& machine, const Runtime& runtime);

/// The configuration file for -k: the screen's VNC password, 1 to 8 letters and digits (rfb.c cuts at 8).
/// Throws Error(internal) for anything else.
std::string bhyve_config(const Secret& vnc_password);

Command bhyvectl_destroy(const VmName& vm);        ///< after bhyve has ended; look at /dev/vmm afterwards
Command bhyvectl_force_poweroff(const VmName& vm); ///< bhyve then exits with 1
Command bhyvectl_force_reset(const VmName& vm);    ///< bhyve then exits with 0

} // namespace bhype::host
