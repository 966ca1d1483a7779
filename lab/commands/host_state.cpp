#include "lab/commands/host_state.h"

#include "lab/commands/text.h"
#include "lab/core/command.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include <fmt/format.h>

namespace bhype::lab {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t page = 4096, mebibyte = 1ULL << 20;

/// A machine's memory as QEMU's -m has it: megabytes, or with a suffix; bytes if megabytes would be absurd.
std::uint64_t machine_memory(std::string text) {
    try {
        std::size_t end = 0;
        const auto number = std::stoull(text, &end);
        const char suffix = end < text.size() ? static_cast<char>(std::tolower(text[end])) : '\0';
        switch (suffix) {
        case 'k':
            return number << 10;
        case 'm':
            return number << 20;
        case 'g':
            return number << 30;
        case 't':
            return number << 40;
        default:
            return number < mebibyte ? number * mebibyte : number;
        }
    } catch (const std::exception&) {
        return 0;
    }
}

/// The disks that a pool uses. The appliance knows; it leaves the names here, one a line.
std::set<std::string> disks_in_use() {
    std::set<std::string> names;
    std::ifstream in(run_dir() / "disks-in-use");
    for (std::string name; in >> name;)
        names.insert(name);
    return names;
}

} // namespace

const LabConfig& lab_config() {
    static const LabConfig config = load(state_dir() / "config");
    return config;
}

std::uint64_t guest_memory() {
    std::uint64_t sum = 0;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        const auto name = entry.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos)
            continue;
        const auto words = split_at(read_file(entry.path() / "cmdline"), '\0');
        // A guest's machine, as the lab's bhyve starts it.
        const bool guest = std::any_of(words.begin(), words.end(),
                                       [](const auto& word) { return word.starts_with("guest="); });
        const auto flag = std::find(words.begin(), words.end(), "-m");
        if (guest && flag != words.end() && flag + 1 != words.end())
            sum += machine_memory(*(flag + 1));
    }
    return sum;
}

std::uint64_t arc_size() {
    return std::min<std::uint64_t>(lab_config().memory / 16, 512 * mebibyte);
}

std::uint64_t arc_minimum() {
    return lab_config().memory / 32;
}

MemoryPages memory_pages() {
    const auto total = lab_config().memory;
    const auto kernel = total / 20, inactive = total / 50, active = total / 100;
    const auto wired = kernel + arc_size() + guest_memory();
    const auto taken = wired + inactive + active;
    return {total / page,
            (taken < total ? total - taken : 16 * mebibyte) / page,
            active / page,
            inactive / page,
            0,
            wired / page};
}

unsigned cpu_count() {
    return static_cast<unsigned>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
}

std::string cpu_model() {
    std::ifstream in("/proc/cpuinfo");
    for (std::string line; std::getline(in, line);)
        if (line.starts_with("model name"))
            return line.substr(line.find(':') + 2);
    return "unknown";
}

std::vector<LabDisk> lab_disks() {
    const auto in_use = disks_in_use();
    std::vector<LabDisk> disks;
    const auto& sizes = lab_config().disks;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        const auto name = "nda" + std::to_string(i);
        if (std::filesystem::exists(state_dir() / "pulled" / name))
            continue;
        disks.push_back({name, "Lab Disk", "LAB0000" + std::to_string(i), sizes[i], in_use.contains(name),
                         "nvme" + std::to_string(sizes.size() - 1 - i)});
    }
    return disks;
}

std::string geom_confxml() {
    // sys/geom/geom_dump.c; identifiers are kernel addresses, here only different from each other.
    std::string xml = "<mesh>\n  <class id=\"0xffffffff81d34a58\">\n    <name>DISK</name>\n";
    std::uint64_t id = 0xfffff80003a00000;
    auto disks = lab_disks();
    std::reverse(disks.begin(), disks.end()); // the newest comes first
    for (const auto& disk : disks) {
        const auto geom = id += 0x100, provider = id += 0x100;
        xml += fmt::format(
            "    <geom id=\"{:#x}\">\n      <class ref=\"0xffffffff81d34a58\"/>\n"
            "      <name>{}</name>\n      <rank>1</rank>\n      <config>\n      </config>\n"
            "\t<provider id=\"{:#x}\">\n\t  <geom ref=\"{:#x}\"/>\n\t  <mode>{}</mode>\n"
            "\t  <name>{}</name>\n\t  <mediasize>{}</mediasize>\n\t  <sectorsize>512</sectorsize>\n"
            "\t  <stripesize>0</stripesize>\n\t  <stripeoffset>0</stripeoffset>\n\t  <config>\n"
            "\t    <fwheads>0</fwheads>\n\t    <fwsectors>0</fwsectors>\n"
            "\t    <rotationrate>0</rotationrate>\n\t    <ident>{}</ident>\n\t    <lunid></lunid>\n"
            "\t    <descr>{}</descr>\n\t  </config>\n\t</provider>\n    </geom>\n",
            geom, disk.name, provider, geom, disk.open ? "r1w1e1" : "r0w0e0", disk.name, disk.size,
            disk.ident, disk.description);
    }
    return xml + "  </class>\n</mesh>\n";
}

} // namespace bhype::lab
