#include "lab/bhyve/devices.h"
#include "lab/bhyve/failure.h"
#include "lab/zfs/zfs.h"

#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

struct Disk {
    std::string node; ///< QEMU's name of the drive
    bool read_only;
    int logical{512}, physical{512};
    bool write_through;
};

bool power_of_two(int value) {
    return value > 0 && (value & (value - 1)) == 0;
}

/// QEMU's description of what holds the bytes.
std::string backing(const std::string& path, bool block_device) {
    if (auto volume = zvol_drive(path))
        return *volume;
    // bhyve takes no lock on its files, so QEMU must not either.
    return fmt::format("driver={},filename={},locking=off", block_device ? "host_device" : "file",
                       escaped(path));
}

/// block_if.c, blockif_open(). Throws DeviceFailure after bhyve's text.
Disk open_disk(Setup& setup, Config::Node& node, const std::string& id) {
    const Config& config = setup.config;
    Disk disk{};
    const bool direct = config.get_bool(node, "nocache", false);
    const bool keep = config.get_bool(node, "nodelete", false);
    disk.write_through = config.get_bool(node, "sync", false) || config.get_bool(node, "direct", false);
    disk.read_only = config.get_bool(node, "ro", false);
    disk.logical = disk.physical = 512;
    const auto sizes = config.get(node, "sectorsize");
    if (sizes) {
        char* end = nullptr;
        disk.logical = disk.physical = static_cast<int>(std::strtol(sizes->c_str(), &end, 10));
        bool valid = end != sizes->c_str();
        if (valid && *end == '/') {
            const char* second = end + 1;
            disk.physical = static_cast<int>(std::strtol(second, &end, 10));
            valid = end != second;
        }
        if (!valid || *end != '\0') {
            print_error(fmt::format("Invalid sector size \"{}\"", *sizes));
            throw DeviceFailure{0};
        }
    }
    const auto path = config.get(node, "path");
    if (!path) {
        print_error("Missing \"path\" for block device.");
        throw DeviceFailure{0};
    }
    Fd file(open(path->c_str(), (disk.read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK));
    if (!file && !disk.read_only) {
        file = Fd(open(path->c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        disk.read_only = true;
    }
    if (!file) {
        const int error = errno;
        bhyve_warn("Could not open backing file: " + *path, error);
        throw DeviceFailure{error};
    }
    if (sizes && (!power_of_two(disk.logical) || !power_of_two(disk.physical) || disk.logical < 512 ||
                  disk.logical > disk.physical)) {
        print_error(fmt::format("Invalid sector size {}/{}", disk.logical, disk.physical));
        throw DeviceFailure{0};
    }
    struct stat info {};
    fstat(file.get(), &info);
    disk.node = id;
    setup.add("-blockdev",
              fmt::format("{},node-name={},read-only={},discard={},cache.direct={}",
                          backing(*path, S_ISBLK(info.st_mode)), id, disk.read_only ? "on" : "off",
                          keep ? "ignore" : "unmap", direct ? "on" : "off"));
    return disk;
}

std::string sectors(const Disk& disk) {
    return fmt::format(",logical_block_size={},physical_block_size={}{}", disk.logical, disk.physical,
                       disk.write_through ? ",write-cache=off" : "");
}

std::string cut(const std::string& text, std::size_t limit) {
    return escaped(text.substr(0, limit));
}

std::string path_serial(const Config& config, const Config::Node& node) {
    const auto sum = md5(config.get(node, "path").value_or(""));
    return fmt::format("BHYVE-{}-{}-{}", sum.substr(0, 4), sum.substr(4, 4), sum.substr(8, 4));
}

void note_boot(Setup& setup, Config::Node& node, const Slot& slot, bool cd) {
    const auto text = setup.config.get(node, "bootindex");
    std::optional<int> wanted;
    if (text) {
        wanted = std::atoi(text->c_str());
        if (*wanted < 0)
            bhyve_errx(4, fmt::format("Invalid bootindex {} for pci-{}", *wanted, slot.text()));
        for (const auto& other : setup.boot)
            if (other.wanted == wanted)
                bhyve_errx(4, fmt::format("Could not set bootindex {} for pci-{}. Bootindex already occupied",
                                          *wanted, slot.text()));
    }
    setup.boot.push_back({setup.arguments.size() - 1, cd, wanted});
}

} // namespace

void init_virtio_block(Setup& setup, Config::Node& node, const Slot& slot) {
    Disk disk;
    try {
        disk = open_disk(setup, node, fmt::format("disk{}-{}", slot.slot, slot.function));
    } catch (const DeviceFailure& failure) {
        print_error("Could not open backing file: " + freebsd_error(failure.error));
        throw;
    }
    auto serial = setup.config.get(node, "serial");
    if (!serial)
        serial = setup.config.get(node, "ser");
    setup.add("-device",
              fmt::format("virtio-blk-pci,drive={}{},serial={},{}", disk.node, sectors(disk),
                          cut(serial.value_or(path_serial(setup.config, node)), 19), setup.address(slot)));
    note_boot(setup, node, slot, false);
}

void init_nvme(Setup& setup, Config::Node& node, const Slot& slot) {
    const Config& config = setup.config;
    if (const auto size = config.get(node, "qsz"); size && std::atoi(size->c_str()) <= 0) {
        print_error(fmt::format("nvme: Invalid qsz option {}", std::atoi(size->c_str())));
        throw DeviceFailure{0};
    }
    if (const auto slots = config.get(node, "ioslots"); slots && std::atoi(slots->c_str()) <= 0) {
        print_error(fmt::format("Invalid ioslots option {}", std::atoi(slots->c_str())));
        throw DeviceFailure{0};
    }
    if (config.get(node, "ram"))
        throw std::runtime_error("the lab cannot back an nvme device by memory (ram=)");
    Disk disk;
    try {
        disk = open_disk(setup, node, fmt::format("disk{}-{}", slot.slot, slot.function));
    } catch (const DeviceFailure& failure) {
        print_error("nvme: Could not open backing file: " + freebsd_error(failure.error));
        throw;
    }
    const auto sector = std::atoi(config.get(node, "sectsz").value_or("0").c_str());
    if (sector == 512 || sector == 4096 || sector == 8192) {
        disk.logical = sector;
        disk.physical = std::max(sector, disk.physical);
    }
    const auto serial = config.get(node, "ser").value_or(fmt::format("NVME-{}-{}", slot.slot, slot.function));
    setup.add("-device",
              fmt::format("nvme,drive={},logical_block_size={},physical_block_size={},serial={},{}",
                          disk.node, disk.logical, disk.physical, cut(serial, 20), setup.address(slot)));
    note_boot(setup, node, slot, false);
}

void init_ahci(Setup& setup, Config::Node& node, const Slot& slot) {
    const Config& config = setup.config;
    const auto bus = fmt::format("ahci{}-{}", slot.slot, slot.function);
    setup.add("-device", fmt::format("ich9-ahci,id={},{}", bus, setup.address(slot)));
    auto* ports = node.child("port");
    for (int port = 0; ports && port < 32; ++port) {
        auto* child = ports->child(std::to_string(port));
        const auto type = child ? config.get(*child, "type") : std::nullopt;
        if (!type)
            continue;
        const bool cd = *type != "hd";
        const auto disk = open_disk(setup, *child, fmt::format("{}-{}", bus, port));
        if (port > 5)
            throw std::runtime_error("the lab's AHCI controllers have six ports");
        if (!cd && disk.read_only)
            throw std::runtime_error("the lab cannot make a SATA disk read-only");
        auto text = fmt::format(
            "{},drive={},bus={}.{},serial={},model={},ver={}", cd ? "ide-cd" : "ide-hd", disk.node, bus, port,
            cut(config.get(*child, "ser").value_or(path_serial(config, *child)), 20),
            cut(config.get(*child, "model").value_or(cd ? "BHYVE SATA DVD ROM" : "BHYVE SATA DISK"), 40),
            cut(config.get(*child, "rev").value_or("001"), 8));
        if (!cd)
            text += sectors(disk);
        setup.add("-device", text);
        note_boot(setup, *child, slot, cd);
    }
}

} // namespace bhype::lab
