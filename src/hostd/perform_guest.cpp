#include "hostd/context.h"

#include "host/bhyve.h"
#include "host/facts.h"
#include "host/ifconfig.h"
#include "host/interface.h"
#include "os/files.h"
#include "os/tty.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <set>

namespace bhype::hostd {

namespace {

using namespace std::chrono_literals;

HostPath firmware() {
    const auto place = host::firmware_place(host::firmware_code);
    if (place.empty())
        throw Error(Code::vm_file_missing, "BHYVE_UEFI_CODE.fd of package edk2-bhyve");
    return HostPath::from(place);
}

/// Nobody listens there now; the password keeps others out of what begins to.
std::int64_t free_port(std::int64_t first) {
    static std::mutex choosing;
    static std::int64_t last = 0;
    const std::lock_guard lock(choosing);
    for (std::int64_t i = 1; i <= 1000; ++i) {
        const auto port = first + (last + i) % 1000;
        const Fd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int reuse = 1; // as bhyve does: a connection in TIME_WAIT does not count
        ::setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
        if (::bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
            last = port - first;
            return port;
        }
    }
    throw Error(Code::vm_refused, "no free port for the screen");
}

void check_taps(Context& context, const host::GuestStart& operation, const host::Machine& machine) {
    const auto interfaces = context.interfaces();
    for (const auto& [nic, tap] : operation.taps) {
        const auto wanted = host::tap_description(operation.vm, nic);
        bool good = false;
        for (const auto& interface : interfaces)
            good = good || (interface.name == tap && interface.description == wanted &&
                            host::in_group(interface, host::interface_group));
        if (!good)
            throw Error(Code::policy,
                        tap.str() + " is not the tap of " + operation.vm.str() + "'s " + nic.str());
    }
    static_cast<void>(machine);
}

void check_media(const Config& config, const host::Machine& machine) {
    check_media_places(config, machine);
    for (const auto& cd : machine.cds) {
        // Whoever may write a symbolic link there may choose the file: the directories are root's.
        struct stat facts {};
        if (::lstat(cd.image.str().c_str(), &facts) != 0 || !S_ISREG(facts.st_mode))
            throw Error(Code::vm_file_missing, cd.image.str());
    }
}

/// bhyve opens a disk read-only without a word when it may not write it (block_if.c).
void check_disks(const host::Machine& machine, const std::string& base) {
    for (const auto& disk : machine.disks) {
        const auto path = base + "/" + disk.name.str();
        const Fd probe(::open(path.c_str(), O_RDWR | O_CLOEXEC));
        if (!probe)
            throw Error(errno == ENOENT ? Code::vm_file_missing : Code::vm_refused,
                        path + ": " + std::strerror(errno));
    }
}

/// The kernel's VM object that an earlier life of ours has left. Another's of the same name is not touched.
/// False when that one is there.
bool remove_object(Context& context, const VmName& vm) {
    if (!std::filesystem::exists(context.house.paths.vmm + "/" + vm.str()))
        return true;
    if (!context.house.guests.has_run(vm))
        return false;
    context.command(host::bhyvectl_destroy(vm));
    return true;
}

} // namespace

void check_media_places(const Config& config, const host::Machine& machine) {
    for (const auto& cd : machine.cds)
        if (std::ranges::none_of(config.image_directories, [&](const HostPath& allowed) {
                return cd.image.str().starts_with(allowed.str() + "/");
            }))
            throw Error(Code::policy, cd.image.str() + " is in no image directory of hostd.toml");
}

BHYPE_PERFORM(GuestList) {
    static_cast<void>(operation);
    return context.house.guests.list();
}

BHYPE_PERFORM(GuestStart) {
    is_of(operation.dataset, operation.vm);
    context.require(inside(operation.dataset).pool);
    auto& guests = context.house.guests;
    if (guests.alive(operation.vm))
        throw Error(Code::vm_running, operation.vm.str());

    Keepsakes keep;
    keep.dataset = context.house.tree.open(operation.dataset);
    const auto text = os::read_file(keep.dataset.get(), "vm.toml", 1 << 20);
    if (!text)
        throw Error(Code::vm_file_missing, operation.dataset.str() + ": vm.toml");
    const auto machine = host::parse_machine(*text);
    const auto zvol = context.house.paths.zvol + "/" + operation.dataset.str();
    // A volume may take a while to open: beside the rest, until something changes.
    auto disks = std::async(std::launch::async, [&] { check_disks(machine, zvol); });
    check_taps(context, operation, machine);
    check_media(context.house.config, machine);
    {
        const Fd variables = os::open_beneath(keep.dataset.get(), "uefi-vars.fd", O_RDWR);
        struct stat facts {};
        if (::fstat(variables.get(), &facts) != 0 || !S_ISREG(facts.st_mode))
            throw Error(Code::policy, "uefi-vars.fd is no file");
    }

    const auto ask = host::sysctl_get({"kern.osreldate"});
    const auto sysctl = host::parse_sysctl(ask, context.command(ask));
    const auto release = sysctl.find("kern.osreldate");

    disks.get();
    // Memory of another size could not be used again.
    if (!remove_object(context, operation.vm))
        throw Error(Code::policy, "a VM named " + operation.vm.str() + " runs that is not bHype's");

    guests.forget(operation.vm);
    const auto directory = guests.directory(operation.vm);
    std::filesystem::create_directory(directory);
    std::filesystem::permissions(directory, std::filesystem::perms(0700));
    const Fd run_directory = os::open_directory(directory);

    auto pty = os::open_pty();
    const Secret password(random_hex(4));
    host::Runtime runtime;
    runtime.vm = operation.vm;
    runtime.osreldate = release == sysctl.end() ? 0 : std::atoll(release->second.c_str());
    for (const auto& disk : machine.disks)
        runtime.disks.push_back({disk.name, HostPath::from(zvol + "/" + disk.name.str())});
    runtime.taps = operation.taps;
    runtime.tty = HostPath::from(pty.path);
    runtime.vnc_port = free_port(context.house.config.first_vnc_port);
    runtime.config_file = HostPath::from(directory + "/bhyve.conf");
    runtime.firmware = firmware();
    const auto root = context.house.paths.root == "/" ? std::string("/") : context.house.paths.root + "/";
    runtime.variables = HostPath::from(root + operation.dataset.str() + "/uefi-vars.fd");
    const auto command = host::bhyve_command(machine, runtime);

    vmd::Run run;
    run.vm = operation.vm.str();
    run.arguments = {std::string(host::path(command.program))};
    run.arguments.insert(run.arguments.end(), command.arguments.begin(), command.arguments.end());
    for (const auto& tap : operation.taps)
        run.taps.push_back(tap.tap.str());
    if (machine.screen) {
        run.vnc_port = runtime.vnc_port;
        run.vnc_password = password.reveal();
        run.width = machine.screen->width;
        run.height = machine.screen->height;
        os::write_file(run_directory.get(), "bhyve.conf", host::bhyve_config(password), 0600);
    }
    run.generation = machine.generation;
    run.group = static_cast<std::int64_t>(context.house.tree.group());
    run.vmm = context.house.paths.vmm;
    os::write_file(run_directory.get(), "dataset", operation.dataset.str(), 0600);
    os::write_file(run_directory.get(), vmd::run_file, run.fields().print(), 0600);
    keep.master = std::move(pty.master);
    keep.slave = std::move(pty.slave);
    const auto began = std::chrono::steady_clock::now();
    const auto told = [&](int status, const std::string& words) {
        context.ran(
            {host::display(command), status, words,
             std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began)
                 .count()});
    };
    try {
        auto guest = guests.start(operation.vm, operation.dataset, std::move(keep));
        told(0, "");
        return guest;
    } catch (const Error& error) {
        told(1, error.detail());
        throw;
    }
}

