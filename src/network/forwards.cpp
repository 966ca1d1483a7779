#include "network/forwards.h"

#include "host/address.h"
#include "network/endpoints.h"
#include "network/tasks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace bhype::network {

namespace {

using access::Privilege;
using api::Call;
using api::Method;
using api::ok;
using api::Reply;

std::string name_of(const Forward& forward) {
    return enum_name(forward.protocol) + '-' + (forward.from ? forward.from->str() + '-' : "") +
           std::to_string(forward.port.value);
}

std::vector<SwitchNic>::const_iterator target(const Forward& forward, const std::vector<SwitchNic>& nics) {
    return std::ranges::find_if(nics, [&](const SwitchNic& one) {
        return one.vm == forward.vm && (!forward.nic || one.nic == *forward.nic);
    });
}

std::vector<FieldProblem> target_problems(const Services& services, const Forward& forward) {
    const auto nics = services.switches.nics();
    const auto nic = target(forward, nics);
    const char* field = forward.nic ? "nic" : "vm";
    if (nic == nics.end()) {
        if (std::ranges::count(nics, forward.vm, &SwitchNic::vm) == 0)
            return {{"vm", "there is no VM " + forward.vm.str() + " with a NIC"}};
        return {{field, forward.vm.str() + " has no NIC " + forward.nic->str()}};
    }
    const auto item = services.switches.find(nic->switch_);
    if (!item || item->kind != SwitchKind::nat)
        return {{field, called(*nic) + " is on switch " + nic->switch_.str() +
                            ", which is not translated: it needs no forward"}};
    return {};
}

Reply create_forward(const Services& services, const Call& call, const CreateForward& request) {
    Forward forward{{},
                    request.protocol,
                    request.from,
                    request.port,
                    request.vm,
                    request.nic,
                    request.to_port.value_or(request.port),
                    request.note.value_or(Note())};
    forward.name = name_of(forward);
    call.note->object = forward.name;
    services.switches.look([&] { return services.host.call(host::InterfaceList{}); });
    auto problems = target_problems(services, forward);
    for (const auto& other : services.switches.forwards())
        if (other.protocol == forward.protocol && other.port == forward.port &&
            (!other.from || !forward.from || *other.from == *forward.from))
            problems.push_back({"port", "is forwarded to " + other.vm.str() + " by " + other.name});
    std::set<std::string> servers; // one listens on several addresses
    for (const auto& one : services.host.call(host::PortList{{forward.port}}))
        if (one.protocol.starts_with(enum_name(forward.protocol)) &&
            (one.address == "*" || !forward.from || one.address == forward.from->str()) &&
            !one.address.starts_with("127.") && one.address != "::1")
            servers.insert(fmt::format("{} (process {})", one.command, one.pid));
    if (!servers.empty())
        problems.push_back({"port", fmt::format("is the host's own: {} listens there, which nobody outside "
                                                "would reach any more",
                                                fmt::join(servers, ", "))});
    if (forward.from) {
        bool there = false;
        const auto seen = services.switches.interfaces();
        const auto inside = services.switches.wanted();
        for (const auto& interface : *seen) {
            if (std::ranges::any_of(inside, [&](const Wanted& item) {
                    return item.address && bridge_of(item) == interface.name;
                }))
                continue; // nobody outside reaches it
            for (const auto& address : interface.inet)
                there = there || address.substr(0, address.find('/')) == forward.from->str();
        }
        if (!there)
            problems.push_back(
                {"from", "the host has no address " + forward.from->str() + " that is reached from outside"});
    }
    if (!problems.empty())
        throw Error(Code::switch_refused, {}, problems);
    return services.task_endpoints.start(call, "forward.create", "forward/" + forward.name,
                                         "Forward " + enum_name(forward.protocol) + " port " +
                                             std::to_string(forward.port.value) + " to " + forward.vm.str(),
                                         encode(ForwardInput{std::nullopt, forward}));
}

Reply remove_forward(const Services& services, const Call& call) {
    for (const auto& forward : services.switches.forwards())
        if (forward.name == call.path.at("name"))
            return services.task_endpoints.start(call, "forward.delete", "forward/" + forward.name,
                                                 "Stop forwarding " + enum_name(forward.protocol) + " port " +
                                                     std::to_string(forward.port.value),
                                                 encode(ForwardInput{forward, std::nullopt}));
    throw Error(Code::not_found, "there is no forward of that name");
}

} // namespace

ForwardView view_of(const Forward& forward, const std::vector<Wanted>& switches,
                    const std::vector<SwitchNic>& nics) {
    ForwardView view;
    static_cast<Forward&>(view) = forward;
    const auto stays = [&](std::string reason) {
        view.reason = std::move(reason);
        return view;
    };
    const auto nic = target(forward, nics);
    if (nic == nics.end())
        return stays("there is no VM " + forward.vm.str() +
                     (forward.nic ? " with a NIC " + forward.nic->str() : " with a NIC"));
    const auto item = std::ranges::find(switches, nic->switch_, &Wanted::name);
    if (item == switches.end() || item->kind != SwitchKind::nat || !item->address)
        return stays(called(*nic) + " is on switch " + nic->switch_.str() + ", which is not translated");
    view.uplink = item->uplink;
    const auto network = host::ipv4_network(*item->address);
    const auto belongs = [&](const Ipv4Address& address) {
        return network.contains(host::ipv4_number(address));
    };
    if (nic->fixed && !belongs(*nic->fixed))
        return stays(called(*nic) + " keeps " + nic->fixed->str() + ", which is not of switch " +
                     item->name.str() + "'s " + network.str());
    view.state = ForwardState::waiting;
    if (!nic->running)
        return stays(forward.vm.str() + " does not run");
    // What the guest has counts, not what is kept for it; one that gives itself its address may not have been
    // seen for a while.
    const auto has = Ipv4Address::parse(nic->address);
    const auto address = has && belongs(*has) ? has : has ? std::nullopt : nic->fixed;
    if (!address)
        return stays(called(*nic) + " has no address of " + network.str() + " yet");
    view.state = ForwardState::active;
    view.to = address;
    return view;
}

void add_forward_endpoints(api::Router& router, Services& services) {
    router.add<std::vector<ForwardView>>({.method = Method::get,
                                          .path = "/api/v1/forwards",
                                          .privilege = Privilege::look,
                                          .summary = "List the port forwards to VMs that the caller may see",
                                          .tag = "network"},
                                         [&](const Call& call) {
                                             auto all = services.switches.forward_views();
                                             std::erase_if(all, [&](const ForwardView& one) {
                                                 return !services.may_see(call.caller, one.vm);
                                             });
                                             return ok(encode(all));
                                         });
    services.task_endpoints.add<CreateForward>(
        router,
        {.method = Method::post,
         .path = "/api/v1/forwards",
         .privilege = Privilege::administer,
         .summary = "Forward a port of the host to a VM on a nat switch",
         .tag = "network",
         .errors = {Code::switch_refused}},
        [&](const Call& call, const CreateForward& request) {
            return create_forward(services, call, request);
        });
    services.task_endpoints.add(router,
                                {.method = Method::del,
                                 .path = "/api/v1/forwards/{name}",
                                 .privilege = Privilege::administer,
                                 .summary = "Stop forwarding a port",
                                 .tag = "network"},
                                [&](const Call& call) { return remove_forward(services, call); });
}

} // namespace bhype::network
