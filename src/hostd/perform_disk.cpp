#include "hostd/context.h"

#include "host/disks.h"
#include "host/smartctl.h"

#include <algorithm>

namespace bhype::hostd {

namespace {

/// What smartctl is to open; nothing when that cannot be told. A name that is no disk's is refused.
std::optional<DiskName> smart_device(Context& context, const DiskName& disk) {
    const auto mesh = host::geom_confxml();
    const auto disks = host::parse_disks(mesh, context.command(mesh), {});
    if (std::ranges::find(disks, disk, &host::Disk::name) == disks.end())
        throw Error(Code::policy, disk.str() + " is no disk of this host");
    if (!host::is_nvme(disk))
        return disk;
    const auto ask = host::diskinfo_attachment(disk);
    return host::parse_attachment(ask, context.command(ask));
}

} // namespace

BHYPE_PERFORM(DiskHealth) {
    const auto device = smart_device(context, operation.disk);
    if (!device)
        return host::unknown_health(host::HealthReason::unsupported,
                                    "diskinfo names no NVMe controller for it");
    const auto ask = host::smartctl_health(*device);
    try {
        return host::parse_health(ask, context.command(ask));
    } catch (const Error& error) {
        if (error.code() != Code::command_missing)
            throw;
        return host::unknown_health(host::HealthReason::not_installed, error.what());
    }
}

} // namespace bhype::hostd
