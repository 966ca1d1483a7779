#include "hostd/context.h"

#include "host/disks.h"
#include "host/facts.h"
#include "host/zfs.h"
#include "host/zfs_snapshot.h"
#include "hostd/sha256.h"
#include "os/files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace bhype::hostd {

namespace {

void zfs(Context& context, const host::Command& command) {
    host::expect_zfs(command, context.command(command));
}

void await_volume(const Context& context, const DatasetName& name) {
    await_device(context.house.paths.zvol + "/" + name.str());
}

std::optional<Uuid> host_uuid(Context& context) {
    const auto ask = host::hostuuid_sysctl();
    return host::parse_hostuuid(ask, context.command(ask));
}

/// vm/NAME or something that is being made.
Inside definition_place(Context& context, const DatasetName& name) {
    auto where = inside(name);
    if (!where.parts.empty() && where.parts[0] == ".new")
        being_made(name);
    else if (published(name).parts[0] != "vm")
        throw Error(Code::policy, name.str() + " is no VM's dataset");
    context.require(where.pool);
    return where;
}

} // namespace

void grow(Context& context, const DatasetName& volume, ByteSize size) {
    const auto ask = host::zfs_get_volsize(volume);
    const auto now = host::parse_volsize(ask, context.command(ask));
    if (size < now)
        throw Error(Code::policy, volume.str() + " has " + now.str() + " and cannot be made smaller");
    if (size > now)
        zfs(context, host::zfs_set_volsize(volume, size));
}

BHYPE_PERFORM(DatasetList) {
    const auto where = inside(operation.root);
    const auto list = host::zfs_list(operation.root, operation.snapshots, operation.below);
    auto found = host::parse_zfs_list(list, context.command(list));
    if (!found.empty())
        context.require(where.pool);
    return found;
}

BHYPE_PERFORM(TreeCreate) {
    const auto root = DatasetName::from(operation.pool.str() + "/bhype");
    const auto list = host::zfs_list(root, false);
    const auto there = host::parse_zfs_list(list, context.command(list));
    const auto has = [&](const std::string& name) {
        for (const auto& dataset : there)
            if (dataset.name == name)
                return true;
        return false;
    };
    if (!there.empty() && !Uuid::parse(there.front().id))
        throw Error(Code::dataset_exists, root.str());
    if (there.empty())
        zfs(context, host::zfs_create_tree_root(operation.pool, operation.id, host_uuid(context).value()));
    context.house.tree.give_to_group(root);
    for (const auto& child : host::tree_children()) {
        const auto name = DatasetName::from(root.str() + "/" + child);
        if (!has(name.str()))
            zfs(context, host::zfs_create_tree_child(operation.pool, child));
        context.house.tree.give_to_group(name);
    }
    return {};
}

BHYPE_PERFORM(DatasetCreate) {
    const auto where = being_made(operation.name);
    context.require(where.pool);
    zfs(context,
        host::zfs_create(operation.name, operation.id, operation.id ? host_uuid(context) : std::nullopt));
    context.house.tree.give_to_group(operation.name);
    return {};
}

BHYPE_PERFORM(VolumeCreate) {
    context.require(being_made(operation.name).pool);
    zfs(context, host::zfs_create_volume(operation.name, operation.size));
    await_volume(context, operation.name);
    return {};
}

BHYPE_PERFORM(SnapshotCreate) {
    context.require(being_made(operation.dataset).pool);
    zfs(context, host::zfs_snapshot(operation.dataset, operation.label));
    return {};
}

namespace {

void check_origin(Context& context, const DatasetName& from, const DatasetName& to) {
    const auto origin = inside(from);
    if (origin.parts.size() < 2 ||
        (origin.parts[0] != "vm" && origin.parts[0] != "template" && origin.parts[0] != ".new"))
        throw Error(Code::policy, from.str() + " is nothing to clone from");
    const auto where = being_made(to);
    if (where.pool != origin.pool)
        throw Error(Code::policy, "a clone stays in its pool");
    context.require(where.pool);
}

} // namespace

BHYPE_PERFORM(CloneCreate) {
    check_origin(context, operation.origin, operation.name);
    zfs(context, host::zfs_clone(operation.origin, operation.label, operation.name));
    await_volume(context, operation.name);
    return {};
}

BHYPE_PERFORM(VolumeCopy) {
    check_origin(context, operation.origin, operation.name);
    std::uint64_t size = 0;
    const auto send = host::zfs_send(operation.origin, operation.label);
    const auto receive = host::zfs_receive(operation.name);
    host::expect_zfs(receive, context.pipe(send, receive, [&](std::string_view line) {
        const auto told = host::parse_send_line(line);
        if (told.size)
            size = *told.size;
        if (told.sent && size > 0)
            context.progress(std::min(1.0, static_cast<double>(*told.sent) / static_cast<double>(size)));
    }));
    // Its own, which came along, and not bHype's picture of a snapshot.
    zfs(context, host::zfs_destroy_snapshots(operation.name, {operation.label}, false, false));
    await_volume(context, operation.name);
    return {};
}

