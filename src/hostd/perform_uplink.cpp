#include "hostd/context.h"

namespace bhype::hostd {

namespace {

host::HostNetwork network(Context& context) {
    host::HostNetwork found;
    found.interfaces = context.interfaces();
    for (const bool inet6 : {false, true}) {
        const auto command = host::netstat_routes(inet6);
        auto routes = host::parse_routes(command, context.command(command), inet6);
        found.routes.insert(found.routes.end(), routes.begin(), routes.end());
    }
    found.rc = context.rc_conf();
    return found;
}

} // namespace

BHYPE_PERFORM(UplinkPlan) {
    const auto found = network(context);
    return host::shown(host::uplink_steps(operation.change, found), found.rc);
}

BHYPE_PERFORM(UplinkShow) {
    static_cast<void>(operation);
    return context.house.guard.show();
}

BHYPE_PERFORM(UplinkApply) {
    return context.house.guard.apply(operation, network(context), context.runner());
}

BHYPE_PERFORM(UplinkConfirm) {
    return context.house.guard.confirm(operation.id, context.runner());
}

BHYPE_PERFORM(UplinkRevert) {
    return context.house.guard.revert(operation.id, context.runner());
}

} // namespace bhype::hostd
