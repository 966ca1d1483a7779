#include "lab/bhyve/devices.h"

#include "lab/bhyve/failure.h"
#include "lab/bhyve/tables.h"
#include "lab/bhyve/vnc.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

/// uart_backend.c, uart_tty_open(): QEMU's chardev of a serial line, or nothing if bhyve could not open it.
std::optional<std::string> serial_backend(Setup& setup, const std::string& id, const std::string& path) {
    if (path == "stdio") {
        if (std::exchange(setup.stdio_used, true))
            return std::nullopt;
        return fmt::format("stdio,id={},signal=off", id);
    }
    if (path.starts_with("tcp") && setup.release >= 1500) {
        char address[256], port[6];
        const bool v6 = std::sscanf(path.c_str(), "tcp=[%255[^]]]:%5s", address, port) == 2;
        if (!v6 && std::sscanf(path.c_str(), "tcp=%255[^:]:%5s", address, port) != 2) {
            bhyve_warnx("Invalid number of parameter");
            return std::nullopt;
        }
        return fmt::format("socket,id={},host={},port={},server=on,wait=off", id, address, port);
    }
    const Fd line(open(path.c_str(), O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!line || !isatty(line.get()))
        return std::nullopt;
    termios settings{};
    tcgetattr(line.get(), &settings);
    cfmakeraw(&settings);
    settings.c_cflag |= CLOCAL;
    tcsetattr(line.get(), TCSANOW, &settings);
    return fmt::format("serial,id={},path={}", id, escaped(path));
}

int number(const std::optional<std::string>& text, int fallback) {
    return text ? static_cast<int>(std::strtol(text->c_str(), nullptr, 10)) : fallback;
}

} // namespace

std::string Slot::text() const {
    return fmt::format("{}:{}:{}", bus, slot, function);
}

void Setup::add(std::string option, std::string value) {
    arguments.push_back(std::move(option));
    arguments.push_back(std::move(value));
}

std::string Setup::address(const Slot& slot) const {
    if (slot.bus != 0)
        throw std::runtime_error("the lab has PCI bus 0 only");
    if (slot.slot == 31)
        throw std::runtime_error("the lab has nothing but the LPC bridge in PCI slot 31");
    return fmt::format("bus=pcie.0,addr={:#x}.{}{}", slot.slot, slot.function,
                       shared_slots.contains(slot.slot) ? ",multifunction=on" : "");
}

std::string escaped(const std::string& value) {
    std::string out;
    for (const char c : value)
        out += c == ',' ? ",," : std::string(1, c);
    return out;
}

void init_hostbridge(Setup&, Config::Node&, const Slot&) {
    // QEMU's machine has its own in slot 0.
}

void init_lpc(Setup& setup, Config::Node&, const Slot& slot) {
    if (std::exchange(setup.lpc, true)) {
        print_error("Only one LPC bridge is allowed.");
        throw DeviceFailure{0};
    }
    if (slot.bus != 0) {
        print_error("LPC bridge can be present only on bus 0.");
        throw DeviceFailure{0};
    }
    for (int unit = 0; unit < 4; ++unit) {
        const auto name = fmt::format("com{}", unit + 1);
        const auto path = setup.config.get(fmt::format("lpc.{}.path", name));
        std::string backend = "null,id=" + name;
        if (path) {
            const auto opened = serial_backend(setup, name, *path);
            if (!opened) {
                print_error(fmt::format("Unable to initialize backend '{}' for LPC device {}", *path, name));
                throw DeviceFailure{errno};
            }
            backend = *opened;
        } else if (unit > 1) {
            continue;
        }
        setup.add("-chardev", backend);
        setup.add("-device", fmt::format("isa-serial,chardev={},index={}", name, unit));
    }
}

void init_uart(Setup& setup, Config::Node& node, const Slot& slot) {
    const auto id = fmt::format("uart{}-{}", slot.slot, slot.function);
    const auto path = setup.config.get(node, "path");
    const auto backend = path ? serial_backend(setup, id, *path) : "null,id=" + id;
    if (!backend) {
        print_error(fmt::format("Unable to initialize backend '{}' for pci uart at {}:{}", *path, slot.slot,
                                slot.function));
        throw DeviceFailure{errno};
    }
    setup.add("-chardev", *backend);
    setup.add("-device", fmt::format("pci-serial,chardev={},{}", id, setup.address(slot)));
}

