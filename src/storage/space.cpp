#include "storage/space.h"

#include <algorithm>
#include <map>

namespace bhype::storage {

namespace {

void add(SpaceItem& item, const host::SpaceUse& use) {
    item.live = ByteSize(item.live.bytes() + use.by_data.bytes());
    item.snapshots = ByteSize(item.snapshots.bytes() + use.by_snapshots.bytes());
    item.reserved = ByteSize(item.reserved.bytes() + use.by_reservation.bytes());
}

void add_word(std::string& words, const std::string& word) {
    if ((", " + words + ",").find(", " + word + ",") == std::string::npos)
        words += (words.empty() ? "" : ", ") + word;
}

std::uint64_t total(const SpaceItem& item) {
    return item.live.bytes() + item.snapshots.bytes() + item.reserved.bytes();
}

} // namespace

SpaceView space_view(const PoolName& pool, const std::vector<host::SpaceUse>& uses,
                     const std::function<bool(const VmName&)>& visible) {
    SpaceView view;
    view.pool = pool;
    std::map<std::string, SpaceItem> vms;
    SpaceItem templates{.name = "templates"}, others{.name = "other VMs"},
        rest{.name = "the rest of the pool"};
    const auto below_vms = pool.str() + "/bhype/vm/";
    const auto below_templates = pool.str() + "/bhype/template";
    for (const auto& use : uses) {
        if (use.dataset == pool.str())
            view.used = use.used;
        if (use.dataset.starts_with(below_vms)) {
            const auto path = use.dataset.substr(below_vms.size());
            const auto name = VmName::parse(path.substr(0, path.find('/')));
            if (!name || !visible(*name)) {
                add(others, use);
                continue;
            }
            auto& item = vms[name->str()];
            item.name = name->str();
            item.vm = name;
            add(item, use);
            if (path == name->str()) {
                item.logical = use.logical;
                item.quota = use.quota;
                item.reservation = use.reservation;
            }
            if (use.volume) {
                add_word(item.compression, use.compression);
                add_word(item.blocks, use.volblocksize.str());
            }
        } else if (use.dataset.starts_with(below_templates)) {
            add(templates, use);
        } else {
            add(rest, use);
        }
    }
    for (auto& [name, item] : vms)
        view.items.push_back(std::move(item));
    for (auto* sum : {&templates, &others, &rest})
        if (total(*sum) > 0)
            view.items.push_back(std::move(*sum));
    std::ranges::stable_sort(view.items, std::greater<>(), total);
    return view;
}

std::vector<std::string> inside_the_guest(templates::Family family, host::DiskKind kind, std::size_t number) {
    const bool nvme = kind == host::DiskKind::nvme;
    const auto n = std::to_string(number);
    const auto letter = std::string(1, static_cast<char>('a' + number % 26));
    switch (family) {
    case templates::Family::linux_: {
        const auto disk = nvme ? "nvme" + n + "n1" : "vd" + letter;
        return {"lsblk /dev/" + disk + " shows the new size",
                "growpart /dev/" + disk + " 1 (or the partition's number)",
                "resize2fs, xfs_growfs or btrfs filesystem resize max, as its file system is"};
    }
    case templates::Family::freebsd: {
        const auto disk = nvme ? "nda" + n : "vtbd" + n;
        return {"gpart recover " + disk,
                "gpart resize -i N " + disk + ", N the partition's index in gpart show",
                "growfs /dev/" + disk + "pN for UFS, or zpool online -e POOL " + disk + "pN"};
    }
    case templates::Family::openbsd:
        return {"fdisk and disklabel see the new size after a reboot",
                "disklabel -E sd" + n + ", then growfs on the partition"};
    case templates::Family::windows:
        return {"Disk Management, Action, Rescan Disks",
                "Extend Volume; a recovery partition in the way has to go first"};
    case templates::Family::other:
        break;
    }
    return {"make the partition and its file system larger with the guest's own tools"};
}

} // namespace bhype::storage
