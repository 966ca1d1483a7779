#include "host/zfs_space.h"

#include "host/text.h"
#include "host/zfs.h"

namespace bhype::host {

namespace {

constexpr auto listed = "name,type,used,usedbydataset,usedbysnapshots,usedbyrefreservation,logicalused,quota,"
                        "reservation,volsize,volblocksize,compression";
constexpr std::size_t columns = 12;

std::string size_or_none(ByteSize size) {
    return size.bytes() == 0 ? "none" : size.str();
}

} // namespace

Command zfs_list_space(const PoolName& pool) {
    auto command = zfs({"list", "-H", "-p", "-o", listed, "-t", "filesystem,volume", "-r", pool.str()},
                       std::chrono::seconds(120));
    command.output_limit = 64 << 20;
    return command;
}

std::vector<SpaceUse> parse_zfs_space(const Command& command, const Output& output) {
    std::vector<SpaceUse> found;
    if (!expect_zfs_or_missing(command, output))
        return found;
    each_line(output.out, [&](std::string_view line) {
        const auto fields = split(line, '\t'); // names may hold spaces
        if (fields.size() != columns)
            unexpected(command.program, "12 columns", line);
        const auto size = [&](std::size_t column) {
            if (fields[column] == "-" || fields[column] == "none")
                return ByteSize(0);
            const auto bytes = number<std::uint64_t>(fields[column]);
            if (!bytes)
                unexpected(command.program, "a size in bytes", line);
            return ByteSize(*bytes);
        };
        found.push_back({std::string(fields[0]), fields[1] == "volume", size(2), size(3), size(4), size(5),
                         size(6), size(7), size(8), size(9), size(10), std::string(fields[11])});
    });
    return found;
}

Command zfs_set_limits(const DatasetLimit& limit) {
    return zfs({"set", "quota=" + size_or_none(limit.quota), "reservation=" + size_or_none(limit.reservation),
                limit.dataset.str()});
}

} // namespace bhype::host