BHYPE_PERFORM(VolumePromote) {
    const auto pool = a_disk(operation.volume).pool;
    context.require(pool);
    context.house.looks.release(pool.str());
    const auto promote = host::zfs_promote(operation.volume);
    const auto output = context.command(promote);
    if (!host::is_no_clone(output))
        host::expect_zfs(promote, output);
    return {};
}

BHYPE_PERFORM(VolumeGrow) {
    context.require(being_made(operation.name).pool);
    grow(context, operation.name, operation.size);
    return {};
}

BHYPE_PERFORM(DatasetPublish) {
    const auto from = being_made(operation.from);
    const auto to = published(operation.to);
    if (from.pool != to.pool)
        throw Error(Code::policy, operation.from.str() + " cannot become " + operation.to.str());
    context.require(to.pool);
    zfs(context, host::zfs_rename(operation.from, operation.to));
    return {};
}

BHYPE_PERFORM(AsideRemove) {
    context.require(operation.pool);
    const auto destroy =
        host::zfs_destroy(DatasetName::from(operation.pool.str() + "/bhype/.new/" + operation.task.str()));
    host::expect_zfs_or_missing(destroy, context.command(destroy));
    return {};
}

BHYPE_PERFORM(DatasetDestroy) {
    const auto where = published(operation.name);
    context.require(where.pool);
    not_while_running(context, where);
    context.house.looks.release(operation.name.str());
    const auto destroy = host::zfs_destroy(operation.name);
    host::expect_zfs_or_missing(destroy, context.command(destroy));
    return {};
}

BHYPE_PERFORM(DefinitionWrite) {
    definition_place(context, operation.dataset);
    if (const auto problems = host::machine_problems(operation.machine); !problems.empty())
        throw Error(Code::invalid_field, {}, problems);
    check_media_places(context.house.config, operation.machine);
    static std::mutex writing; // the comparison and the writing belong together
    const std::lock_guard lock(writing);
    const Fd directory = context.house.tree.open(operation.dataset);
    const auto text = os::read_file(directory.get(), "vm.toml", 1 << 20);
    const std::int64_t now = text ? std::int64_t(host::parse_machine(*text).generation) : 0;
    if (now != operation.expected)
        throw Error(Code::precondition_failed, "vm.toml has generation " + std::to_string(now));
    os::write_file(directory.get(), "vm.toml", host::print_machine(operation.machine), 0640,
                   {0, context.house.tree.group()});
    return {};
}

BHYPE_PERFORM(ImageWrite) {
    context.require(being_made(operation.volume).pool);
    Fd file;
    for (const auto& allowed : context.house.config.image_directories) {
        if (!operation.file.str().starts_with(allowed.str() + "/"))
            continue;
        const Fd directory = os::open_directory(allowed.str());
        file = os::open_beneath(directory.get(), operation.file.str().substr(allowed.str().size() + 1),
                                O_RDONLY | O_NONBLOCK);
    }
    if (!file)
        throw Error(Code::policy, operation.file.str() + " is in no image directory of hostd.toml");
    struct stat facts {};
    if (::fstat(file.get(), &facts) != 0 || !S_ISREG(facts.st_mode))
        throw Error(Code::policy, operation.file.str() + " is no file");
    const auto size = static_cast<double>(std::max<off_t>(facts.st_size, 1));
    // The sum and the copy are of the same open file.
    const auto sum = sha256_of(
        file.get(), [&](std::uint64_t bytes) { context.progress(0.3 * static_cast<double>(bytes) / size); });
    if (sum != operation.sha256.str())
        throw Error(Code::checksum, operation.file.str() + " has " + sum);
    const auto ask = host::zfs_get_volsize(operation.volume);
    if (host::parse_volsize(ask, context.command(ask)).bytes() < static_cast<std::uint64_t>(facts.st_size))
        throw Error(Code::no_space, "the image is larger than " + operation.volume.str());
    ::lseek(file.get(), 0, SEEK_SET);
    run::Options options;
    options.input = file.get();
    options.on_line = [&](std::string_view line) {
        if (const auto bytes = host::parse_dd_progress(line))
            context.progress(0.3 + 0.7 * static_cast<double>(*bytes) / size);
    };
    const auto copy = host::dd_to_volume(operation.volume);
    host::expect_success(copy, context.command(copy, options));
    return {};
}

} // namespace bhype::hostd