namespace {

/// Asks a vmd for something that it answers with the guest's status.
host::Guest changed(Context& context, const VmName& vm, vmd::Kind kind, vmd::Fields fields,
                    std::chrono::milliseconds patience) {
    auto& guests = context.house.guests;
    const auto answer = guests.ask(vm, kind, std::move(fields), patience);
    const auto guest = guests.put(vm, vmd::Status::from(answer));
    if (!guest)
        throw Error(Code::vm_not_running, vm.str());
    return *guest;
}

} // namespace

BHYPE_PERFORM(GuestStop) {
    return changed(context, operation.vm, vmd::Kind::stop,
                   {{"seconds", std::to_string(std::int64_t(operation.seconds))}}, 5s);
}

BHYPE_PERFORM(GuestKill) {
    if (context.house.guests.alive(operation.vm))
        return changed(context, operation.vm, vmd::Kind::kill, {}, 25s);
    host::Guest none;
    none.vm = operation.vm;
    return context.house.guests.find(operation.vm).value_or(none);
}

BHYPE_PERFORM(GuestReset) {
    return changed(context, operation.vm, vmd::Kind::reset, {}, 5s);
}

BHYPE_PERFORM(GuestForget) {
    if (context.house.guests.alive(operation.vm))
        throw Error(Code::vm_running, operation.vm.str());
    remove_object(context, operation.vm);
    context.house.guests.forget(operation.vm);
    return {};
}

BHYPE_PERFORM(GuestLog) {
    is_of(operation.dataset, operation.vm);
    context.require(inside(operation.dataset).pool);
    const Fd directory = context.house.tree.open(operation.dataset);
    const auto text =
        os::read_tail(directory.get(), "bhyve.log", static_cast<std::size_t>(std::int64_t(operation.bytes)));
    return {text.value_or("")};
}

BHYPE_PERFORM(ConsoleOpen) {
    const auto answer = context.house.guests.ask(
        operation.vm, vmd::Kind::console,
        {{"kind", enum_name(operation.kind)}, {"mode", enum_name(operation.mode)}}, 5s, &context.output);
    if (!context.output)
        throw Error(Code::vmd_away, "it gave no descriptor");
    return {answer.number("viewers")};
}

} // namespace bhype::hostd
