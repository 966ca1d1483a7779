#include "network/network.h"

namespace bhype::network {

void add_endpoints(api::Router& router, Switches& switches,
                   std::function<std::vector<std::string>(const access::Caller&, const SwitchName&)> guests) {
    router.add<std::vector<Switch>>(
        {.method = api::Method::get,
         .path = "/api/v1/switches",
         .privilege = access::Privilege::look,
         .summary = "List the switches",
         .tag = "switches"},
        [&switches, guests = std::move(guests)](const api::Call& call) {
            std::vector<Switch> result;
            for (const auto& item : switches.wanted())
                result.push_back({item.name, item.kind, bridge_of(item.name), item.address,
                                  switches.up(item.name) ? SwitchState::up : SwitchState::missing,
                                  guests(call.caller, item.name)});
            api::Reply reply;
            reply.body = encode(result);
            return reply;
        });
}

} // namespace bhype::network
