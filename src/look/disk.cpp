#include "look/disk.h"

#include "look/names.h"

#include <algorithm>
#include <array>

namespace bhype::look {

namespace {

using host::LookPartition;

constexpr std::size_t most_partitions = 128;

/// One set of types at a time: libtsk's own guess gives up when two of them seem to fit, and tries some that
/// hardly say no.
constexpr std::array readable_types{TSK_FS_TYPE_EXT_DETECT,     TSK_FS_TYPE_NTFS_DETECT,
                                    TSK_FS_TYPE_FFS_DETECT,     TSK_FS_TYPE_FAT_DETECT,
                                    TSK_FS_TYPE_ISO9660_DETECT, TSK_FS_TYPE_HFS_DETECT};

FileSystem try_file_system(Image& image, std::uint64_t offset) {
    for (const auto type : readable_types) {
        FileSystem found(::tsk_fs_open_img(image.tsk(), static_cast<TSK_OFF_T>(offset), type));
        if (found)
            return found;
        ::tsk_error_reset();
    }
    return nullptr;
}

std::string type_of(const TSK_FS_INFO& system) {
    switch (system.ftype) {
    case TSK_FS_TYPE_FFS1:
    case TSK_FS_TYPE_FFS1B:
        return "ufs1";
    case TSK_FS_TYPE_FFS2:
        return "ufs2";
    case TSK_FS_TYPE_HFS:
        return "hfs+";
    default:
        const char* name = ::tsk_fs_type_toname(system.ftype);
        return name ? name : "unknown";
    }
}

/// What is known by its first bytes and not read here.
struct Foreign {
    std::uint64_t at;
    std::string_view magic;
    const char* name;
    const char* what; ///< as a sentence begins
};
using namespace std::string_view_literals;
constexpr std::array foreign{
    Foreign{0, "LUKS\xba\xbe"sv, "luks", "It is encrypted with LUKS"},
    Foreign{3, "-FVE-FS-"sv, "bitlocker", "It is encrypted with BitLocker"},
    Foreign{0, "XFSB"sv, "xfs", "XFS is not read here"},
    Foreign{0x10040, "_BHRfS_M"sv, "btrfs", "btrfs is not read here"},
    Foreign{0x200, "LABELONE"sv, "lvm", "LVM is not read here"},
    Foreign{0, "LABELONE"sv, "lvm", "LVM is not read here"},
    Foreign{0x400, "\x10\x20\xf5\xf2"sv, "f2fs", "F2FS is not read here"},
    Foreign{32, "NXSB"sv, "apfs", "APFS is not read here"},
    Foreign{3, "ReFS"sv, "refs", "ReFS is not read here"},
    Foreign{0xff6, "SWAPSPACE2"sv, "swap", "It is swap space"},
};

/// A ZFS label has its uberblocks from 128 KiB on, 1 KiB apart or more (vdev_impl.h), in either byte order.
bool is_zfs(const Image& image, std::uint64_t offset) {
    const auto ring = image.read(offset + (128 << 10), 128 << 10);
    for (std::size_t at = 0; at + 8 <= ring.size(); at += 1024) {
        const auto magic = std::string_view(ring).substr(at, 8);
        if (magic == "\x0c\xb1\xba\x00\x00\x00\x00\x00"sv || magic == "\x00\x00\x00\x00\x00\xba\xb1\x0c"sv)
            return true;
    }
    return false;
}

const Foreign* foreign_at(const Image& image, std::uint64_t offset) {
    for (const auto& one : foreign)
        if (image.read(offset + one.at, one.magic.size()) == one.magic)
            return &one;
    return nullptr;
}

/// GELI keeps its metadata in the last sector (sys/geom/eli).
bool is_geli(const Image& image, const LookPartition& partition) {
    const auto end = partition.offset.bytes() + partition.size.bytes();
    return partition.size.bytes() >= 4096 &&
           (image.read(end - 512, 10) == "GEOM::ELI\0"sv || image.read(end - 4096, 10) == "GEOM::ELI\0"sv);
}

constexpr auto elsewhere = "; clone the snapshot and look from inside of a guest";

/// Features of ext4 that libtsk does not know (fs/ext4/ext4.h): it would show wrong contents or names.
std::string limits_of(const Image& image, std::uint64_t offset, const std::string& type) {
    if (!type.starts_with("ext"))
        return {};
    const auto bytes = image.read(offset + 0x460, 4);
    if (bytes.size() < 4)
        return {};
    const auto features = static_cast<unsigned char>(bytes[1]) | static_cast<unsigned char>(bytes[2]) << 8;
    std::string told;
    if ((features & 0x80) != 0)
        told = "Small files that are kept in their inode (inline_data) cannot be read";
    if ((features & 0x100) != 0)
        told += std::string(told.empty() ? "" : "; ") + "what the guest encrypted stays encrypted";
    return told;
}

void fill(Image& image, LookPartition& partition) {
    const auto offset = partition.offset.bytes();
    const auto* known = foreign_at(image, offset);
    if (!known) {
        if (const auto system = try_file_system(image, offset)) {
            partition.file_system = type_of(*system);
            partition.readable = true;
            partition.problem = limits_of(image, offset, partition.file_system);
            return;
        }
    }
    const auto say = [&](const char* name, const char* what) {
        partition.file_system = name;
        partition.problem = std::string(what) + elsewhere;
    };
    if (known)
        say(known->name, known->what);
    else if (is_zfs(image, offset))
        say("zfs", "ZFS of a guest is not read here");
    else if (is_geli(image, partition))
        say("geli", "It is encrypted with GELI");
    else
        say("", "No file system that is known here was found");
}

LookPartition one(const std::string& name, std::uint64_t offset, std::uint64_t size, std::string_view type) {
    LookPartition made;
    made.name = PartitionName::from(name);
    made.offset = ByteSize(offset);
    made.size = ByteSize(size);
    made.type = shown_path(type.substr(0, 100));
    return made;
}

/// Partitions of a BSD label in an MBR partition. The label's offsets count from the disk's beginning or from
/// the partition's: that of `c`, which is the whole of it, tells.
std::vector<LookPartition> bsd_partitions(Image& image, const LookPartition& slice) {
    std::vector<LookPartition> found;
    const Volumes volumes(
        ::tsk_vs_open(image.tsk(), static_cast<TSK_DADDR_T>(slice.offset.bytes()), TSK_VS_TYPE_BSD));
    if (!volumes) {
        ::tsk_error_reset();
        return found;
    }
    const auto label = image.read(slice.offset.bytes() + 512, 148 + 8 * 16);
    const auto number = [&](std::size_t at) {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < 4 && at + i < label.size(); ++i)
            value |= static_cast<std::uint64_t>(static_cast<unsigned char>(label[at + i])) << (8 * i);
        return value;
    };
    // struct disklabel (sys/disk/bsd.h): partitions from 148, each with size and offset in sectors first.
    const auto base = number(148 + 2 * 16 + 4);
    for (std::size_t i = 0; i < 8; ++i) {
        const auto entry = 148 + i * 16;
        const auto size = number(entry) * 512;
        const auto begin = number(entry + 4);
        if (i == 2 || size == 0 || begin < base)
            continue;
        const auto offset = (begin - base) * 512;
        if (offset < slice.size.bytes() && size <= slice.size.bytes() - offset)
            found.push_back(one(slice.name.str() + static_cast<char>('a' + i), slice.offset.bytes() + offset,
                                size, "BSD partition"));
    }
    return found;
}

std::vector<LookPartition> table(Image& image, TSK_VS_TYPE_ENUM type) {
    std::vector<LookPartition> found;
    const Volumes volumes(::tsk_vs_open(image.tsk(), 0, type));
    if (!volumes) {
        ::tsk_error_reset();
        return found;
    }
    std::vector<const TSK_VS_PART_INFO*> parts;
    for (TSK_PNUM_T i = 0; i < volumes->part_count; ++i) {
        const auto* part = ::tsk_vs_part_get(volumes.get(), i);
        if (part && (part->flags & TSK_VS_PART_FLAG_ALLOC) != 0)
            parts.push_back(part);
    }
    const bool mbr = type == TSK_VS_TYPE_DOS;
    const auto place = [&](const TSK_VS_PART_INFO* part) { // of an MBR: the table, then the place in it
        return mbr ? std::pair<int, int>(part->table_num, part->slot_num)
                   : std::pair<int, int>(0, part->slot_num);
    };
    std::ranges::sort(parts, {}, place);
    int logical = 5;
    for (const auto* part : parts) {
        const bool of_chain = mbr && part->table_num > 0;
        const int number = of_chain ? logical++ : part->slot_num + 1;
        const auto offset = static_cast<std::uint64_t>(part->start) * volumes->block_size;
        const auto size = static_cast<std::uint64_t>(part->len) * volumes->block_size;
        if (number < 1 || number > 999 || offset >= image.size() || found.size() >= most_partitions)
            continue;
        const auto slice = one(std::to_string(number), offset, std::min(size, image.size() - offset),
                               part->desc ? part->desc : "");
        auto inside = mbr && slice.type.find("0xa5") != slice.type.npos ? bsd_partitions(image, slice)
                                                                        : std::vector<LookPartition>();
        if (inside.empty())
            found.push_back(slice);
        std::ranges::move(inside, std::back_inserter(found));
    }
    return found;
}

std::string names_of(const std::vector<LookPartition>& all) {
    std::string names;
    for (const auto& partition : all)
        names += (names.empty() ? "" : ", ") + partition.name.str();
    return names;
}

} // namespace

