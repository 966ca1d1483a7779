#include "lab/commands/commands.h"
#include "lab/core/calls.h"

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

} // namespace

} // namespace bhype::lab

int main(int argc, char** argv) {
    using namespace bhype::lab;
    const std::string name = argc > 0 ? std::filesystem::path(argv[0]).filename().string() : "";
    const Arguments arguments(argv + std::min(argc, 1), argv + argc);
    for (const Command& command : commands)
        if (std::filesystem::path(command.path).filename() == name)
            return run_recorded(command, name, arguments);
    std::cerr << "bhype-lab: not a command of the lab: " << name << '\n';
    return 2;
}
