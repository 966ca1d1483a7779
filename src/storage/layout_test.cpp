#include "host/zpool.h"
#include "storage/layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace bhype::storage {
namespace {

using host::PoolLayout;
using host::VdevGroup;
using host::VdevRole;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<DiskName> disks(std::size_t count, std::size_t from = 0) {
    std::vector<DiskName> names;
    for (std::size_t i = 0; i < count; ++i)
        names.push_back(DiskName::from("nda" + std::to_string(from + i)));
    return names;
}

Sizes all_of(std::size_t count, ByteSize size) {
    Sizes sizes;
    for (const auto& disk : disks(count))
        sizes.emplace(disk, size);
    return sizes;
}

ByteSize usable(PoolLayout layout, std::size_t count, ByteSize size) {
    return capacity({{VdevRole::data, layout, disks(count)}}, all_of(count, size)).usable;
}

double of_raw(PoolLayout layout, std::size_t count) {
    return static_cast<double>(usable(layout, count, ByteSize(std::uint64_t(4) << 40)).bytes()) /
           static_cast<double>(std::uint64_t(4) << 40);
}

TEST(Layout, HoldsWhatZfsWouldHold) {
    // A thirty-second, at most 128 GiB (as of 4 TiB), is kept back; labels and rounding take next to nothing.
    EXPECT_NEAR(of_raw(PoolLayout::stripe, 1), 31.0 / 32, 0.01);
    EXPECT_NEAR(of_raw(PoolLayout::mirror, 3), 31.0 / 32, 0.01);
    // Records of 128 KiB in sectors of 4 KiB: 32 of data; 3 disks of raidz1: 16 of parity, whole pairs: 48.
    EXPECT_NEAR(of_raw(PoolLayout::raidz1, 3), 3 * 32.0 / 48 - 1.0 / 32, 0.02);
    // 6 disks of raidz2: 8 rows with 2 parities each: 48 in all.
    EXPECT_NEAR(of_raw(PoolLayout::raidz2, 6), 6 * 32.0 / 48 - 1.0 / 32, 0.02);
    EXPECT_EQ(usable(PoolLayout::mirror, 2, 20_GiB), usable(PoolLayout::stripe, 1, 20_GiB));
    EXPECT_EQ(usable(PoolLayout::stripe, 1, ByteSize(1000)), ByteSize(0));
    EXPECT_EQ(capacity({}, {}).usable, ByteSize(0));
}

TEST(Layout, CountsTheSmallestDiskAndTheWeakestGroup) {
    Sizes sizes = all_of(4, 40_GiB);
    sizes[DiskName::from("nda1")] = 20_GiB;
    EXPECT_EQ(capacity({{VdevRole::data, PoolLayout::mirror, disks(2)}}, sizes).usable,
              usable(PoolLayout::mirror, 2, 20_GiB));
    const auto two = capacity({{VdevRole::data, PoolLayout::mirror, disks(3)},
                               {VdevRole::special, PoolLayout::stripe, disks(1, 3)}},
                              sizes);
    EXPECT_EQ(two.survives, 0);
    EXPECT_EQ(capacity({{VdevRole::data, PoolLayout::raidz2, disks(4)}}, sizes).survives, 2);
    EXPECT_EQ(capacity({{VdevRole::data, PoolLayout::mirror, disks(2)},
                        {VdevRole::spare, PoolLayout::stripe, disks(1, 2)}},
                       sizes)
                  .survives,
              1);
}

TEST(Layout, ProposesWhatZpoolTakes) {
    EXPECT_THAT(proposals({}, {}), IsEmpty());
    for (std::size_t count = 1; count <= 24; ++count) {
        const auto sizes = all_of(count, 100_GiB);
        const auto found = proposals(disks(count), sizes);
        ASSERT_FALSE(found.empty());
        std::set<std::string> names;
        for (const auto& one : found) {
            EXPECT_THAT(host::group_problems(one.groups, "groups"), IsEmpty()) << count << ' ' << one.name;
            std::multiset<DiskName> used;
            for (const auto& group : one.groups)
                used.insert(group.disks.begin(), group.disks.end());
            const auto all = disks(count);
            EXPECT_EQ(used, std::multiset<DiskName>(all.begin(), all.end()))
                << "each disk once: " << one.name;
            EXPECT_GT(one.usable.bytes(), 0U);
            EXPECT_TRUE(names.insert(one.name).second) << one.name << " twice";
            EXPECT_EQ(one.recommended, &one == &found.front() && one.survives > 0);
        }
        EXPECT_EQ(found.front().survives > 0, count > 1);
    }
    EXPECT_EQ(proposals(disks(5), all_of(5, 100_GiB)).front().name, "2 mirrors, 1 spare");
}

TEST(Layout, WarnsOfWhatItLoses) {
    auto sizes = all_of(4, 40_GiB);
    EXPECT_THAT(warnings({{VdevRole::data, PoolLayout::stripe, disks(2)}}, sizes),
                ElementsAre(HasSubstr("No redundancy")));
    EXPECT_THAT(warnings({{VdevRole::data, PoolLayout::mirror, disks(2)}}, sizes), IsEmpty());
    EXPECT_THAT(warnings({{VdevRole::data, PoolLayout::mirror, disks(2)},
                          {VdevRole::special, PoolLayout::stripe, disks(1, 2)}},
                         sizes),
                ElementsAre(HasSubstr("weaker than the data")));
    EXPECT_THAT(warnings({{VdevRole::data, PoolLayout::mirror, disks(2)},
                          {VdevRole::log, PoolLayout::stripe, disks(1, 2)}},
                         sizes),
                ElementsAre(HasSubstr("log on a single disk")));
    sizes[DiskName::from("nda1")] = 20_GiB;
    EXPECT_THAT(warnings({{VdevRole::data, PoolLayout::mirror, disks(2)}}, sizes),
                ElementsAre(HasSubstr("each counts as 20G")));
}

} // namespace
} // namespace bhype::storage
