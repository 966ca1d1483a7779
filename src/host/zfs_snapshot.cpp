#include "host/zfs_snapshot.h"

#include "host/text.h"
#include "host/zfs.h"

namespace bhype::host {

namespace {

using std::chrono::seconds;

std::string at(const DatasetName& dataset, const SnapshotLabel& label) {
    return dataset.str() + '@' + label.str();
}

template <class Number>
Number required(const Command& command, std::string_view text, std::string_view line) {
    const auto value = number<Number>(text);
    if (!value)
        unexpected(command.program, "a number", line);
    return *value;
}

constexpr auto listed = "name,creation,createtxg,used,refer,userrefs,defer_destroy,clones,bhype:made-by,"
                        "bhype:live,bhype:note";
constexpr std::size_t columns = 11;

} // namespace

Command zfs_list_snapshots(const DatasetName& root) {
    auto command =
        zfs({"list", "-H", "-p", "-o", listed, "-t", "snapshot", "-s", "createtxg", "-r", root.str()},
            seconds(120));
    command.output_limit = 64 << 20;
    return command;
}

std::vector<Snapshot> parse_zfs_snapshots(const Command& command, const Output& output) {
    std::vector<Snapshot> found;
    if (!expect_zfs_or_missing(command, output))
        return found;
    each_line(output.out, [&](std::string_view line) {
        const auto fields = split(line, '\t');
        if (fields.size() != columns)
            unexpected(command.program, "11 columns", line);
        const auto sign = fields[0].find('@');
        if (sign == fields[0].npos)
            unexpected(command.program, "a snapshot's name", line);
        Snapshot snapshot;
        snapshot.dataset = fields[0].substr(0, sign);
        snapshot.label = fields[0].substr(sign + 1);
        snapshot.created = required<std::int64_t>(command, fields[1], line);
        snapshot.txg = required<std::int64_t>(command, fields[2], line);
        snapshot.used = ByteSize(required<std::uint64_t>(command, fields[3], line));
        snapshot.referenced = ByteSize(required<std::uint64_t>(command, fields[4], line));
        snapshot.holds = required<std::int64_t>(command, fields[5], line);
        snapshot.doomed = fields[6] == "on";
        if (!fields[7].empty() && fields[7] != "-")
            for (const auto clone : split(fields[7], ','))
                snapshot.clones.emplace_back(clone);
        snapshot.made_by = fields[8];
        snapshot.live = fields[9];
        snapshot.note = fields[10] == "-" ? "" : fields[10];
        found.push_back(std::move(snapshot));
    });
    return found;
}

Command zfs_snapshot_guests(const GuestSnapshot& wanted) {
    std::string live;
    for (const auto& vm : wanted.live)
        live += (live.empty() ? "" : ",") + vm.str();
    std::vector<std::string> arguments{
        "snapshot", "-r", "-o", "bhype:made-by=" + wanted.made_by.str(), "-o", "bhype:live=" + live};
    if (!wanted.note.str().empty())
        arguments.insert(arguments.end(), {"-o", "bhype:note=" + wanted.note.str()});
    for (const auto& dataset : wanted.datasets)
        arguments.push_back(at(dataset, wanted.label));
    return zfs(std::move(arguments), seconds(600));
}

Command zfs_destroy_snapshots(const DatasetName& dataset, const std::vector<SnapshotLabel>& labels,
                              bool below, bool dry) {
    std::string names = dataset.str();
    char separator = '@';
    for (const auto& label : labels) {
        names += separator + label.str();
        separator = ',';
    }
    std::vector<std::string> arguments{"destroy"};
    if (dry)
        arguments.emplace_back("-nvp");
    if (below)
        arguments.emplace_back("-r");
    arguments.push_back(std::move(names));
    auto command = zfs(std::move(arguments), seconds(dry ? 120 : 600));
    command.output_limit = 16 << 20;
    return command;
}

bool none_of_them(const Output& output) {
    return output.exit_status == 1 && !output.missed_deadline && !output.cancelled &&
           (output.err.find("could not find any snapshots to destroy") != std::string::npos ||
            output.err.find("dataset does not exist") != std::string::npos);
}

ByteSize parse_reclaim(const Command& command, const Output& output) {
    if (none_of_them(output))
        return ByteSize(0);
    expect_zfs(command, output);
    std::optional<std::uint64_t> bytes;
    each_line(output.out, [&](std::string_view line) {
        const auto fields = split(line, '\t');
        if (fields.size() == 2 && fields[0] == "reclaim")
            bytes = number<std::uint64_t>(fields[1]);
    });
    if (!bytes)
        unexpected(command.program, "a line \"reclaim\"", output.out.substr(0, 200));
    return ByteSize(*bytes);
}

Command zfs_hold(const DatasetName& dataset, const SnapshotLabel& label, bool held) {
    return zfs({held ? "hold" : "release", "-r", std::string(hold_tag), at(dataset, label)});
}

bool expect_hold(const Command& command, const Output& output) {
    if (output.exit_status == 1 && !output.missed_deadline && !output.cancelled &&
        (output.err.find("tag already exists on this dataset") != std::string::npos ||
         output.err.find("no such tag on this dataset") != std::string::npos))
        return false;
    expect_zfs(command, output);
    return true;
}

Command zfs_set_note(const DatasetName& dataset, const SnapshotLabel& label, const Note& note) {
    return zfs({"set", "bhype:note=" + note.str(), at(dataset, label)});
}

Command zfs_rollback(const DatasetName& dataset, const SnapshotLabel& label) {
    return zfs({"rollback", "-r", at(dataset, label)}, seconds(600));
}

} // namespace bhype::host
