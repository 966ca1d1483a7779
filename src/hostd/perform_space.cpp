#include "hostd/context.h"

#include "host/zfs.h"
#include "host/zfs_space.h"

namespace bhype::hostd {

BHYPE_PERFORM(SpaceList) {
    const auto list = host::zfs_list_space(operation.pool);
    return host::parse_zfs_space(list, context.command(list));
}

BHYPE_PERFORM(DatasetLimit) {
    context.require(a_vm(operation.dataset).pool);
    const auto set = host::zfs_set_limits(operation);
    host::expect_zfs(set, context.command(set));
    return {};
}

BHYPE_PERFORM(DiskGrow) {
    context.require(a_disk(operation.volume).pool);
    grow(context, operation.volume, operation.size);
    return {};
}

} // namespace bhype::hostd
