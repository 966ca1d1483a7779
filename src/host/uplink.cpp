#include "host/uplink.h"

#include "host/dhclient.h"
#include "host/facts.h"
#include "host/text.h"
#include "host/uplink_planner.h"

#include <fmt/format.h>

#include <ranges>

namespace bhype::host {

UplinkSteps UplinkPlanner::run() {
    switch (change_.kind) {
    case UplinkKind::bridge:
        change_.present ? bridge() : unbridge();
        break;
    case UplinkKind::lagg:
        change_.present ? lagg() : unlagg();
        break;
    case UplinkKind::vlan:
        change_.present ? vlan() : unvlan();
        break;
    }
    for (const auto& setting : result_.rc)
        try {
            sysrc_set(setting.name, setting.value.value_or(""));
        } catch (const Error&) { // found out before anything is done, not when it is to be saved
            add("ports", "rc.conf would have a " + setting.name +
                             " that sysrc cannot write: " + sh_quoted(*setting.value));
        }
    check();
    return std::move(result_);
}

void UplinkPlanner::check() const {
    if (!problems_.empty())
        throw Error(Code::switch_refused, {}, problems_);
}

std::string UplinkPlanner::rc(const std::string& name) const {
    const auto found = network_.rc.find(name);
    return found == network_.rc.end() ? std::string() : found->second;
}

std::vector<const Interface*> UplinkPlanner::ports(std::size_t least, std::size_t most) {
    if (change_.ports.size() < least || change_.ports.size() > most)
        add("ports", most == 1 ? "name one interface" : fmt::format("name {} to {} interfaces", least, most));
    std::vector<const Interface*> found;
    for (const auto& name : change_.ports) {
        const auto* port = find(name);
        if (!port) {
            add("ports", "there is no interface " + name.str());
            continue;
        }
        if (std::ranges::count(found, port) > 0)
            add("ports", name.str() + " is named twice");
        if (!carries_outside(*port))
            add("ports", name.str() + " carries no Ethernet to the outside");
        found.push_back(port);
    }
    return found;
}

void UplinkPlanner::check_free(const Interface& port) {
    for (const auto& other : network_.interfaces) {
        if (std::ranges::count(other.members, port.name.str()) > 0)
            add("ports", port.name.str() + " is a member of " + other.name.str());
        if (std::ranges::count(other.laggports, port.name.str()) > 0)
            add("ports", port.name.str() + " is a port of " + other.name.str());
        // A bridge takes a member's frames before its vlan(4)s see them (if_ethersubr.c).
        if (other.parent == port.name.str())
            add("ports", port.name.str() + " carries " + other.name.str() +
                             ", which would get nothing any more: take that away first");
    }
}

RcInterface UplinkPlanner::saved(const Interface& interface, const char* field) {
    const auto name = interface.name.str();
    auto found = rc_interface(network_.rc, name);
    if (!found.obstacle.empty()) {
        add(field, fmt::format("rc.conf has {} for {}, which bHype does not move", found.obstacle, name));
        return found;
    }
    std::string all = found.inet6;
    for (const auto& address : found.addresses)
        all += ' ' + address;
    const auto told = words(all);
    const bool fixed = std::ranges::any_of(
        found.addresses, [](const std::string& address) { return address.starts_with("inet "); });
    if (!found.dhcp.empty() && fixed)
        add(field,
            fmt::format("rc.conf gives {} a fixed IPv4 address beside DHCP, whose client would take it away "
                        "when it starts on another interface: keep one of the two",
                        name));
    for (const auto& address : given_addresses(interface)) {
        const auto bare = address.substr(0, address.find('/'));
        const bool known = std::ranges::any_of(
            told, [&](std::string_view word) { return word.substr(0, word.find('/')) == bare; });
        const bool learned = address.find(':') == address.npos ? !found.dhcp.empty() : found.rtadv;
        if (!known && !learned)
            add(field,
                fmt::format("{} has {}, which rc.conf's ifconfig_{} does not give it: put it there, or "
                            "it would be gone after the next boot",
                            name, address, rc_word(name)));
    }
    return found;
}

std::vector<GatewayRoute> UplinkPlanner::routes_of(const InterfaceName& name) const {
    std::vector<GatewayRoute> found;
    std::ranges::copy_if(network_.routes, std::back_inserter(found),
                         [&](const GatewayRoute& route) { return route.interface == name.str(); });
    return found;
}

void UplinkPlanner::settle(std::string_view interface, const RcInterface& wanted) {
    auto settings = rc_settings(network_.rc, interface, wanted);
    std::ranges::move(settings, std::back_inserter(result_.rc));
}

void UplinkPlanner::forget(const std::string& name) {
    for (auto& setting : rc_settings(network_.rc, name, {}))
        if (network_.rc.contains(setting.name))
            set(std::move(setting.name), std::nullopt);
}

void UplinkPlanner::move(const Interface& from, const RcInterface& rc, const InterfaceName& to,
                         bool to_lacks_inet6, const std::function<void()>& between) {
    const auto routes = routes_of(from.name);
    const auto addresses = given_addresses(from);
    if (!rc.dhcp.empty()) {
        step(dhclient_stop(from.name), dhclient_start(from.name));
        // devd(8) may have started it again when the link came and went meanwhile.
        result_.finish.push_back({dhclient_stop(from.name), true});
        result_.finish.push_back({dhclient_start(to)});
    }
    for (const auto& route : routes)
        step(route_delete(route), route_add(route));
    // The first address is the one that NAT and connections take: the way back gives it first.
    for (const auto& address : std::views::reverse(addresses))
        step(ifconfig_remove_address(from.name, address), ifconfig_add_address(from.name, address));
    if (!from.inet6.empty()) {
        // A member may have no address, not even a link-local one (FreeBSD 15); that one comes back by
        // itself.
        step(ifconfig_disable_inet6(from.name), ifconfig_enable_inet6(from.name));
        for (const auto& address : from.inet6)
            if (link_local(address))
                step(ifconfig_remove_address(from.name, address), std::nullopt);
    }
    between();
    if (!from.inet6.empty() && to_lacks_inet6)
        step(ifconfig_enable_inet6(to), ifconfig_disable_inet6(to));
    for (const auto& address : addresses)
        step(ifconfig_add_address(to, address), ifconfig_remove_address(to, address));
    for (auto route : routes) {
        if (const auto scope = route.gateway.find('%'); scope != std::string::npos)
            route.gateway = route.gateway.substr(0, scope + 1) + to.str();
        step(route_add(route), route_delete(route));
    }
    if (rc.rtadv)
        result_.finish.push_back({ifconfig_accept_rtadv(to)});
    if (const auto router = this->rc("ipv6_defaultrouter"); router.ends_with('%' + from.name.str()))
        set("ipv6_defaultrouter", router.substr(0, router.find('%') + 1) + to.str());
}

UplinkSteps uplink_steps(const UplinkChange& change, const HostNetwork& network) {
    return UplinkPlanner(change, network).run();
}

UplinkPlanResult shown(const UplinkSteps& steps, const std::map<std::string, std::string>& rc) {
    UplinkPlanResult result;
    for (const auto& step : steps.steps)
        result.now.push_back(display(step.run));
    for (auto step = steps.steps.rbegin(); step != steps.steps.rend(); ++step)
        if (step->back)
            result.back.push_back(display(*step->back));
    for (const auto& command : rc_commands(steps.rc, rc))
        result.saved.push_back(display(command));
    for (const auto& last : steps.finish)
        result.saved.push_back(display(last.run));
    return result;
}

std::vector<Command> rc_commands(const std::vector<RcSetting>& wanted,
                                 const std::map<std::string, std::string>& rc) {
    std::vector<Command> commands;
    for (const auto& setting : wanted) {
        const auto present = rc.find(setting.name);
        if (setting.value && (present == rc.end() || present->second != *setting.value))
            commands.push_back(sysrc_set(setting.name, *setting.value));
        if (!setting.value && present != rc.end())
            commands.push_back(sysrc_remove(setting.name));
    }
    return commands;
}

std::vector<RcSetting> rc_before(const std::vector<RcSetting>& wanted,
                                 const std::map<std::string, std::string>& rc) {
    std::vector<RcSetting> before;
    for (auto setting = wanted.rbegin(); setting != wanted.rend(); ++setting) {
        const auto present = rc.find(setting->name);
        before.push_back(
            {setting->name, present == rc.end() ? std::nullopt : std::optional(present->second)});
    }
    return before;
}

} // namespace bhype::host