std::vector<LookPartition> partitions(Image& image) {
    // A disk with a GPT has a protective MBR before it; what comes first here wins.
    auto found = table(image, TSK_VS_TYPE_GPT);
    if (found.empty())
        found = table(image, TSK_VS_TYPE_DOS);
    if (found.empty())
        found.push_back(one("0", 0, image.size(), ""));
    for (auto& partition : found)
        fill(image, partition);
    return found;
}

const LookPartition* chosen(const std::vector<LookPartition>& all,
                            const std::optional<PartitionName>& wanted) {
    if (wanted) {
        const auto found = std::ranges::find(all, *wanted, &LookPartition::name);
        if (found == all.end())
            throw Error(Code::invalid_field, {},
                        {{"partition", "is not on the disk, which has " + names_of(all)}});
        if (!found->readable)
            throw Error(Code::look_unreadable, "partition " + wanted->str() + ": " + found->problem);
        return &*found;
    }
    const auto first = std::ranges::find(all, true, &LookPartition::readable);
    if (first == all.end())
        return nullptr;
    return std::find_if(first + 1, all.end(), [](const auto& one) { return one.readable; }) == all.end()
               ? &*first
               : nullptr;
}

FileSystem open_file_system(Image& image, const LookPartition& partition) {
    auto found = try_file_system(image, partition.offset.bytes());
    if (!found)
        throw Error(Code::look_unreadable, "partition " + partition.name.str() + ": " + tsk_words());
    return found;
}

} // namespace bhype::look
