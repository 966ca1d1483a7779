#include "network/uplinks.h"

#include "host/address.h"
#include "host/interface.h"
#include "network/endpoints.h"
#include "network/tasks.h"

#include <algorithm>

namespace bhype::network {

namespace {

using access::Privilege;
using api::Call;
using api::Method;
using api::ok;
using api::Reply;

/// "em" of em0; a driver's name may hold digits, its unit is at the end.
std::string driver_of(const host::Interface& interface) {
    for (const auto* kind : {"lagg", "vlan"})
        if (in_group(interface, kind))
            return kind;
    const auto& name = interface.name.str();
    return name.substr(0, name.find_last_not_of("0123456789") + 1);
}

std::vector<std::string> users_of(const host::Interface& interface, const std::vector<host::Interface>& all) {
    const auto& name = interface.name.str();
    std::vector<std::string> users;
    for (const auto& other : all)
        if (std::ranges::count(other.members, name) > 0 || std::ranges::count(other.laggports, name) > 0 ||
            other.parent == name)
            users.push_back(other.name.str());
    if (!host::given_addresses(interface).empty())
        users.emplace_back("the host");
    return users;
}

std::vector<std::string> advice_for(const host::Interface& interface,
                                    const std::vector<host::Interface>& all) {
    std::vector<std::string> advice;
    const auto& name = interface.name.str();
    const auto on = [&](const char* option) { return std::ranges::count(interface.options, option) > 0; };
    for (const auto& other : all) {
        if (std::ranges::count(other.members, name) == 0)
            continue;
        if (!interface.inet.empty())
            advice.push_back("It has addresses as a member of " + other.name.str() +
                             ", which FreeBSD 15 does not allow: they belong on the bridge.");
        // bridge(4) turns LRO off itself; checksums and TSO stay on only where all members have them.
        if (on("LRO"))
            advice.push_back("LRO is on, which breaks what a bridge forwards: ifconfig " + name + " -lro.");
        if (on("TSO4") || on("TSO6"))
            advice.push_back(
                "Guests' packets that this NIC is to checksum or cut are dropped by some drivers: if guests "
                "are slow or lose connections, try ifconfig " +
                name + " -tso -txcsum.");
    }
    if (!interface.laggproto.empty() && interface.laggports.size() == 1)
        advice.emplace_back("One port alone does not outlast its cable: add another.");
    return advice;
}

Reply list(const Services& services) {
    UplinkList all;
    all.guard = services.host.call(host::UplinkShow{});
    all.uplinks = uplinks_of(services.host.call(host::InterfaceList{}));
    return ok(encode(all));
}

std::string titled(const host::UplinkChange& change) {
    std::string ports;
    for (const auto& port : change.ports)
        ports += (ports.empty() ? "" : " and ") + port.str();
    const auto name = change.name ? change.name->str() : "a lagg";
    const auto vlan = ports + '.' + std::to_string(change.vlan ? change.vlan->value : 0);
    switch (change.kind) {
    case host::UplinkKind::bridge:
        return change.present
                   ? "Bridge " + ports + " to switch " + (change.switch_ ? change.switch_->str() : "")
                   : "Give " + ports + " its addresses back";
    case host::UplinkKind::lagg:
        return change.present ? "Make " + name + " of " + ports : "Take " + name + " apart";
    case host::UplinkKind::vlan:
        return (change.present ? "Make " : "Remove ") + vlan;
    }
    return {};
}

/// What is in the way of it beside the host's interfaces.
void check(const Services& services, const host::UplinkChange& change) {
    std::vector<FieldProblem> problems;
    if (change.present && change.kind != host::UplinkKind::vlan)
        for (const auto& item : services.switches.wanted())
            if (item.uplink && item.name != change.switch_ &&
                std::ranges::count(change.ports, *item.uplink) > 0)
                problems.push_back({"ports", item.uplink->str() + " is the uplink of switch " +
                                                 item.name.str() +
                                                 ", which would be without: change that first"});
    if (change.kind == host::UplinkKind::vlan && change.address)
        for (const auto& item : services.switches.wanted()) // its bridge may be missing now
            if (item.address && host::overlap(item.address->str(), change.address->str()))
                problems.push_back(
                    {"address", "overlaps " + item.address->str() + " of switch " + item.name.str()});
    if (change.kind == host::UplinkKind::bridge && change.switch_) {
        services.switches.settle(services.host.call(host::UplinkShow{}));
        const auto item = services.switches.find(*change.switch_);
        if (!item)
            problems.push_back({"switch", "there is no switch " + change.switch_->str()});
        else if (item->kind != SwitchKind::public_)
            problems.push_back({"switch", change.switch_->str() + " is a " + enum_name(item->kind) +
                                              " switch; only a public one has an uplink"});
        else if (change.present && item->uplink)
            problems.push_back(
                {"switch", change.switch_->str() + " has uplink " + item->uplink->str() + " already"});
    }
    if (!problems.empty())
        throw Error(Code::switch_refused, {}, problems);
}

Reply change(const Services& services, const Call& call, const ChangeUplink& request) {
    call.note->only_asked = request.plan;
    const host::UplinkChange wanted = request;
    check(services, wanted);
    const auto plan = services.host.call(host::UplinkPlan{wanted});
    if (request.plan)
        return ok(encode(plan));
    return services.task_endpoints.start(call, "uplink.change", "uplink", titled(wanted),
                                         encode(UplinkInput{wanted, request.seconds}));
}

} // namespace

std::vector<Uplink> uplinks_of(const std::vector<host::Interface>& interfaces) {
    std::vector<Uplink> found;
    for (const auto& one : interfaces) {
        if (!host::carries_outside(one))
            continue;
        Uplink uplink{one.name,
                      driver_of(one),
                      one.up,
                      one.carrier,
                      one.media,
                      one.ether,
                      one.mtu,
                      one.inet,
                      one.laggports,
                      users_of(one, interfaces),
                      advice_for(one, interfaces)};
        uplink.addresses.insert(uplink.addresses.end(), one.inet6.begin(), one.inet6.end());
        found.push_back(std::move(uplink));
    }
    // Several NICs with a link, one of them the host's: two could be one that outlasts a cable.
    const auto nics = std::ranges::count_if(
        found, [](const Uplink& one) { return one.driver != "lagg" && one.driver != "vlan" && one.link; });
    const bool lagg = std::ranges::any_of(found, [](const Uplink& one) { return one.driver == "lagg"; });
    if (nics > 1 && !lagg)
        for (auto& one : found)
            if (std::ranges::count(one.used_by, "the host") > 0 && one.driver != "vlan")
                one.advice.emplace_back(
                    "This host has several NICs with a link: joined as a lagg(4), it stays reachable when "
                    "one of them loses its cable.");
    return found;
}

void add_uplink_endpoints(api::Router& router, Services& services) {
    router.add<UplinkList>(
        {.method = Method::get,
         .path = "/api/v1/uplinks",
         .privilege = Privilege::administer,
         .summary = "List the interfaces that lead outside, and the change that waits to be confirmed",
         .tag = "network"},
        [&](const Call&) { return list(services); });
    services.task_endpoints.add<ChangeUplink>(
        router,
        {.method = Method::post,
         .path = "/api/v1/uplinks",
         .privilege = Privilege::administer,
         .summary = "Bridge a NIC, make a lagg(4) or vlan(4), or take that back; it goes back by itself "
                    "unless confirmed",
         .tag = "network",
         .instead = router.component<host::UplinkPlanResult>(),
         .errors = {Code::switch_refused, Code::uplink_busy}},
        [&](const Call& call, const ChangeUplink& request) { return change(services, call, request); });
    for (const bool keep : {true, false})
        services.task_endpoints.add<DecideUplink>(
            router,
            {.method = Method::post,
             .path = keep ? "/api/v1/uplinks/confirm" : "/api/v1/uplinks/revert",
             .privilege = Privilege::administer,
             .summary = keep ? "Keep the change that waits, and save it in rc.conf"
                             : "Take the change that waits back now",
             .tag = "network",
             .errors = {Code::uplink_over}},
            [&, keep](const Call& call, const DecideUplink& request) {
                const auto guard = services.host.call(host::UplinkShow{});
                if (guard.id != request.id.str() || guard.state != host::GuardState::armed)
                    throw Error(Code::uplink_over, guard.id == request.id.str() ? guard.reason : "");
                return services.task_endpoints.start(
                    call, keep ? "uplink.confirm" : "uplink.revert", "uplink",
                    (keep ? "Keep: " : "Take back: ") + titled(guard.change), encode(request));
            });
}

} // namespace bhype::network
