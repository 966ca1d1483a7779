#include "host/dhclient.h"

namespace bhype::host {

namespace {

Command dhclient(const char* verb, const InterfaceName& name) {
    return {.program = Program::service,
            .arguments = {"dhclient", verb, name.str()},
            .input = std::nullopt,
            .deadline = std::chrono::seconds(90)};
}

} // namespace

Command dhclient_stop(const InterfaceName& name) {
    return dhclient("forcestop", name);
}
Command dhclient_start(const InterfaceName& name) {
    return dhclient("forcestart", name);
}

} // namespace bhype::host
