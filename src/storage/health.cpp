#include "storage/health.h"

#include <fmt/format.h>

#include <algorithm>

namespace bhype::storage {

namespace {

constexpr std::int64_t nearly_full = 80, full = 95;

bool is_well(const host::Vdev& vdev) {
    return vdev.state == "ONLINE" || vdev.state == "AVAIL" || vdev.state == "INUSE";
}

/// "nda1", or what a GUID stands for.
std::string called(const host::Vdev& vdev) {
    constexpr std::string_view was = "was /dev/";
    return vdev.note.starts_with(was) ? vdev.note.substr(was.size()) : vdev.name;
}

void add_device(const host::PoolState& pool, const host::Vdev& vdev, std::vector<StorageFinding>& found) {
    const auto& name = pool.name.str();
    const auto device = called(vdev);
    if (!is_well(vdev)) {
        const bool by_hand = vdev.state == "OFFLINE";
        found.push_back({"device/" + vdev.name, Severity::warning,
                         fmt::format("{} in pool {} is {}{}", device, name, vdev.state,
                                     vdev.note.empty() ? "" : " (" + vdev.note + ")"),
                         by_hand ? fmt::format("bhype pool online {} {}", name, vdev.name)
                                 : fmt::format("When the disk is back: bhype pool online {0} {1}. When it is "
                                               "gone for good: bhype pool replace {0} {1} NEWDISK",
                                               name, vdev.name)});
        return;
    }
    const auto read = vdev.read_errors.value_or(0), write = vdev.write_errors.value_or(0),
               checksum = vdev.checksum_errors.value_or(0);
    if (read + write + checksum > 0)
        found.push_back(
            {"errors/" + vdev.name, Severity::warning,
             fmt::format("{} in pool {} had {} read, {} write and {} checksum errors", device, name, read,
                         write, checksum),
             fmt::format("Look at the cable and the disk (smartctl -a /dev/{}), scrub the pool; when it "
                         "stays well: bhype pool clear {} {}",
                         device, name, vdev.name)});
}

} // namespace

bool is_encrypted(const host::PoolState& pool) {
    return !pool.encryption.empty() && pool.encryption != "off" && pool.encryption != "-";
}

bool is_locked(const host::PoolState& pool) {
    return is_encrypted(pool) && pool.key_status == "unavailable";
}

std::vector<StorageFinding> findings(const host::PoolState& pool, std::int64_t percent) {
    std::vector<StorageFinding> found;
    const auto& name = pool.name.str();
    if (is_locked(pool))
        found.push_back(
            {"locked", Severity::critical,
             fmt::format("Pool {} is locked: what is in it cannot be seen or used", name),
             pool.key_location == "prompt"
                 ? fmt::format("bhype pool unlock {} asks for its passphrase", name)
                 : fmt::format("bhype pool unlock {} reads its key from {}", name, pool.key_location)});
    if (pool.state == "DEGRADED")
        found.push_back(
            {"degraded", Severity::warning,
             fmt::format("Pool {} is degraded: everything is there, with less redundancy than "
                         "it should have",
                         name),
             pool.scan.kind == host::ScanKind::resilver && pool.scan.state == host::ScanState::running
                 ? "It is resilvering; wait for the end."
                 : pool.action});
    else if (pool.state != "ONLINE")
        found.push_back(
            {"down", Severity::critical, fmt::format("Pool {} is {}", name, pool.state), pool.action});
    for (const auto& vdev : pool.vdevs)
        if (vdev.leaf)
            add_device(pool, vdev, found);
    if (!pool.errors.empty() && pool.errors != "No known data errors")
        found.push_back(
            {"data", Severity::critical, fmt::format("Pool {} has damaged data: {}", name, pool.errors),
             fmt::format("`zpool status -v {}` names what is damaged; restore it, then scrub the pool",
                         name)});
    if (pool.scan.errors > 0)
        found.push_back({"scan", Severity::critical,
                         fmt::format("The last scan of pool {} left {} errors", name, pool.scan.errors),
                         fmt::format("`zpool status -v {}` names what is damaged", name)});
    if (percent >= nearly_full)
        found.push_back(
            {percent >= full ? "full" : "filling", percent >= full ? Severity::critical : Severity::warning,
             fmt::format("Pool {} is {} % full", name, percent),
             percent >= full ? "VMs stop when it is full: delete snapshots or VMs, or add disks"
                             : "ZFS gets slow above this: delete snapshots or VMs, or add disks"});
    std::ranges::stable_sort(found, std::greater<>(), &StorageFinding::severity);
    return found;
}

std::int64_t percent_full(const host::Pool& pool, const host::PoolState* state) {
    const auto share = [](std::uint64_t part, std::uint64_t whole) {
        return whole == 0 ? 0
                          : static_cast<std::int64_t>(100.0 * static_cast<double>(part) /
                                                      static_cast<double>(whole));
    };
    if (state && (state->used.bytes() > 0 || state->available.bytes() > 0))
        return share(state->used.bytes(), state->used.bytes() + state->available.bytes());
    return share(pool.allocated.bytes(), pool.size.bytes());
}

} // namespace bhype::storage
