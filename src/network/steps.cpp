// What is done for a switch, in words.

#include "host/address.h"
#include "host/ifconfig.h"
#include "network/check.h"

namespace bhype::network {

std::vector<std::string> steps_of(const Wanted& wanted, const Wanted* before) {
    std::vector<std::string> steps;
    const auto name = bridge_of(wanted).str();
    if (wanted.kind == SwitchKind::manual) {
        steps.push_back("use bridge " + name + " as it is");
        return steps;
    }
    if (!before)
        steps.push_back("create bridge " + name);
    if (!before && wanted.kind == SwitchKind::public_ && !wanted.uplink)
        steps.push_back("leave " + name + " without an uplink; bhype uplink bridge NIC connects it later");
    if (before && before->uplink && before->uplink != wanted.uplink && wanted.kind == SwitchKind::public_)
        steps.push_back("take " + (before->vlan ? host::vlan_name(wanted.name) : *before->uplink).str() +
                        " out of " + name);
    if (wanted.uplink && wanted.kind == SwitchKind::public_ &&
        (!before || before->uplink != wanted.uplink || before->vlan != wanted.vlan))
        steps.push_back(wanted.vlan ? "create VLAN " + std::to_string(wanted.vlan->value) + " on " +
                                          wanted.uplink->str() + " and let it join " + name
                                    : "let " + wanted.uplink->str() + " join " + name);
    for (const auto& [now, was] : {std::pair(wanted.address ? wanted.address->str() : "",
                                             before && before->address ? before->address->str() : ""),
                                   std::pair(wanted.address6 ? wanted.address6->str() : "",
                                             before && before->address6 ? before->address6->str() : "")}) {
        if (!was.empty() && was != now)
            steps.push_back("remove address " + was + " from " + name);
        if (!now.empty() && was != now)
            steps.push_back("add address " + now + " to " + name);
    }
    if (wanted.mtu && (!before || before->mtu != wanted.mtu))
        steps.push_back("set the MTU of " + name + " and its members to " +
                        std::to_string(wanted.mtu->value));
    if (before && before->isolated != wanted.isolated)
        steps.push_back(wanted.isolated ? "make the guests' taps private members"
                                        : "make the guests' taps ordinary members");
    if (wanted.address && wanted.dhcp)
        steps.push_back("serve DHCP and names on " + name + " with dnsmasq");
    if (wanted.address6 && wanted.dhcp)
        steps.push_back("announce " + host::ipv6_network(*wanted.address6) + " on " + name + " with dnsmasq");
    if (wanted.kind == SwitchKind::nat)
        steps.push_back("translate " + host::ipv4_network(*wanted.address).str() +
                        " on its way out, in pf's anchor bhype/guests");
    return steps;
}

std::vector<std::string> removal_of(const Wanted& wanted) {
    const auto name = bridge_of(wanted).str();
    if (wanted.kind == SwitchKind::manual)
        return {"forget the switch; bridge " + name + " stays as it is"};
    std::vector<std::string> steps;
    if (wanted.dhcp && (wanted.address || wanted.address6))
        steps.push_back("serve no DHCP and names on " + name + " any more");
    if (wanted.kind == SwitchKind::nat)
        steps.push_back("translate " + host::ipv4_network(*wanted.address).str() + " no more");
    if (wanted.uplink)
        steps.push_back(wanted.vlan ? "destroy VLAN interface " + host::vlan_name(wanted.name).str()
                                    : "take " + wanted.uplink->str() + " out of " + name);
    steps.push_back("destroy bridge " + name + (wanted.address ? ", with " + wanted.address->str() : ""));
    return steps;
}

} // namespace bhype::network
