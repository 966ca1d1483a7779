#include "lab/commands/commands.h"
#include "lab/commands/interfaces.h"
#include "lab/commands/modules.h"
#include "lab/commands/outside.h"
#include "lab/commands/pf_apply.h"
#include "lab/commands/process.h"
#include "lab/commands/smartctl.h"
#include "lab/core/boot.h"
#include "lab/core/calls.h"
#include "lab/core/rc.h"
#include "lab/core/verbs.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#ifdef BHYPE_LAB_ZFS
#include "lab/zfs/appliance.h"
#include "lab/zfs/zfs.h"
#endif

namespace bhype::lab {

#ifdef BHYPE_LAB_BHYVE
int bhyve_main(const Arguments& arguments);
int bhyvectl_main(const Arguments& arguments);
#endif

namespace {

#ifdef BHYPE_LAB_ZFS
/// zfs(8) and zpool(8) want their own name first.
template <int (*Main)(const std::vector<std::string>&)>
int with_name(const char* name, const Arguments& arguments) {
    std::vector<std::string> all{name};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return Main(all);
}
int zfs_command(const Arguments& arguments) {
    return with_name<zfs_main>("zfs", arguments);
}
int zpool_command(const Arguments& arguments) {
    return with_name<zpool_main>("zpool", arguments);
}
int smartctl_command(const Arguments& arguments) {
    return smartctl_main(arguments, [](const std::string& disk) {
        const auto counted = disk_traffic(disk);
        return DiskTraffic{counted.bytes_read, counted.bytes_written, counted.failed};
    });
}
#endif

constexpr Command commands[] = {
    {"/bin/dd", dd_main, "bin/dd/dd.c"},
    {"/bin/freebsd-version", freebsd_version_main, "bin/freebsd-version/freebsd-version.sh.in"},
    {"/bin/kenv", kenv_main, "bin/kenv/kenv.c"},
    {"/bin/pwait", pwait_main, "bin/pwait/pwait.c"},
    {"/sbin/dhclient", dhclient_main, "sbin/dhclient/dhclient.c"},
    {"/sbin/geom", geom_main, "sbin/geom/core/geom.c"},
    {"/sbin/ifconfig", ifconfig_main, "sbin/ifconfig/ifconfig.c"},
    {"/sbin/kldload", kldload_main, "sbin/kldload/kldload.c"},
    {"/sbin/kldstat", kldstat_main, "sbin/kldstat/kldstat.c"},
    {"/sbin/kldunload", kldunload_main, "sbin/kldunload/kldunload.c"},
    {"/sbin/mount", mount_main, "sbin/mount/mount.c"},
    {"/sbin/pfctl", pfctl_main, "sbin/pfctl/pfctl.c"},
    {"/sbin/rcorder", rcorder_main, "sbin/rcorder/rcorder.c"},
    {"/sbin/route", route_main, "sbin/route/route.c"},
    {"/sbin/swapctl", swapctl_main, "sbin/swapon/swapon.c"},
    {"/sbin/sysctl", sysctl_main, "sbin/sysctl/sysctl.c"},
    {"/usr/bin/fetch", fetch_main, "usr.bin/fetch/fetch.c"},
    {"/usr/bin/netstat", netstat_main, "usr.bin/netstat/main.c"},
    {"/usr/bin/sockstat", sockstat_main, "usr.bin/sockstat/sockstat.c"},
    {"/usr/bin/uname", uname_main, "usr.bin/uname/uname.c"},
    {"/usr/local/sbin/nginx", nginx_main, "www/nginx of the ports tree"},
    {"/usr/sbin/arp", arp_main, "usr.sbin/arp/arp.c"},
    {"/usr/sbin/diskinfo", diskinfo_main, "usr.sbin/diskinfo/diskinfo.c"},
    {"/usr/sbin/daemon", daemon_main, "usr.sbin/daemon/daemon.c"},
    {"/usr/sbin/ndp", ndp_main, "usr.sbin/ndp/ndp.c"},
    {"/usr/sbin/pw", pw_main, "usr.sbin/pw/pw.c"},
    {"/usr/sbin/service", service_main, "usr.sbin/service/service.sh"},
    {"/usr/sbin/sysrc", sysrc_main, "usr.sbin/sysrc/sysrc"},
#ifdef BHYPE_LAB_ZFS
    {"/sbin/zfs", zfs_command, "sys/contrib/openzfs/cmd/zfs/zfs_main.c"},
    {"/sbin/zpool", zpool_command, "sys/contrib/openzfs/cmd/zpool/zpool_main.c"},
    {"/usr/local/sbin/smartctl", smartctl_command, "sysutils/smartmontools of the ports tree"},
#endif
#ifdef BHYPE_LAB_BHYVE
    {"/usr/sbin/bhyve", bhyve_main, "usr.sbin/bhyve/bhyverun.c"},
    {"/usr/sbin/bhyvectl", bhyvectl_main, "usr.sbin/bhyvectl/bhyvectl.c"},
#endif
};

#ifdef BHYPE_LAB_ZFS
ApplianceConfig appliance_config(const Layout& layout, const LabConfig& config) {
    ApplianceConfig appliance;
    appliance.image_dir = config.appliance;
    appliance.state_dir = layout.state();
    appliance.hostname = "lab.example.org";
    for (std::size_t i = 0; i < config.disks.size(); ++i)
        if (const auto name = "nda" + std::to_string(i); !std::filesystem::exists(layout.pulled() / name))
            appliance.disks.push_back({name, layout.disk(i), config.disks[i]});
    return appliance;
}

void change_disk(const Layout& layout, const LabConfig& config, const std::string& name, DiskChange change) {
    for (std::size_t i = 0; i < config.disks.size(); ++i) {
        if (name != "nda" + std::to_string(i))
            continue;
        const auto mark = layout.pulled() / name;
        if (std::filesystem::exists(mark) == (change == DiskChange::pull))
            throw std::runtime_error(name +
                                     (change == DiskChange::pull ? " is out already" : " is in its place"));
        if (change == DiskChange::pull) {
            pull_disk(layout.state(), name);
            std::filesystem::create_directories(layout.pulled());
            std::ofstream{mark};
            return;
        }
        if (change == DiskChange::blank) {
            std::filesystem::remove(layout.disk(i));
            set_smart(layout.state(), name, {});
        }
        insert_disk(layout.state(), {name, layout.disk(i), config.disks[i]});
        std::filesystem::remove(mark);
        return;
    }
    throw std::runtime_error("the lab has no disk " + name);
}

void add_zfs(Hooks& hooks) {
    hooks.power_on.push_back([](const Layout& layout, const LabConfig& config) {
        if (!config.appliance.empty())
            start(appliance_config(layout, config));
    });
    hooks.disk = change_disk;
    hooks.smart = [](const Layout& layout, const LabConfig& config, const std::string& name,
                     const std::vector<std::string>& fields) {
        for (std::size_t i = 0; i < config.disks.size(); ++i)
            if (name == "nda" + std::to_string(i))
                return set_smart(layout.state(), name, fields);
        throw std::runtime_error("the lab has no disk " + name);
    };
    hooks.power_off.push_back([](const Layout& layout) { power_off(layout.state()); });
    hooks.stop.push_back([](const Layout& layout) { stop(layout.state()); });
    hooks.boot.emplace_back("importing pools", [](const LabConfig& config) {
        if (!config.appliance.empty())
            zfs_boot();
    });
}
#endif

Hooks hooks() {
    Hooks result;
    result.commands = commands;
#ifdef BHYPE_LAB_ZFS
    add_zfs(result);
#endif
    result.background.push_back(watch_taps);
    result.background.push_back(watch_pf);
    result.boot.emplace_back("connecting networks", connect_outside);
    result.boot.emplace_back("loading modules", [](const LabConfig&) { load_modules_at_boot(); });
    return result;
}

int dispatch(const std::string& name, const Arguments& arguments) {
    if (name == "init")
        return init_main(arguments, hooks());
    if (name == "bhype-lab" && !arguments.empty() && arguments[0] == "inside-shutdown")
        return rc_shutdown(hooks());
    if (name == "bhype-lab" && arguments.size() > 1 && arguments[0] == "inside-outside")
        return outside_main({arguments.begin() + 1, arguments.end()});
    if (name == "bhype-lab" && arguments.size() == 3 && arguments[0] == "inside-link")
        return link_main({arguments.begin() + 1, arguments.end()});
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
    bhype::lab::save_title_memory(argc, argv);
    const std::string name = argc > 0 ? std::filesystem::path(argv[0]).filename().string() : "";
    return bhype::lab::dispatch(name, {argv + std::min(argc, 1), argv + argc});
}
