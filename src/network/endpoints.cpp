#include "network/endpoints.h"

#include "host/ifconfig.h"
#include "host/pf.h"
#include "network/tasks.h"

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

/// The plan, or what is in the way.
std::optional<Reply> planned(const Call& call, bool plan, const std::vector<FieldProblem>& problems,
                             const Wanted& wanted, const Wanted* before) {
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
    return ok(encode(result));
}

void add_clashes(const Services& services, const Wanted& wanted, std::vector<FieldProblem>& problems) {
    if (!wanted.address || !wanted.dhcp)
        return;
    auto clashes = clashes_of(wanted, services.host.call(host::PortList{dhcp_ports}));
    std::ranges::move(clashes, std::back_inserter(problems));
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
    add_clashes(services, wanted, problems);
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
    add_clashes(services, wanted, problems);
    if (before.hosts_addresses)
        for (const auto& [field, same] : {std::pair{"uplink", before.uplink == wanted.uplink},
                                          {"vlan", !wanted.vlan},
                                          {"mtu", before.mtu == wanted.mtu}})
            if (!same)
                problems.push_back(
                    {field, "cannot be changed while the host's own addresses are on the bridge; bhype "
                            "uplink unbridge gives them back"});
    if (auto reply = planned(call, request.plan, problems, wanted, &before))
        return std::move(*reply);
    if (encode(wanted) == encode(before))
        return show(services, call, before);
    return submit(services, call, "switch.edit", "Change", {before, wanted});
}

Reply remove(const Services& services, const Call& call) {
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
    return submit(services, call, "switch.delete", "Delete", {before, std::nullopt});
}

void add_switches(api::Router& router, Services& services) {
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
    services.task_endpoints.add(router,
                                {.method = Method::del,
                                 .path = "/api/v1/switches/{name}",
                                 .privilege = Privilege::administer,
                                 .summary = "Delete a switch that no VM uses",
                                 .tag = "network",
                                 .errors = {Code::switch_in_use, Code::precondition_failed}},
                                [&](const Call& call) { return remove(services, call); });
}

/// Whose NICs MACs are, as far as the caller may see.
class Owners {
  public:
    Owners(const Services& services, const Call& call)
        : services_(services), call_(call), nics_(services.switches.nics()) {
        for (const auto& nic : nics_)
            by_mac_.emplace(nic.mac, &nic);
    }
    /// Fills in switch, VM and NIC. False when the caller may not see it at all.
    template <class View>
    bool name(View& view) const {
        const auto found = by_mac_.find(view.mac);
        if (found == by_mac_.end())
            return call_.caller.may(Privilege::administer);
        const auto& nic = *found->second;
        view.switch_ = nic.switch_;
        view.vm = nic.vm;
        view.nic = nic.nic;
        if constexpr (requires { view.fixed; })
            view.fixed = nic.fixed && nic.fixed->str() == view.address;
        return services_.may_see(call_.caller, nic.vm);
    }

  private:
    const Services& services_;
    const Call& call_;
    const std::vector<SwitchNic> nics_;
    std::map<MacAddress, const SwitchNic*> by_mac_;
};

std::vector<LeaseView> leases(const Services& services, const Call& call) {
    const Owners owners(services, call);
    std::vector<LeaseView> all;
    for (const auto& lease : services.host.call(host::LeaseList{})) {
        LeaseView view{lease.mac, lease.address, lease.hostname, lease.expires, {}, {}, {}, false};
        if (owners.name(view))
            all.push_back(std::move(view));
    }
    return all;
}

std::vector<NeighborView> neighbors(const Services& services, const Call& call) {
    const Owners owners(services, call);
    const auto seen = services.switches.interfaces();
    std::set<std::string> own; // arp(8) and ndp(8) list the host itself as well
    for (const auto& interface : *seen)
        own.insert(interface.ether);
    std::vector<NeighborView> all;
    for (const auto& one : services.host.call(host::NeighborList{})) {
        if (own.contains(one.mac.str()))
            continue;
        NeighborView view{one.mac, one.address, one.interface, {}, {}, {}};
        if (owners.name(view))
            all.push_back(std::move(view));
    }
    return all;
}

