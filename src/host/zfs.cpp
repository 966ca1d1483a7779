#include "host/zfs.h"

#include "host/text.h"

#include <array>

namespace bhype::host {

namespace {

using std::chrono::seconds;

constexpr seconds copy_deadline{VolumeCopy::deadline};

ByteSize size_or_none(const Command& command, std::string_view text, std::string_view line) {
    if (text == "-" || text == "none")
        return ByteSize(0);
    const auto bytes = number<std::uint64_t>(text);
    if (!bytes)
        unexpected(command.program, "a size in bytes", line);
    return ByteSize(*bytes);
}

} // namespace

Command zfs(std::vector<std::string> arguments, std::chrono::seconds deadline) {
    return {.program = Program::zfs,
            .arguments = std::move(arguments),
            .input = std::nullopt,
            .deadline = deadline};
}

Command zfs_list(const DatasetName& root, bool snapshots, bool below) {
    auto command = zfs({"list", "-H", "-p", "-o",
                        "name,type,used,avail,refer,mountpoint,origin,volsize,bhype:id,bhype:host", "-t",
                        snapshots ? "filesystem,volume,snapshot" : "filesystem,volume"},
                       seconds(120));
    if (below)
        command.arguments.emplace_back("-r");
    command.arguments.push_back(root.str());
    command.output_limit = 64 << 20;
    return command;
}

std::vector<Dataset> parse_zfs_list(const Command& command, const Output& output) {
    std::vector<Dataset> found;
    if (!expect_zfs_or_missing(command, output))
        return found;
    each_line(output.out, [&](std::string_view line) {
        const auto fields = split(line, '\t'); // names may hold spaces
        if (fields.size() != 10)
            unexpected(command.program, "10 columns", line);
        Dataset dataset;
        dataset.name = fields[0];
        if (fields[1] == "filesystem")
            dataset.type = DatasetType::filesystem;
        else if (fields[1] == "volume")
            dataset.type = DatasetType::volume;
        else if (fields[1] == "snapshot")
            dataset.type = DatasetType::snapshot;
        else
            unexpected(command.program, "a type of dataset", line);
        dataset.used = size_or_none(command, fields[2], line);
        dataset.available = size_or_none(command, fields[3], line);
        dataset.referenced = size_or_none(command, fields[4], line);
        dataset.mountpoint = fields[5];
        dataset.origin = fields[6];
        dataset.volsize = size_or_none(command, fields[7], line);
        dataset.id = fields[8];
        dataset.host = fields[9];
        found.push_back(std::move(dataset));
    });
    return found;
}

Command zfs_create_tree_root(const PoolName& pool, const Uuid& id, const Uuid& host) {
    // volmode set on a volume itself takes effect after the command has ended: until then the device has
    // another, its removal keeps the volume busy, and one renamed meanwhile would be left without a device.
    return zfs({"create", "-o", "mountpoint=/" + pool.str() + "/bhype", "-o", "setuid=off", "-o", "exec=off",
                "-o", "volmode=dev", "-o", "bhype:id=" + id.str(), "-o", "bhype:host=" + host.str(),
                pool.str() + "/bhype"});
}

Command zfs_create_tree_child(const PoolName& pool, std::string_view child) {
    return zfs({"create", DatasetName::from(pool.str() + "/bhype/" + std::string(child)).str()});
}

const std::vector<std::string>& tree_children() {
    static const std::vector<std::string> children{".new", "vm", "template", "image"};
    return children;
}

Command zfs_create(const DatasetName& name, const std::optional<Uuid>& id, const std::optional<Uuid>& host) {
    std::vector<std::string> arguments{"create", "-p"};
    if (id)
        arguments.insert(arguments.end(), {"-o", "bhype:id=" + id->str()});
    if (host)
        arguments.insert(arguments.end(), {"-o", "bhype:host=" + host->str()});
    arguments.push_back(name.str());
    return zfs(std::move(arguments));
}

Command zfs_create_volume(const DatasetName& name, ByteSize size) {
    // Guests write 4 KiB and more at a time. Smaller blocks waste space on raidz and compress badly, larger
    // ones are read and written again for each small write. The default was 8 KiB before OpenZFS 2.2 (FreeBSD
    // 14).
    return zfs({"create", "-p", "-s", "-V", size.str(), "-o", "volblocksize=16K", name.str()});
}

Command zfs_snapshot(const DatasetName& dataset, const SnapshotLabel& label) {
    return zfs({"snapshot", dataset.str() + '@' + label.str()});
}

Command zfs_clone(const DatasetName& origin, const SnapshotLabel& label, const DatasetName& name) {
    return zfs({"clone", "-p", origin.str() + '@' + label.str(), name.str()});
}

Command zfs_send(const DatasetName& origin, const SnapshotLabel& label) {
    return zfs({"send", "-c", "-v", "-P", origin.str() + '@' + label.str()}, copy_deadline);
}

Command zfs_receive(const DatasetName& name) {
    return zfs({"receive", "-u", name.str()}, copy_deadline);
}

SendLine parse_send_line(std::string_view line) {
    const auto fields = split(line, '\t');
    SendLine told;
    if (fields.size() == 2 && fields[0] == "size")
        told.size = number<std::uint64_t>(fields[1]);
    if (fields.size() == 3 && fields[0].find(':') != fields[0].npos)
        told.sent = number<std::uint64_t>(fields[1]);
    return told;
}

Command zfs_promote(const DatasetName& name) {
    return zfs({"promote", name.str()}, seconds(60));
}

bool is_no_clone(const Output& output) {
    return output.exit_status != 0 && output.err.find("not a cloned filesystem") != output.err.npos;
}

Command zfs_rename(const DatasetName& from, const DatasetName& to) {
    return zfs({"rename", from.str(), to.str()});
}

Command zfs_destroy(const DatasetName& name) {
    return zfs({"destroy", "-r", name.str()}, seconds(120));
}

Command zfs_set_volsize(const DatasetName& name, ByteSize size) {
    return zfs({"set", "volsize=" + size.str(), name.str()});
}

Command zfs_get_volsize(const DatasetName& name) {
    return zfs({"get", "-H", "-p", "-o", "value", "volsize", name.str()});
}

ByteSize parse_volsize(const Command& command, const Output& output) {
    expect_zfs(command, output);
    const auto bytes = number<std::uint64_t>(trimmed(output.out));
    if (!bytes)
        unexpected(command.program, "volsize in bytes", trimmed(output.out));
    return ByteSize(*bytes);
}

Command zfs_set_host(const DatasetName& name, const Uuid& host) {
    return zfs({"set", "bhype:host=" + host.str(), name.str()});
}

Code zfs_code(std::string_view err) {
    struct Row {
        std::string_view words;
        Code code;
    };
    // lib/libzfs/libzfs_util.c and zpool_vdev.c; the same from 2.1.9 to 2.4. The order matters.
    static constexpr std::array<Row, 21> rows{{
        {"pool already exists", Code::pool_exists},
        {"is part of active pool", Code::disk_in_use},
        {"is part of exported pool", Code::disk_in_use},
        {"is part of potentially active pool", Code::disk_in_use},
        {"(ACTIVE) of pool", Code::disk_in_use},
        {"is in use", Code::disk_in_use},
        {"dataset already exists", Code::dataset_exists},
        {"destination already exists", Code::dataset_exists},
        {"' exists", Code::dataset_exists},
        {"dataset does not exist", Code::dataset_missing},
        {"parent does not exist", Code::dataset_missing},
        {"no such pool", Code::dataset_missing},
        {"out of space", Code::no_space},
        {"space quota exceeded", Code::no_space},
        {"size is greater than available space", Code::no_space},
        {"size is less than current used or reserved space", Code::no_space},
        {"clones of previous snapshots exist", Code::dataset_has_clones},
        {"has dependent clones", Code::dataset_has_clones}, // cmd/zfs/zfs_main.c, before it destroys anything
        {"dataset is busy", Code::dataset_busy},
        {"pool is busy", Code::dataset_busy},
        {"Device busy", Code::disk_in_use},
    }};
    // Names stand in quotes and hold none of these words' spaces; still only what follows the last "': " or
    // ": " of a line is looked at first, so that a dataset called after an error is not taken for one.
    Code found = Code::command_failed;
    each_line(err, [&](std::string_view line) {
        if (found != Code::command_failed)
            return;
        const auto colon = line.rfind(": ");
        const auto reason = line.starts_with("cannot ") && colon != line.npos ? line.substr(colon) : line;
        for (const auto& row : rows)
            if (reason.find(row.words) != reason.npos) {
                found = row.code;
                return;
            }
    });
    return found;
}

void expect_zfs(const Command& command, const Output& output) {
    expect_success(command, output, zfs_code(output.err));
}

bool expect_zfs_or_missing(const Command& command, const Output& output) {
    if (output.exit_status == 1 && !output.missed_deadline && !output.cancelled &&
        output.err.find("dataset does not exist") != std::string::npos &&
        zfs_code(output.err) == Code::dataset_missing)
        return false;
    expect_zfs(command, output);
    return true;
}

} // namespace bhype::host
