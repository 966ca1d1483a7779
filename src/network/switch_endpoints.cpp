#include "api/dispatch.h"
#include "host/address.h"
#include "host/ifconfig.h"
#include "network/endpoints.h"
#include "network/tasks.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace bhype::network {

namespace {

using access::Privilege;
using api::Call;
using api::Method;
using api::ok;
using api::Reply;

using Guests = std::map<SwitchName, std::set<std::string>>;

/// Of each switch, those that the caller may see.
Guests guests_of(const Services& services, const Call& call) {
    Guests guests;
    for (const auto& nic : services.switches.nics())
        if (services.may_see(call.caller, nic.vm))
            guests[nic.switch_].insert(nic.vm.str());
    return guests;
}

Switch view(const Services& services, const Guests& guests, const Wanted& wanted) {
    auto shown = services.switches.show(wanted);
    if (const auto found = guests.find(wanted.name); found != guests.end())
        shown.guests.assign(found->second.begin(), found->second.end());
    return shown;
}

Wanted asked(const Services& services, const Call& call) {
    const auto name = SwitchName::parse(call.path.at("name"));
    const auto found = name ? services.switches.find(*name) : std::nullopt;
    if (!found)
        throw Error(Code::not_found, "there is no switch of that name");
    return *found;
}

/// Settings alone: what the bridge carries and who is on it changes by itself.
std::string tag_of(const Wanted& wanted) {
    return std::to_string(std::hash<std::string>()(encode_text(wanted)));
}

void check_if_match(const Call& call, const Wanted& wanted) {
    if (!call.if_match.empty() && call.if_match != tag_of(wanted))
        throw Error(Code::precondition_failed, wanted.name.str() + " was changed since you read it");
}

Reply show(const Services& services, const Call& call, const Wanted& wanted) {
    auto reply = ok(encode(view(services, guests_of(services, call), wanted)));
    reply.etag = tag_of(wanted);
    return reply;
}

/// Looks at the host as it is now.
void look(const Services& services) {
    services.switches.look([&] { return services.host.call(host::InterfaceList{}); });
}

Reply submit(const Services& services, const Call& call, const char* kind, const char* verb,
             const SwitchInput& input) {
    const auto& name = (input.after ? input.after : input.before)->name.str();
    return services.task_endpoints.start(call, kind, "switch/" + name, std::string(verb) + " switch " + name,
                                         encode(input));
}

/// What the guests with an address kept for them would lose.
void check_reservations(const Services& services, const Wanted& wanted, std::vector<FieldProblem>& problems) {
    const auto stays = [&](const Ipv4Address& fixed) {
        if (!wanted.address || !wanted.dhcp)
            return false;
        const auto network = host::ipv4_network(*wanted.address);
        const auto kept = host::ipv4_number(fixed);
        return kept > network.first && kept < network.last && kept != network.address;
    };
    std::string lost;
    for (const auto& nic : services.switches.nics())
        if (nic.switch_ == wanted.name && nic.fixed && !stays(*nic.fixed))
            lost += fmt::format("{}{} keeps {}", lost.empty() ? "" : ", ", called(nic), nic.fixed->str());
    if (!lost.empty())
        problems.push_back({wanted.address && wanted.dhcp ? "address" : "dhcp",
                            lost + ": give that up first with bhype vm set-nic VM NIC fixed="});
}

/// Who goes on with an address that the switch no longer has a network for.
std::string left_behind(const Services& services, const Wanted& wanted, const Wanted& before) {
    if (!before.address || before.address == wanted.address)
        return {};
    std::string names;
    for (const auto& nic : services.switches.nics())
        if (nic.switch_ == wanted.name && nic.running)
            names += (names.empty() ? "" : ", ") + nic.vm.str() + ' ' + nic.nic.str();
    return names.empty() ? names
                         : names + ": keeps its address of " + host::ipv4_network(*before.address).str() +
                               " until the guest asks again; until then it reaches nothing";
}

/// The plan, or what is in the way. `notes`: what else is to be known of it.
std::optional<Reply> planned(const Call& call, bool plan, const std::vector<FieldProblem>& problems,
                             const Wanted& wanted, const Wanted* before, const std::string& notes = {}) {
    call.note->only_asked = plan;
    if (!plan) {
        if (!problems.empty())
            throw Error(Code::switch_refused, {}, problems);
        return std::nullopt;
    }
    SwitchPlan result;
    for (const auto& problem : problems)
        result.problems.push_back(problem.field + ": " + problem.rule);
    if (problems.empty())
        result.steps = steps_of(wanted, before);
    if (problems.empty() && !notes.empty())
        result.steps.push_back(notes);
    return ok(encode(result));
}

/// What only the host can tell of DHCP there: who has its ports, and whether dnsmasq takes the options.
void ask_dhcp(const Services& services, const Wanted& wanted, std::vector<FieldProblem>& problems) {
    if (!wanted.address || !wanted.dhcp)
        return;
    const bool sound = problems.empty(); // else the range is none that could be tried
    auto clashes = clashes_of(wanted, services.host.call(host::PortList{dhcp_ports}));
    std::ranges::move(clashes, std::back_inserter(problems));
    if (wanted.options.empty() || !sound)
        return;
    if (auto refusal = services.host.call(host::DhcpTest{dhcp_range(wanted)}).refusal; !refusal.empty())
        problems.push_back({"options", "dnsmasq does not take them: " + std::move(refusal)});
}

Reply create(const Services& services, const Call& call, const CreateSwitch& request) {
    call.note->object = request.name.str();
    look(services);
    Wanted wanted;
    static_cast<SwitchSettings&>(wanted) = request;
    wanted.name = request.name;
    wanted.kind = request.kind;
    const auto all = services.switches.wanted();
    const auto held = services.switches.interfaces();
    const auto& interfaces = *held;
    if (wanted.kind == SwitchKind::nat && !wanted.address)
        wanted.address = free_network(all, interfaces);
    auto problems = problems_of(wanted, all, interfaces);
    ask_dhcp(services, wanted, problems);
    if (services.switches.find(wanted.name)) {
        problems.insert(problems.begin(), {"name", wanted.name.str() + " exists"});
        if (problems.size() == 1 && !request.plan)
            throw Error(Code::switch_name_taken, {}, problems);
    }
    if (wanted.kind != SwitchKind::manual && !services.switches.find(wanted.name) &&
        named(interfaces, bridge_of(wanted)))
        problems.push_back(
            {"name", "there is an interface " + bridge_of(wanted).str() + ", which is not a switch's"});
    if (auto reply = planned(call, request.plan, problems, wanted, nullptr))
        return std::move(*reply);
    return submit(services, call, "switch.create", "Create", {std::nullopt, wanted});
}

Reply edit(const Services& services, const Call& call, const EditSwitch& request) {
    const auto before = asked(services, call);
    check_if_match(call, before);
    look(services);
    auto wanted = before;
    static_cast<SwitchSettings&>(wanted) = request;
    auto problems = problems_of(wanted, services.switches.wanted(), *services.switches.interfaces());
    ask_dhcp(services, wanted, problems);
    check_reservations(services, wanted, problems);
    if (before.hosts_addresses)
        for (const auto& [field, same] : {std::pair{"uplink", before.uplink == wanted.uplink},
                                          {"vlan", !wanted.vlan},
                                          {"mtu", before.mtu == wanted.mtu}})
            if (!same)
                problems.push_back(
                    {field, "cannot be changed while the host's own addresses are on the bridge; bhype "
                            "uplink unbridge gives them back"});
    if (auto reply =
            planned(call, request.plan, problems, wanted, &before, left_behind(services, wanted, before)))
        return std::move(*reply);
    if (encode(wanted) == encode(before))
        return show(services, call, before);
    return submit(services, call, "switch.edit", "Change", {before, wanted});
}

Reply remove(const Services& services, const Call& call) {
    const bool plan = api::query_flag(call, "plan");
    call.note->only_asked = plan;
    const auto before = asked(services, call);
    check_if_match(call, before);
    services.switches.check_unused(before.name);
    if (before.hosts_addresses)
        throw Error(Code::switch_in_use, "the host's own addresses are on " + bridge_of(before).str() +
                                             "; bhype uplink unbridge gives them back to " +
                                             before.uplink->str());
    if (before.kind != SwitchKind::manual) {
        look(services);
        const auto held = services.switches.interfaces();
        const auto& interfaces = *held;
        if (const auto* bridge = named(interfaces, bridge_of(before)))
            for (const auto& member : bridge->members)
                if (member != host::vlan_name(before.name).str() &&
                    (!before.uplink || member != before.uplink->str()))
                    throw Error(Code::switch_in_use, member + " is a member of " + bridge->name.str());
    }
    if (plan)
        return ok(encode(SwitchPlan{removal_of(before), {}}));
    return submit(services, call, "switch.delete", "Delete", {before, std::nullopt});
}

} // namespace