void add_host(api::Router& router, Services& services) {
    router.add<std::vector<LeaseView>>(
        {.method = Method::get,
         .path = "/api/v1/leases",
         .privilege = Privilege::look,
         .summary = "List the DHCP leases of VMs that the caller may see; all for administrators",
         .tag = "network"},
        [&](const Call& call) { return ok(encode(leases(services, call))); });
    router.add<std::vector<NeighborView>>(
        {.method = Method::get,
         .path = "/api/v1/neighbors",
         .privilege = Privilege::look,
         .summary =
             "List the MACs and addresses that the host has talked to, of VMs that the caller may see; all "
             "for administrators",
         .tag = "network"},
        [&](const Call& call) { return ok(encode(neighbors(services, call))); });
    router.add<std::vector<host::Interface>>(
        {.method = Method::get,
         .path = "/api/v1/interfaces",
         .privilege = Privilege::administer,
         .summary = "List the host's network interfaces",
         .tag = "network"},
        [&](const Call&) { return ok(encode(services.host.call(host::InterfaceList{}))); });
    router.add<std::vector<host::Traffic>>(
        {.method = Method::get,
         .path = "/api/v1/traffic",
         .privilege = Privilege::look,
         .summary = "What went through the interfaces: all for administrators, else the taps of VMs that the "
                    "caller may see",
         .tag = "network"},
        [&](const Call& call) {
            auto all = services.host.call(host::TrafficList{});
            if (!call.caller.may(Privilege::administer)) {
                std::set<std::string> taps;
                const auto seen = services.switches.interfaces();
                for (const auto& interface : *seen)
                    if (const auto vm = host::vm_of_tap(interface.description);
                        vm && services.may_see(call.caller, *vm))
                        taps.insert(interface.name.str());
                std::erase_if(all, [&](const host::Traffic& one) { return !taps.contains(one.name.str()); });
            }
            return ok(encode(all));
        });
    router.add<FirewallView>(
        {.method = Method::get,
         .path = "/api/v1/firewall",
         .privilege = Privilege::administer,
         .summary = "pf: whether it calls bHype's rules, which those are, and what pf.conf needs",
         .tag = "network"},
        [&](const Call&) { return ok(encode(firewall_view(services.host.call(host::FirewallShow{})))); });
    services.task_endpoints.add<host::FirewallInstall>(
        router,
        {.method = Method::post,
         .path = "/api/v1/firewall",
         .privilege = Privilege::administer,
         .summary = "Put bHype's lines into pf.conf at two marked places and turn pf on, or take them out "
                    "({\"present\": false}); the whole file passes pfctl -nf first",
         .tag = "network",
         .errors = {Code::switch_refused}},
        [&](const Call& call, const host::FirewallInstall& request) {
            if (request.present) {
                const auto now = services.host.call(host::FirewallShow{});
                if (now.ipfw && !now.enabled)
                    throw Error(Code::switch_refused, {}, {{"present", firewall_view(now).todo.front()}});
                if (now.rules_file != "/etc/pf.conf")
                    throw Error(Code::switch_refused, {},
                                {{"present", "rc.conf's pf_rules names " + now.rules_file +
                                                 ": put the lines shown into that file yourself"}});
                if (!now.enabled && now.own_rules)
                    throw Error(
                        Code::switch_refused, {},
                        {{"present", "pf is off, and /etc/pf.conf has rules of its own that would come into "
                                     "effect with it: try them first (service pf onestart), then again"}});
            }
            return services.task_endpoints.start(call, "firewall.install", "firewall",
                                                 request.present ? "Put bHype's lines into pf.conf"
                                                                 : "Take bHype's lines out of pf.conf",
                                                 encode(request));
        });
}

} // namespace

FirewallView firewall_view(const host::FirewallShowResult& found) {
    FirewallView view;
    view.loaded = found.loaded;
    view.enabled = found.enabled;
    view.called = found.enabled && found.nat && found.rdr && found.filter;
    view.ipfw = found.ipfw;
    view.conf = found.conf;
    view.lines = host::pf_conf_lines();
    view.rules = found.text;
    if (found.ipfw && !found.enabled)
        view.todo.push_back(
            "This host filters with ipfw. bHype's NAT and isolation need pf, and two filters do not "
            "mix well: move your rules to pf.conf, or give guests public switches only and "
            "translate with ipfw nat yourself.");
    if (found.conf != host::ConfState::complete)
        view.todo.push_back(
            "/etc/pf.conf does not call bHype's rules: put the lines shown where you want them, or "
            "let bhype firewall install do it.");
    if (!found.loaded || !found.enabled)
        view.todo.push_back(
            "pf is off: sysrc pf_enable=YES; service pf start. bhype firewall install does both.");
    else if (!view.called && found.conf == host::ConfState::complete)
        view.todo.push_back("pf has not read /etc/pf.conf since it was changed: service pf reload.");
    return view;
}

void add_endpoints(api::Router& router, Services& services) {
    add_switches(router, services);
    add_forward_endpoints(router, services);
    add_host(router, services);
    add_uplink_endpoints(router, services);
}

} // namespace bhype::network
