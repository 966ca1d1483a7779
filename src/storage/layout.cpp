#include "storage/layout.h"

#include "host/zfs_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace bhype::storage {

namespace {

using host::PoolLayout;
using host::VdevGroup;
using host::VdevRole;

constexpr std::uint64_t sector = 4096;     // ashift 12
constexpr std::uint64_t label = 256 << 10; // vdev_impl.h: sizeof (vdev_label_t)
constexpr std::uint64_t front = 4 << 20;   // two labels and the boot block
constexpr std::uint64_t back = 2 * label;

std::uint64_t parity(PoolLayout layout) {
    switch (layout) {
    case PoolLayout::raidz1:
        return 1;
    case PoolLayout::raidz2:
        return 2;
    case PoolLayout::raidz3:
        return 3;
    case PoolLayout::stripe:
    case PoolLayout::mirror:
        break;
    }
    return 0;
}

std::uint64_t size_of(const Sizes& sizes, const DiskName& disk) {
    const auto found = sizes.find(disk);
    return found == sizes.end() ? 0 : found->second.bytes();
}

std::uint64_t smallest(const std::vector<DiskName>& disks, const Sizes& sizes) {
    std::uint64_t least = UINT64_MAX;
    for (const auto& disk : disks)
        least = std::min(least, size_of(sizes, disk));
    return disks.empty() ? 0 : least;
}

/// What a disk gives to its vdev.
std::uint64_t allocatable(std::uint64_t size) {
    size -= size % label;
    return size > front + back ? size - front - back : 0;
}

/// vdev_metaslab_set_size()
std::uint64_t metaslab(std::uint64_t allocatable) {
    const auto highbit = [](std::uint64_t value) { return static_cast<unsigned>(std::bit_width(value)); };
    constexpr unsigned usual = 29;
    const auto count = allocatable >> usual;
    auto shift = usual;
    if (count < 16)
        shift = highbit(allocatable / 16);
    else if (count > 200)
        shift = highbit(allocatable / 200);
    return std::uint64_t(1) << std::clamp(shift, 24U, 34U);
}

struct Space {
    std::uint64_t normal = 0;     ///< as a record of 128 KiB finds it
    std::uint64_t intent_log = 0; ///< metaslabs that are set aside (2.1 and later)
};

Space space_of_vdev(std::uint64_t raw, std::uint64_t columns, std::uint64_t parities) {
    const auto slab = metaslab(raw);
    const auto count = raw / slab;
    const std::uint64_t aside = count >= 64 ? 1 : 0;
    // vdev_raidz_asize() of 128 KiB: parity for each row, rounded up to whole parities and one.
    std::uint64_t record = (128 << 10) / sector, stored = record;
    if (parities > 0) {
        const auto rows = (record + columns - parities - 1) / (columns - parities);
        stored = record + rows * parities;
        stored = (stored + parities) / (parities + 1) * (parities + 1);
    }
    // vdev_deflate_ratio is a number of 512ths.
    const auto ratio = (512 * record) / stored;
    const auto deflated = [&](std::uint64_t bytes) { return bytes / 512 * ratio; };
    return {deflated((count - aside) * slab), deflated(aside * slab)};
}

void add(Space& sum, const Space& more) {
    sum.normal += more.normal;
    sum.intent_log += more.intent_log;
}

Space space_of(const VdevGroup& group, const Sizes& sizes) {
    Space sum;
    if (group.layout == PoolLayout::stripe) {
        for (const auto& disk : group.disks)
            if (const auto raw = allocatable(size_of(sizes, disk)); raw > 0)
                add(sum, space_of_vdev(raw, 1, 0));
        return sum;
    }
    const auto one = allocatable(smallest(group.disks, sizes));
    if (one == 0)
        return sum;
    const auto parities = parity(group.layout);
    const auto columns = static_cast<std::uint64_t>(group.disks.size());
    if (parities > 0 && columns <= parities)
        return sum;
    add(sum, space_of_vdev(parities > 0 ? one * columns : one, columns, parities));
    return sum;
}

std::int64_t survives(const VdevGroup& group) {
    if (group.layout == PoolLayout::mirror)
        return static_cast<std::int64_t>(group.disks.size()) - 1;
    return static_cast<std::int64_t>(parity(group.layout));
}

bool holds_data(const VdevGroup& group) {
    return group.role == VdevRole::data || group.role == VdevRole::special || group.role == VdevRole::dedup;
}

VdevGroup data(PoolLayout layout, std::vector<DiskName> disks) {
    return {VdevRole::data, layout, std::move(disks)};
}

Proposal propose(std::string name, std::string words, std::vector<VdevGroup> groups, const Sizes& sizes) {
    const auto found = capacity(groups, sizes);
    return {std::move(name), std::move(words), std::move(groups), found.usable, found.survives, false};
}

std::vector<DiskName> some(const std::vector<DiskName>& disks, std::size_t from, std::size_t count) {
    const auto begin = disks.begin() + static_cast<std::ptrdiff_t>(from);
    return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

} // namespace

Capacity capacity(const std::vector<VdevGroup>& groups, const Sizes& sizes) {
    Space sum;
    std::optional<std::int64_t> least;
    for (const auto& group : groups) {
        if (!holds_data(group))
            continue;
        if (group.role == VdevRole::data)
            add(sum, space_of(group, sizes));
        const auto here = survives(group);
        least = least ? std::min(*least, here) : here;
    }
    // spa_get_slop_space()
    constexpr std::uint64_t most = std::uint64_t(128) << 30, usual_least = 128 << 20;
    auto slop = std::min(sum.normal >> 5, most);
    slop -= std::min(sum.intent_log, slop >> 1);
    slop = std::max(slop, std::min(sum.normal >> 1, usual_least));
    return {ByteSize(sum.normal - std::min(slop, sum.normal)), least.value_or(0)};
}

std::vector<Proposal> proposals(const std::vector<DiskName>& disks, const Sizes& sizes) {
    const auto count = disks.size();
    std::vector<Proposal> all;
    if (count >= 4) {
        std::vector<VdevGroup> groups;
        for (std::size_t i = 0; i + 1 < count; i += 2)
            groups.push_back(data(PoolLayout::mirror, some(disks, i, 2)));
        const bool left = count % 2 == 1;
        if (left)
            groups.push_back({VdevRole::spare, PoolLayout::stripe, some(disks, count - 1, 1)});
        all.push_back(
            propose(fmt::format("{} mirrors{}", count / 2, left ? ", 1 spare" : ""),
                    "The fastest for VMs, whose writes are small and scattered. One disk of each pair may "
                    "fail; it grows by two disks at a time and a new disk is filled quickly.",
                    std::move(groups), sizes));
    }
    if (count == 2 || count == 3)
        all.push_back(propose(count == 2 ? "mirror" : "mirror of three",
                              "Every disk holds everything. Reads are spread over the disks.",
                              {data(PoolLayout::mirror, disks)}, sizes));
    for (const auto layout : {PoolLayout::raidz1, PoolLayout::raidz2, PoolLayout::raidz3}) {
        const auto parities = parity(layout);
        // More than twelve disks in one group take too long to be filled again.
        if (count < parities + 2 || count > 12)
            continue;
        all.push_back(propose(
            enum_name(layout),
            fmt::format("Much room, any {}. Slower than mirrors for VMs: each write goes to all "
                        "disks, and small blocks waste some of the room.",
                        parities == 1 ? "one disk may fail" : fmt::format("{} disks may fail", parities)),
            {data(layout, disks)}, sizes));
    }
    if (count >= 1)
        all.push_back(propose("stripe",
                              "All the room and no safety: the first disk that fails takes everything.",
                              {data(PoolLayout::stripe, disks)}, sizes));
    if (!all.empty())
        all.front().recommended = all.front().survives > 0;
    return all;
}

std::vector<std::string> warnings(const std::vector<VdevGroup>& groups, const Sizes& sizes) {
    std::vector<std::string> found;
    std::optional<std::int64_t> data_survives;
    for (const auto& group : groups)
        if (group.role == VdevRole::data)
            data_survives = std::min(data_survives.value_or(INT64_MAX), survives(group));
    if (data_survives == 0)
        found.emplace_back("No redundancy: the first disk that fails takes the whole pool.");
    for (const auto& group : groups) {
        if ((group.role == VdevRole::special || group.role == VdevRole::dedup) &&
            survives(group) < data_survives.value_or(0))
            found.push_back(
                fmt::format("The {} group is weaker than the data: when it is lost, the pool is lost.",
                            enum_name(group.role)));
        if (group.role == VdevRole::log && survives(group) == 0 && !group.disks.empty())
            found.emplace_back(
                "A log on a single disk: if it fails in the moment of a crash, the last seconds of "
                "synchronous writes are lost.");
        if (group.layout == PoolLayout::stripe)
            continue;
        std::uint64_t most = 0;
        for (const auto& disk : group.disks)
            most = std::max(most, size_of(sizes, disk));
        if (const auto least = smallest(group.disks, sizes); most > least + least / 50)
            found.push_back(fmt::format("Disks of different sizes in one {}: each counts as {}.",
                                        enum_name(group.layout), ByteSize(least).human()));
    }
    return found;
}

void judge(const std::optional<host::PoolEncryption>& encryption, bool plan,
           std::vector<FieldProblem>& problems) {
    if (!encryption)
        return;
    const bool passphrase = encryption->key == host::KeyKind::passphrase;
    if (passphrase && !encryption->secret && !plan)
        problems.push_back({"encryption.secret", "is missing: POST /api/v1/secrets takes the passphrase and "
                                                 "gives what belongs here"});
    if (!passphrase && encryption->secret)
        problems.push_back({"encryption.secret", "leave it out: bHype makes the key file itself"});
}

std::string warning(const host::PoolEncryption& encryption) {
    return encryption.key == host::KeyKind::passphrase
               ? "After each boot the pool is closed until somebody gives the passphrase. "
                 "Nobody can open it without."
               : "The key lies on this host's own disks in " + host::key_directory.str() +
                     ": keep a copy elsewhere. Nobody can open the pool without it.";
}

} // namespace bhype::storage
