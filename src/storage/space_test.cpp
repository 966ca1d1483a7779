#include "storage/space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bhype::storage {
namespace {

using testing::HasSubstr;

host::SpaceUse use(const char* dataset, std::uint64_t data, std::uint64_t snapshots = 0,
                   std::uint64_t reserved = 0) {
    host::SpaceUse one;
    one.dataset = dataset;
    one.by_data = ByteSize(data);
    one.by_snapshots = ByteSize(snapshots);
    one.by_reservation = ByteSize(reserved);
    one.used = ByteSize(data + snapshots + reserved);
    return one;
}

TEST(Space, IsSummedUpByVm) {
    auto web1 = use("tank/bhype/vm/web1", 1);
    web1.quota = 50_GiB;
    web1.logical = ByteSize(700);
    const std::vector<host::SpaceUse> uses{use("tank", 5),
                                           use("tank/bhype", 6),
                                           use("tank/bhype/template/tiny", 30),
                                           web1,
                                           use("tank/bhype/vm/web1/disk0", 100, 50, 7),
                                           use("tank/bhype/vm/web1/disk1", 100, 0, 0),
                                           use("tank/bhype/vm/theirs", 1000, 1),
                                           use("tank/home", 9)};
    const auto view =
        space_view(PoolName::from("tank"), uses, [](const VmName& name) { return name.str() == "web1"; });
    ASSERT_EQ(view.items.size(), 4U);
    EXPECT_EQ(view.items[0].name, "other VMs");
    EXPECT_EQ(view.items[0].live, ByteSize(1000));
    EXPECT_FALSE(view.items[0].vm) << "a VM that one may not see has no name";
    EXPECT_EQ(view.items[1].name, "web1");
    EXPECT_EQ(view.items[1].live, ByteSize(201));
    EXPECT_EQ(view.items[1].snapshots, ByteSize(50));
    EXPECT_EQ(view.items[1].reserved, ByteSize(7));
    EXPECT_EQ(view.items[1].quota, 50_GiB);
    EXPECT_EQ(view.items[1].logical, ByteSize(700));
    EXPECT_EQ(view.items[2].name, "templates");
    EXPECT_EQ(view.items[3].live, ByteSize(20));
}

TEST(Space, TellsEachFamilyWhatToDo) {
    using host::DiskKind;
    using templates::Family;
    const auto first = [](Family family, DiskKind kind, std::size_t number) {
        return inside_the_guest(family, kind, number).front();
    };
    EXPECT_THAT(first(Family::linux_, DiskKind::virtio_blk, 1), HasSubstr("/dev/vdb"));
    EXPECT_THAT(first(Family::linux_, DiskKind::nvme, 0), HasSubstr("/dev/nvme0n1"));
    EXPECT_THAT(first(Family::freebsd, DiskKind::virtio_blk, 0), HasSubstr("gpart recover vtbd0"));
    EXPECT_THAT(first(Family::windows, DiskKind::nvme, 0), HasSubstr("Rescan"));
    EXPECT_FALSE(inside_the_guest(Family::other, DiskKind::nvme, 0).empty());
}

} // namespace
} // namespace bhype::storage
