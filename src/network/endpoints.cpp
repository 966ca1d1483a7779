#include "network/endpoints.h"

#include "host/address.h"
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
    const auto switches = services.switches.wanted();
    std::vector<LeaseView> all;
    for (const auto& lease : services.host.call(host::LeaseList{})) {
        LeaseView view{lease.mac, lease.address, lease.hostname, lease.expires, {}, {}, {}, false};
        if (!owners.name(view))
            continue;
        // A NIC that was moved still has one of the network that it was on.
        const auto address = Ipv4Address::parse(lease.address);
        const auto home = std::ranges::find_if(switches, [&](const Wanted& item) {
            return address && item.address &&
                   host::ipv4_network(*item.address).contains(host::ipv4_number(*address));
        });
        view.switch_ = home == switches.end() ? std::nullopt : std::optional(home->name);
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
    add_switch_endpoints(router, services);
    add_forward_endpoints(router, services);
    add_host(router, services);
    add_uplink_endpoints(router, services);
}

} // namespace bhype::network
