#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace bhype::lab {

/// What a lab is made of; kept in its folder, so that it boots the same way again.
struct LabConfig {
    std::string release{"14.3"};
    std::vector<std::uint64_t> disks; ///< sizes in bytes of nda0, nda1, ...
    std::uint64_t memory{8ULL << 30}; ///< hw.physmem, bytes
    unsigned nics{1};                 ///< network cards em0, em1, ...
    bool slow{false};                 ///< devices appear late and linger
    std::uint16_t port{0};            ///< on 127.0.0.1; 0 until one has been chosen
    std::filesystem::path appliance;  ///< image of the machine behind zfs(8); empty: no ZFS
    std::vector<std::filesystem::path>
        shares; ///< folders of the machine seen inside at the same place, read-only
};

/// The files of one lab, as seen from the machine. Everything that a lab leaves on the machine is in `dir`.
struct Layout {
    std::filesystem::path dir;

    std::filesystem::path config() const { return dir / "lab.conf"; }
    std::filesystem::path pid() const { return dir / "pid"; }
    std::filesystem::path console() const { return dir / "console.log"; }
    std::filesystem::path root() const { return dir / "root"; }
    std::filesystem::path state() const { return root() / ".lab"; }
    /// Names of disks that were taken out.
    std::filesystem::path pulled() const { return state() / "pulled"; }
    std::filesystem::path disk(std::size_t number) const {
        return state() / "disks" / ("nda" + std::to_string(number));
    }
};

void save(const Layout& layout, const LabConfig& config);
LabConfig load(const std::filesystem::path& file);

/// "20G", "512M", "8192K" or bytes, in powers of 1024. Throws std::invalid_argument.
std::uint64_t parse_size(const std::string& text);

/// Throws std::invalid_argument for what is no number of network cards.
unsigned parse_nics(const std::string& text);

/// "2x20G,1x5G" as a list of sizes. Throws std::invalid_argument.
std::vector<std::uint64_t> parse_disks(const std::string& text);

/// The running lab of a folder: the id of its first process on the machine, and a descriptor of that process.
struct RunningLab {
    int pid{-1};
    int pidfd{-1};
};

/// Absent if no lab is up in that folder.
std::optional<RunningLab> running(const Layout& layout);

/// Notes which process is the lab's first one.
void note_running(const Layout& layout, int pid);

/// Ends all processes of the lab at once, as a loss of power does, and waits until they are gone.
void kill_lab(const RunningLab& lab);

} // namespace bhype::lab
