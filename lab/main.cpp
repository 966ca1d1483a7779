#include "lab/commands/commands.h"
#include "lab/core/boot.h"
#include "lab/core/calls.h"
#include "lab/core/rc.h"
#include "lab/core/verbs.h"

#include <algorithm>
#include <filesystem>
#include <iostream>

namespace bhype::lab {

#ifdef BHYPE_LAB_ZFS
int zfs_main(const Arguments& arguments);
int zpool_main(const Arguments& arguments);
#endif
#ifdef BHYPE_LAB_BHYVE
int bhyve_main(const Arguments& arguments);
int bhyvectl_main(const Arguments& arguments);
#endif

namespace {

constexpr Command commands[] = {
    {"/bin/freebsd-version", freebsd_version_main, "bin/freebsd-version/freebsd-version.sh.in"},
#ifdef BHYPE_LAB_ZFS
    {"/sbin/zfs", zfs_main, "sys/contrib/openzfs/cmd/zfs/zfs_main.c"},
    {"/sbin/zpool", zpool_main, "sys/contrib/openzfs/cmd/zpool/zpool_main.c"},
#endif
#ifdef BHYPE_LAB_BHYVE
    {"/usr/sbin/bhyve", bhyve_main, "usr.sbin/bhyve/bhyverun.c"},
    {"/usr/sbin/bhyvectl", bhyvectl_main, "usr.sbin/bhyvectl/bhyvectl.c"},
#endif
};

Hooks hooks() {
    Hooks result;
    result.commands = commands;
    return result;
}

int dispatch(const std::string& name, const Arguments& arguments) {
    if (name == "init")
        return init_main(arguments, hooks());
    if (name == "bhype-lab" && !arguments.empty() && arguments[0] == "inside-shutdown")
        return rc_shutdown(hooks());
    if (name == "bhype-lab")
        return verb_main(arguments, hooks());
    for (const Command& command : commands)
        if (std::filesystem::path(command.path).filename() == name)
            return run_recorded(command, name, arguments);
    std::cerr << "bhype-lab: not a command of the lab: " << name << '\n';
    return 2;
}

} // namespace

} // namespace bhype::lab

int main(int argc, char** argv) {
    const std::string name = argc > 0 ? std::filesystem::path(argv[0]).filename().string() : "";
    return bhype::lab::dispatch(name, {argv + std::min(argc, 1), argv + argc});
}
