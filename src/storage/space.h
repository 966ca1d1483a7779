#pragma once

// Who uses what of a pool, limits to it, and disks that grow.

#include "vm/endpoints.h"

namespace bhype::storage {

/// What a VM, or all that is of one kind, takes.
struct SpaceItem {
    std::string name; ///< "web1", or "templates", "other VMs", "the rest of the pool"
    std::optional<VmName> vm;
    ByteSize live;           ///< what its disks and definition hold
    ByteSize snapshots;      ///< what only snapshots hold
    ByteSize reserved;       ///< kept free for it
    ByteSize logical;        ///< before compression
    ByteSize quota;          ///< 0: none
    ByteSize reservation;    ///< 0: none
    std::string compression; ///< of a VM's disks: "lz4"; all that they have, "lz4, off"
    std::string blocks;      ///< volblocksize, as above: "16K"
};
BOOST_DESCRIBE_STRUCT(SpaceItem, (),
                      (name, vm, live, snapshots, reserved, logical, quota, reservation, compression, blocks))

struct SpaceView {
    PoolName pool;
    ByteSize used;
    ByteSize available;
    std::int64_t floor = 0;       ///< percent: with less free, nothing is started that writes
    std::vector<SpaceItem> items; ///< the largest first
};
BOOST_DESCRIBE_STRUCT(SpaceView, (), (pool, used, available, floor, items))

/// `visible`: whether the caller may see that VM; the others are summed up.
SpaceView space_view(const PoolName& pool, const std::vector<host::SpaceUse>& uses,
                     const std::function<bool(const VmName&)>& visible);

struct SetFloor {
    Ranged<0, 95> percent; ///< of the pool; 0: none
};
BOOST_DESCRIBE_STRUCT(SetFloor, (), (percent))

struct LimitVm {
    std::optional<ByteSize> quota;       ///< with snapshots; 0: none
    std::optional<ByteSize> reservation; ///< 0: none
};
BOOST_DESCRIBE_STRUCT(LimitVm, (), (quota, reservation))

struct GrowDisk {
    ByteSize size;
    bool plan = false; ///< tell what would be done, also inside of the guest, do nothing
};
BOOST_DESCRIBE_STRUCT(GrowDisk, (), (size, plan))

struct GrowPlan {
    std::vector<std::string> steps;
    std::vector<std::string> inside; ///< what is to be done in the guest then, in order
    std::vector<std::string> problems;
};
BOOST_DESCRIBE_STRUCT(GrowPlan, (), (steps, inside, problems))

/// What a guest of that family does so that it uses a disk that has grown. `device`: as it sees the disk.
std::vector<std::string> inside_the_guest(templates::Family family, host::DiskKind kind, std::size_t number);

struct SpaceServices {
    vm::Services& vms;
    std::function<std::optional<PoolName>()> pool;
    std::function<std::int64_t()> floor;
    std::function<void(std::int64_t)> set_floor;
};
/// /api/v1/space, /vms/{name}/limits, /vms/{name}/disks/{disk}/grow. `services` must outlive the router.
void add_space_endpoints(api::Router& router, SpaceServices& services);
/// vm.limit, vm.grow
void add_space_tasks(task::Tasks& tasks, vm::Inventory& inventory, vm::Keeper& keeper);

} // namespace bhype::storage