void init_fbuf(Setup& setup, Config::Node& node, const Slot& slot) {
    const Config& config = setup.config;
    const auto refuse = [] [[noreturn]] (const std::string& text) {
        print_error(text);
        throw DeviceFailure{0};
    };
    if (setup.vnc)
        refuse("Only one frame buffer device is allowed.");
    VncOptions options;
    options.name = setup.name;
    options.wait = config.get_bool(node, "wait", false);
    auto where = config.get(node, "rfb");
    if (!where)
        where = config.get(node, "tcp");
    if (where && where->starts_with('[')) {
        const auto close = where->find(']');
        if (close == std::string::npos || close == 1)
            refuse(fmt::format("fbuf: Invalid IPv6 address: \"{}\"", *where));
        options.host = where->substr(1, close - 1);
        const auto rest = where->substr(close + 1);
        if (rest == ":")
            refuse(fmt::format("fbuf: Missing port number: \"{}\"", *where));
        if (!rest.empty() && rest[0] != ':')
            refuse(fmt::format("fbuf: Invalid IPv6 address: \"{}\"", *where));
        options.port = rest.empty() ? 0 : std::atoi(rest.c_str() + 1);
    } else if (where) {
        const auto colon = where->find(':');
        if (colon != std::string::npos && colon + 1 == where->size())
            refuse(fmt::format("fbuf: Missing port number: \"{}\"", *where));
        if (colon != std::string::npos)
            options.host = where->substr(0, colon);
        options.port = std::atoi(where->c_str() + (colon == std::string::npos ? 0 : colon + 1));
    }
    if (const auto vga = config.get(node, "vga"); vga && *vga != "off" && *vga != "io" && *vga != "on")
        refuse(fmt::format("fbuf: Invalid vga setting: \"{}\"", *vga));
    options.width = number(config.get(node, "w"), 1024);
    options.height = number(config.get(node, "h"), 768);
    const int most_w = setup.release < 1400 ? 1920 : 3840, most_h = setup.release < 1400 ? 1200 : 2160;
    if (options.width > most_w || options.height > most_h)
        refuse(fmt::format("fbuf: max resolution is {}x{}", most_w, most_h));
    if (options.width < 640 || options.height < 480)
        refuse("fbuf: minimum resolution is 640x480");
    options.password = config.get(node, "password");
    const auto vga = config.get(node, "vga");
    if (vga && *vga == "on")
        print_error("pci_fbuf: VGA rendering not enabled");
    const auto address = setup.address(slot);
    options.screen = setup.state / "vnc";
    setup.add("-vnc", fmt::format("unix:{},share=force-shared", escaped(options.screen.string())));
    setup.add("-device", fmt::format("bochs-display,xres={},yres={},vgamem=64M,{}", options.width,
                                     options.height, address));
    // Last, as it returns only after the first client if it has to wait for one.
    setup.vnc = std::make_unique<VncServer>(options);
}

void init_9p(Setup& setup, Config::Node& node, const Slot& slot) {
    const auto read_only = setup.config.get_bool(node, "ro", false);
    const auto path = setup.config.get(node, "path");
    if (!path) {
        print_error("virtio-9p: path required");
        throw DeviceFailure{0};
    }
    const Fd root(open(path->c_str(), O_DIRECTORY | O_CLOEXEC));
    if (!root) {
        const int error = errno;
        print_error(fmt::format("virtio-9p: failed to open '{}': {}", *path, freebsd_error(error)));
        throw DeviceFailure{error};
    }
    const auto share = setup.config.get(node, "sharename");
    if (!share) {
        print_error("virtio-9p: share name required");
        throw DeviceFailure{0};
    }
    if (share->size() > 256) {
        print_error("virtio-9p: share name too long");
        throw DeviceFailure{0};
    }
    const auto id = fmt::format("share{}-{}", slot.slot, slot.function);
    setup.add("-fsdev", fmt::format("local,id={},path={},security_model=passthrough,multidevs=remap{}", id,
                                    escaped(*path), read_only ? ",readonly=on" : ""));
    setup.add("-device", fmt::format("virtio-9p-pci,fsdev={},mount_tag={},{}", id, escaped(*share),
                                     setup.address(slot)));
}