void add_switch_endpoints(api::Router& router, Services& services) {
    router.add<std::vector<Switch>>({.method = Method::get,
                                     .path = "/api/v1/switches",
                                     .privilege = Privilege::look,
                                     .summary = "List the switches",
                                     .tag = "network"},
                                    [&](const Call& call) {
                                        const auto guests = guests_of(services, call);
                                        std::vector<Switch> all;
                                        for (const auto& item : services.switches.wanted())
                                            all.push_back(view(services, guests, item));
                                        return ok(encode(all));
                                    });
    router.add<Switch>({.method = Method::get,
                        .path = "/api/v1/switches/{name}",
                        .privilege = Privilege::look,
                        .summary = "Show a switch",
                        .tag = "network"},
                       [&](const Call& call) { return show(services, call, asked(services, call)); });
    services.task_endpoints.add<CreateSwitch>(
        router,
        {.method = Method::post,
         .path = "/api/v1/switches",
         .privilege = Privilege::administer,
         .summary = "Create a switch; a nat switch without an address gets a free network of 10.77.0.0/16",
         .tag = "network",
         .instead = router.component<SwitchPlan>(),
         .errors = {Code::switch_name_taken, Code::switch_refused}},
        [&](const Call& call, const CreateSwitch& request) { return create(services, call, request); });
    services.task_endpoints.add<EditSwitch>(
        router,
        {.method = Method::put,
         .path = "/api/v1/switches/{name}",
         .privilege = Privilege::administer,
         .summary = "Change a switch: all its settings, those that are left out go back to their defaults",
         .tag = "network",
         .instead = router.component<SwitchPlan>(),
         .errors = {Code::switch_refused, Code::precondition_failed}},
        [&](const Call& call, const EditSwitch& request) { return edit(services, call, request); });
    services.task_endpoints.add(
        router,
        {.method = Method::del,
         .path = "/api/v1/switches/{name}",
         .privilege = Privilege::administer,
         .summary = "Delete a switch that no VM uses; with plan=1 tell what would be done",
         .tag = "network",
         .query = {{"plan", "1: tell what would be done, do nothing"}},
         .instead = router.component<SwitchPlan>(),
         .errors = {Code::switch_in_use, Code::precondition_failed}},
        [&](const Call& call) { return remove(services, call); });
}

} // namespace bhype::network
