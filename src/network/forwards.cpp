#include "network/endpoints.h"
#include "network/tasks.h"

#include <fmt/format.h>

#include <algorithm>

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
    std::vector<FieldProblem> problems;
    const auto nics = services.switches.nics();
    const auto nic = std::ranges::find_if(nics, [&](const SwitchNic& one) {
        return one.vm == forward.vm && (!forward.nic || one.nic == *forward.nic);
    });
    if (nic == nics.end()) {
        problems.push_back({"vm", "there is no VM " + forward.vm.str() +
                                      (forward.nic ? " with a NIC " + forward.nic->str() : " with a NIC")});
    } else if (const auto item = services.switches.find(nic->switch_);
               !item || item->kind != SwitchKind::nat) {
        problems.push_back({"vm", forward.vm.str() + "'s " + nic->nic.str() + " is on switch " +
                                      nic->switch_.str() + ", which is not translated: it needs no forward"});
    }
    for (const auto& other : services.switches.forwards())
        if (other.protocol == forward.protocol && other.port == forward.port &&
            (!other.from || !forward.from || *other.from == *forward.from))
            problems.push_back({"port", "is forwarded to " + other.vm.str() + " by " + other.name});
    for (const auto& one : services.host.call(host::PortList{{forward.port}}))
        if (one.protocol.starts_with(enum_name(forward.protocol)) &&
            (one.address == "*" || !forward.from || one.address == forward.from->str()) &&
            !one.address.starts_with("127.") && one.address != "::1")
            problems.push_back(
                {"port", fmt::format("is the host's own: {} (process {}) listens on {}:{}, which nobody "
                                     "outside would reach any more",
                                     one.command, one.pid, one.address, one.port)});
    if (forward.from) {
        bool there = false;
        const auto seen = services.switches.interfaces();
        for (const auto& interface : *seen)
            for (const auto& address : interface.inet)
                there = there || address.substr(0, address.find('/')) == forward.from->str();
        if (!there)
            problems.push_back({"from", "the host has no address " + forward.from->str()});
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

void add_forward_endpoints(api::Router& router, Services& services) {
    router.add<std::vector<Forward>>(
        {.method = Method::get,
         .path = "/api/v1/forwards",
         .privilege = Privilege::look,
         .summary = "List the port forwards to VMs that the caller may see",
         .tag = "network"},
        [&](const Call& call) {
            auto all = services.switches.forwards();
            std::erase_if(all, [&](const Forward& one) { return !services.may_see(call.caller, one.vm); });
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
