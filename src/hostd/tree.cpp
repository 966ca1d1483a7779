#include "hostd/tree.h"

#include "host/zfs.h"
#include "os/files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace bhype::hostd {

namespace {

[[noreturn]] void refuse(const DatasetName& name, const char* why) {
    throw Error(Code::policy, name.str() + " " + why);
}

} // namespace

Inside inside(const DatasetName& name) {
    Inside found;
    std::vector<std::string> parts;
    std::string_view rest = name.str();
    while (true) {
        const auto slash = rest.find('/');
        parts.emplace_back(rest.substr(0, slash));
        if (slash == rest.npos)
            break;
        rest.remove_prefix(slash + 1);
    }
    const auto pool = PoolName::parse(parts[0]);
    if (parts.size() < 2 || parts[1] != "bhype" || !pool)
        refuse(name, "is not inside POOL/bhype");
    for (const auto& part : parts)
        if (part == "." || part == "..")
            refuse(name, "is not inside POOL/bhype");
    found.pool = *pool;
    found.parts.assign(parts.begin() + 2, parts.end());
    return found;
}

Inside being_made(const DatasetName& name) {
    auto found = inside(name);
    if (found.parts.size() < 2 || found.parts[0] != ".new" || !TaskId::parse(found.parts[1]))
        refuse(name, "is not below .new/TASK");
    return found;
}

Inside published(const DatasetName& name) {
    auto found = inside(name);
    const bool good =
        found.parts.size() == 2 && ((found.parts[0] == "vm" && VmName::parse(found.parts[1])) ||
                                    (found.parts[0] == "template" && TemplateName::parse(found.parts[1])));
    if (!good)
        refuse(name, "is neither vm/NAME nor template/NAME");
    return found;
}

Inside a_vm(const DatasetName& name) {
    auto found = published(name);
    if (found.parts[0] != "vm")
        refuse(name, "is not vm/NAME");
    return found;
}

Inside a_disk(const DatasetName& name) {
    auto found = inside(name);
    if (found.parts.size() != 3 || found.parts[0] != "vm" || !VmName::parse(found.parts[1]) ||
        !DeviceName::parse(found.parts[2]))
        refuse(name, "is not vm/NAME/DISK");
    return found;
}

void is_of(const DatasetName& name, const VmName& vm) {
    if (a_vm(name).parts[1] != vm.str())
        refuse(name, ("is not the dataset of VM " + vm.str()).c_str());
}

void await_device(const std::string& path) {
    for (int tries = 0; tries < 200; ++tries) {
        struct stat facts {};
        if (::stat(path.c_str(), &facts) == 0)
            return;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    throw Error(Code::command_timeout, path + " did not appear");
}

std::optional<Uuid> Tree::id_of(const PoolName& pool, const Runner& run) {
    const host::Command command{
        .program = host::Program::zfs,
        .arguments = {"get", "-H", "-p", "-o", "value", "bhype:id", pool.str() + "/bhype"},
        .input = std::nullopt};
    const auto output = run(command);
    if (!host::expect_zfs_or_missing(command, output))
        return std::nullopt;
    return Uuid::parse(std::string_view(output.out).substr(0, output.out.find('\n')));
}

void Tree::require(const PoolName& pool, const Runner& run) {
    {
        const std::lock_guard lock(mutex_);
        if (known_.contains(pool.str()))
            return;
    }
    if (!id_of(pool, run))
        throw Error(Code::policy, pool.str() + "/bhype does not carry bhype:id");
    const std::lock_guard lock(mutex_);
    known_.insert(pool.str());
}

Fd Tree::open(const DatasetName& name) const {
    inside(name);
    const Fd root = os::open_directory(root_);
    return os::open_beneath(root.get(), name.str(), O_RDONLY | O_DIRECTORY);
}

std::string Tree::read_in_snapshot(const DatasetName& name, const SnapshotLabel& label,
                                   const std::string& file, std::size_t most) const {
    const Fd directory = open(name);
    const auto path = ".zfs/snapshot/" + label.str() + "/" + file;
    if (auto text = os::read_file(directory.get(), path, most))
        return *std::move(text);
    throw Error(Code::vm_file_missing, name.str() + "/" + path);
}

void Tree::give_to_group(const DatasetName& name) const {
    const Fd directory = open(name);
    if (::fchown(directory.get(), 0, group_) != 0 || ::fchmod(directory.get(), 0750) != 0)
        throw Error(Code::command_failed, name.str() + ": " + std::strerror(errno));
}

} // namespace bhype::hostd