void init_console(Setup& setup, Config::Node& node, const Slot& slot) {
    const auto id = fmt::format("console{}-{}", slot.slot, slot.function);
    setup.add("-device", fmt::format("virtio-serial-pci,id={},max_ports=16,{}", id, setup.address(slot)));
    const auto* ports = node.child("port");
    for (int port = 0; ports && port < 16; ++port) {
        const auto* child = ports->child(std::to_string(port));
        if (!child)
            continue;
        const auto path = setup.config.get(*child, "path"), name = setup.config.get(*child, "name");
        if (!path) {
            print_error(fmt::format("vtcon: required path missing for port {}", port));
            throw DeviceFailure{0};
        }
        struct stat info {};
        if (lstat(path->c_str(), &info) == 0) // bind(2) would refuse it, where QEMU replaces it
            throw DeviceFailure{EADDRINUSE};
        setup.add("-chardev",
                  fmt::format("socket,id={}-{},path={},server=on,wait=off", id, port, escaped(*path)));
        setup.add("-device", fmt::format("virtserialport,bus={0}.0,nr={1},chardev={0}-{1},name={2}", id,
                                         port + 1, escaped(name.value_or(""))));
    }
}

void init_rnd(Setup& setup, Config::Node&, const Slot& slot) {
    setup.add("-device", "virtio-rng-pci," + setup.address(slot));
}

void init_xhci(Setup& setup, Config::Node& node, const Slot& slot) {
    const auto id = fmt::format("xhci{}-{}", slot.slot, slot.function);
    setup.add("-device", fmt::format("qemu-xhci,id={},{}", id, setup.address(slot)));
    const auto* slots = node.child("slot");
    if (!slots)
        return;
    for (const auto& child : slots->children) {
        const auto device = setup.config.get(child, "device");
        if (!device) {
            print_error(fmt::format("pci_xhci: missing \"device\" value for slot '{}'", child.name));
            throw DeviceFailure{0};
        }
        if (*device != "tablet") {
            print_error(fmt::format("pci_xhci: unknown device model \"{}\"", *device));
            throw DeviceFailure{0};
        }
        setup.add("-device", fmt::format("usb-tablet,bus={}.0", id));
    }
}

void init_scsi(Setup& setup, Config::Node& node, const Slot&) {
    const auto device = setup.config.get(node, "dev").value_or("/dev/cam/ctl");
    if (access(device.c_str(), F_OK) != 0) {
        const int error = errno;
        print_error(fmt::format("cannot open {}: {}", device, freebsd_error(error)));
        throw DeviceFailure{error};
    }
    throw std::runtime_error("the lab cannot emulate virtio-scsi");
}

void init_passthru(Setup& setup, Config::Node&, const Slot&) {
    if (!setup.config.get_bool("memory.wired", false)) {
        bhyve_warnx("passthru requires guest memory to be wired");
        throw DeviceFailure{0};
    }
    throw std::runtime_error("the lab cannot pass a PCI device through");
}

void init_unable(Setup& setup, Config::Node& node, const Slot&) {
    throw std::runtime_error(
        fmt::format("the lab cannot emulate {}", setup.config.get(node, "device").value_or("this device")));
}

void init_pci(Setup& setup) {
    std::map<int, int> functions;
    for (int slot = 0; slot < 32; ++slot)
        for (int function = 0; function < 8; ++function)
            if (setup.config.find(fmt::format("pci.0.{}.{}", slot, function)) && ++functions[slot] > 1)
                setup.shared_slots.insert(slot);
    for (int bus = 0; bus < 256; ++bus) {
        if (!setup.config.find(fmt::format("pci.{}", bus)))
            continue;
        for (int slot = 0; slot < 32; ++slot) {
            for (int function = 0; function < 8; ++function) {
                const Slot where{bus, slot, function};
                auto* node = setup.config.find(fmt::format("pci.{}.{}.{}", bus, slot, function));
                if (!node)
                    continue;
                const auto name = setup.config.get(*node, "device");
                const auto* device = name ? find_device(*name, setup.release) : nullptr;
                if (!name)
                    print_error(fmt::format("pci slot {}: missing \"device\" value", where.text()));
                else if (!device)
                    print_error(fmt::format("pci slot {}: unknown device \"{}\"", where.text(), *name));
                else if (!device->alias.empty())
                    print_error(fmt::format("pci slot {}: legacy device \"{}\", use \"{}\" instead",
                                            where.text(), *name, device->alias));
                else {
                    device->init(setup, *node, where);
                    continue;
                }
                throw DeviceFailure{0};
            }
        }
    }
    // Without an order of bhyve's own the firmware looks at disks before CDs. Telling it spares the search of
    // networks.
    const bool told = setup.config.get("lpc.fwcfg") == "qemu";
    std::ranges::stable_sort(setup.boot, {}, [&](const Setup::Boot& boot) {
        return std::pair(told && boot.wanted ? *boot.wanted : INT32_MAX, boot.cd);
    });
    for (int index = 0; const auto& boot : setup.boot)
        setup.arguments[boot.argument] += fmt::format(",bootindex={}", index++);
}

} // namespace bhype::lab
