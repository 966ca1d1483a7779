#include "lab/commands/commands.h"
#include "lab/commands/host_state.h"
#include "lab/commands/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

/// humanize_number(3) with five columns, as sbin/geom/core/geom.c prints sizes: "20G", "466G", "1.8T".
std::string humanized(std::uint64_t bytes) {
    static constexpr std::array suffixes{"B", "K", "M", "G", "T", "P", "E"};
    double value = static_cast<double>(bytes);
    std::size_t power = 0;
    while (value >= 999.5 && power + 1 < suffixes.size()) {
        value /= 1024;
        ++power;
    }
    if (power > 0 && value < 9.95)
        return fmt::format("{:.1f}{}", value, suffixes[power]);
    return fmt::format("{:.0f}{}", value, suffixes[power]);
}

void print_disk(const LabDisk& disk) {
    std::cout << fmt::format(
        "Geom name: {0}\nProviders:\n1. Name: {0}\n   Mediasize: {1} ({2})\n   Sectorsize: 512\n"
        "   Mode: {3}\n   descr: {4}\n   ident: {5}\n   rotationrate: 0\n   fwsectors: 0\n"
        "   fwheads: 0\n\n",
        disk.name, disk.size, humanized(disk.size), disk.open ? "r1w1e1" : "r0w0e0", disk.description,
        disk.ident);
}

void print_attributes(const LabDisk& disk, const std::string& called) {
    std::cout << called << '\n';
    const auto line = [](const std::string& value, const std::string& label) {
        std::cout << fmt::format("\t{:<12}\t# {}\n", value, label);
    };
    line("512", "sectorsize");
    line(std::to_string(disk.size), "mediasize in bytes (" + humanized(disk.size) + ")");
    line(std::to_string(disk.size / 512), "mediasize in sectors");
    line("0", "stripesize");
    line("0", "stripeoffset");
    line(disk.description, "Disk descr.");
    line(disk.ident, "Disk ident.");
    line(disk.controller, "Attachment");
    line("Yes", "TRIM/UNMAP support");
    line("0", "Rotation rate in RPM");
    std::cout << '\n';
}

} // namespace

/// usr.sbin/diskinfo/diskinfo.c: "diskinfo -v DISK ..." alone. It ends at a disk that it cannot open.
int diskinfo_main(const Arguments& arguments) {
    const auto options = parse_options(arguments, "cipsStvw");
    if (options.bad() || options.rest.empty()) {
        complain("diskinfo", options);
        std::cerr << "usage: diskinfo [-cipsStvw] disk ...\n";
        return 1;
    }
    if (options.options.size() != 1 || !options.has('v'))
        throw std::runtime_error("anything but -v is not provided by the lab");
    const auto disks = lab_disks();
    for (const auto& called : options.rest) {
        const auto name = called.starts_with("/dev/") ? called.substr(5) : called;
        const auto found =
            std::find_if(disks.begin(), disks.end(), [&](const auto& disk) { return disk.name == name; });
        if (found == disks.end()) {
            std::cout.flush();
            std::cerr << "diskinfo: " << called << ": No such file or directory\n";
            return 1;
        }
        print_attributes(*found, called);
    }
    return 0;
}

/// sbin/geom/core/geom.c: "geom disk list [-a] [NAME ...]" alone.
int geom_main(const Arguments& arguments) {
    if (arguments.size() < 2) {
        std::cerr << "usage: geom <class> help\n       geom <class> <command> [options]\n       geom -p "
                     "<provider>\n"
                     "       geom -t\n";
        return 1;
    }
    std::string geom_class = arguments[0];
    std::transform(geom_class.begin(), geom_class.end(), geom_class.begin(),
                   [](unsigned char c) { return std::toupper(c); });
    if (geom_class != "DISK" || arguments[1] != "list")
        throw std::runtime_error("the lab has geom disk list alone");
    const auto options = parse_options({arguments.begin() + 2, arguments.end()}, "a");
    if (options.bad()) {
        complain("geom", options);
        return 1;
    }
    const auto disks = lab_disks();
    if (options.rest.empty()) {
        for (const auto& disk : disks)
            print_disk(disk);
        return 0;
    }
    for (std::string name : options.rest) {
        if (name.starts_with("/dev/"))
            name.erase(0, 5);
        const auto found =
            std::find_if(disks.begin(), disks.end(), [&](const auto& disk) { return disk.name == name; });
        if (found == disks.end()) {
            std::cout.flush();
            std::cerr << fmt::format("geom: Class '{}' does not have an instance named '{}'.\n", "DISK",
                                     name);
            return 1;
        }
        print_disk(*found);
    }
    return 0;
}

} // namespace bhype::lab
