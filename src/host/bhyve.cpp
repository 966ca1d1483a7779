#include "host/bhyve.h"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <cctype>

namespace bhype::host {

std::string firmware_place(std::string_view file) {
    // The first holds symbolic links of the package's own.
    for (const std::string directory : {"/usr/local/share/uefi-firmware/", "/usr/local/share/edk2-bhyve/"}) {
        auto place = directory + std::string(file);
        if (::access(place.c_str(), F_OK) == 0)
            return place;
    }
    return {};
}

namespace {

constexpr int slot_random = 28;
constexpr int slot_screen = 29;
constexpr int slot_xhci = 30;
constexpr int slot_lpc = 31;

const HostPath* path_of(const Runtime& runtime, const DeviceName& disk) {
    for (const auto& entry : runtime.disks)
        if (entry.device == disk)
            return &entry.path;
    return nullptr;
}

const InterfaceName* tap_of(const Runtime& runtime, const DeviceName& nic) {
    for (const auto& entry : runtime.taps)
        if (entry.nic == nic)
            return &entry.tap;
    return nullptr;
}

bool is_tap(const InterfaceName& name) {
    const std::string_view text = name.str();
    return text.starts_with("tap") && text.size() > 3 && text.find_first_not_of("0123456789", 3) == text.npos;
}

void check(const Machine& machine, const Runtime& runtime) {
    auto problems = machine_problems(machine);
    Problems more;
    Runtime again;
    decode_into(encode(runtime), again, more);
    if (runtime.osreldate < 1302000)
        more.add("osreldate", fmt::format("{} is older than FreeBSD 13.2", runtime.osreldate));
    for (const auto& disk : machine.disks)
        if (path_of(runtime, disk.name) == nullptr)
            more.add("disks", disk.name.str() + " has no path on this host");
    for (const auto& nic : machine.nics) {
        const auto* tap = tap_of(runtime, nic.name);
        if (tap == nullptr)
            more.add("taps", nic.name.str() + " has no tap");
        else if (!is_tap(*tap))
            more.add("taps", tap->str() + " is not named tapN");
    }
    problems.insert(problems.end(), more.found().begin(), more.found().end());
    if (!problems.empty())
        throw Error(Code::vm_refused, runtime.vm.str(), std::move(problems));
}

Command bhyvectl(const VmName& vm, std::string action) {
    return {.program = Program::bhyvectl,
            .arguments = {"--vm=" + vm.str(), std::move(action)},
            .input = std::nullopt,
            .deadline = std::chrono::seconds(20)};
}

} // namespace

Command bhyve_command(const Machine& machine, const Runtime& runtime) {
    check(machine, runtime);
    Command command{.program = Program::bhyve, .arguments = {}, .input = std::nullopt};
    auto& argv = command.arguments;
    const auto option = [&](const char* letter, std::string value) {
        argv.emplace_back(letter);
        argv.push_back(std::move(value));
    };

    // -A does nothing any more in 15 and is needed before; -w: guests read MSRs that bhyve does not know.
    argv = {"-A", "-H", "-P", "-w"};
    if (machine.clock == Clock::utc)
        argv.emplace_back("-u");
    if (machine.wired)
        argv.emplace_back("-S");
    // All four: what is left out defaults to something that does not multiply up.
    option("-c", fmt::format("cpus={0},sockets=1,cores={0},threads=1", machine.cpus.value));
    option("-m", fmt::format("{}M", machine.memory.value.mebibytes()));
    option("-U", machine.id.str());

    std::vector<std::pair<std::int64_t, std::string>> devices{
        {0, "hostbridge"}, {slot_random, "virtio-rnd"}, {slot_lpc, "lpc"}};
    for (const auto& disk : machine.disks)
        devices.emplace_back(disk.slot, fmt::format("{},{},ser={}", enum_name(disk.kind),
                                                    path_of(runtime, disk.name)->str(), disk.serial));
    for (const auto& nic : machine.nics)
        devices.emplace_back(nic.slot, fmt::format("{},{},mac={}", enum_name(nic.kind),
                                                   tap_of(runtime, nic.name)->str(), nic.mac.str()));
    for (const auto& cd : machine.cds)
        devices.emplace_back(cd.slot, fmt::format("ahci-cd,{},ro", cd.image.str()));
    if (machine.screen)
        devices.emplace_back(slot_screen,
                             fmt::format("fbuf,tcp=127.0.0.1:{},w={},h={}", runtime.vnc_port.value,
                                         machine.screen->width.value, machine.screen->height.value));
    if (machine.tablet)
        devices.emplace_back(slot_xhci, "xhci,tablet");
    std::sort(devices.begin(), devices.end());
    for (const auto& [slot, device] : devices)
        option("-s", fmt::format("{},{}", slot, device));

    option("-l", std::string(serial_line) + runtime.tty.str());
    option("-l", "bootrom," + runtime.firmware.str() + ',' + runtime.variables.str());
    // After -s, which refuses a slot that the file has named already (pci_emul.c).
    if (machine.screen)
        option("-k", runtime.config_file.str());
    argv.push_back(runtime.vm.str());
    return command;
}

std::string bhyve_config(const Secret& vnc_password) {
    const auto& text = vnc_password.reveal();
    if (text.empty() || text.size() > 8 ||
        !std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x80 && std::isalnum(c); }))
        throw Error(Code::internal, "a VNC password must be 1 to 8 letters and digits");
    return fmt::format("pci.0.{}.0.password={}\n", slot_screen, text);
}

Command bhyvectl_destroy(const VmName& vm) {
    return bhyvectl(vm, "--destroy");
}
Command bhyvectl_force_poweroff(const VmName& vm) {
    return bhyvectl(vm, "--force-poweroff");
}
Command bhyvectl_force_reset(const VmName& vm) {
    return bhyvectl(vm, "--force-reset");
}

} // namespace bhype::host
