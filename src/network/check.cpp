#include "network/check.h"

#include "host/address.h"
#include "host/dnsmasq.h"
#include "host/ifconfig.h"

#include <algorithm>

#include <fmt/format.h>

namespace bhype::network {

namespace {

class Checker {
  public:
    Checker(const Wanted& wanted, const std::vector<Wanted>& others,
            const std::vector<host::Interface>& interfaces)
        : wanted_(wanted), others_(others), interfaces_(interfaces) {}

    std::vector<FieldProblem> run() {
        const auto& w = wanted_;
        const bool own_network = has_own_network(w.kind);
        only(own_network, "address", w.address.has_value(), "nat and private switches have addresses");
        only(own_network, "address6", w.address6.has_value(), "nat and private switches have addresses");
        only(own_network, "reach_host", w.reach_host, "it is for nat and private switches");
        only(w.kind == SwitchKind::public_ || w.kind == SwitchKind::nat, "uplink", w.uplink.has_value(),
             "public and nat switches have one");
        only(w.kind == SwitchKind::public_, "vlan", w.vlan.has_value(), "it is for public switches");
        only(w.kind == SwitchKind::manual, "bridge", w.bridge.has_value(),
             "bHype makes the bridge of every other kind");
        only(w.kind != SwitchKind::manual, "mtu", w.mtu.has_value(),
             "a manual switch's bridge stays as it is");
        const bool serves = own_network && w.address && w.dhcp;
        const bool announces = own_network && w.address6 && w.dhcp;
        for (const auto& [field, given] :
             {std::pair("first", w.first.has_value()), std::pair("last", w.last.has_value()),
              std::pair("lease", w.lease.has_value()), std::pair("domain", w.domain.has_value()),
              std::pair("dns", !w.dns.empty()), std::pair("options", !w.options.empty())})
            only(serves, field, given, "it is for switches with an address and DHCP");
        if (w.kind == SwitchKind::nat && !w.address)
            add("address", "a nat switch needs one, such as 10.77.0.1/24");
        if (w.kind == SwitchKind::manual)
            check_bridge();
        if (w.uplink && (w.kind == SwitchKind::public_ || w.kind == SwitchKind::nat))
            check_uplink();
        if (w.vlan && !w.uplink)
            add("vlan", "needs the uplink that carries it");
        if (own_network)
            check_network();
        if (announces)
            check_announced();
        if (serves)
            check_range();
        return std::move(problems_);
    }

  private:
    void add(std::string field, std::string rule) {
        problems_.push_back({std::move(field), std::move(rule)});
    }
    void only(bool allowed, const char* field, bool given, const char* why) {
        if (given && !allowed)
            add(field, std::string("leave it out here: ") + why);
    }
    bool itself(const Wanted& other) const { return other.name == wanted_.name; }

    void check_bridge() {
        if (!wanted_.bridge)
            return add("bridge", "name the bridge that is to be used");
        const auto* bridge = named(interfaces_, *wanted_.bridge);
        if (!bridge)
            return add("bridge", "there is no interface " + wanted_.bridge->str());
        if (!in_group(*bridge, "bridge"))
            add("bridge", wanted_.bridge->str() + " is no bridge");
        else if (in_group(*bridge, host::interface_group))
            add("bridge", wanted_.bridge->str() + " is bHype's own");
        for (const auto& other : others_)
            if (!itself(other) && other.kind == SwitchKind::manual && other.bridge == wanted_.bridge)
                add("bridge", "switch " + other.name.str() + " uses " + wanted_.bridge->str());
    }

    void check_uplink() {
        const auto& name = *wanted_.uplink;
        const auto* uplink = named(interfaces_, name);
        if (!uplink)
            return add("uplink", "there is no interface " + name.str());
        if (host::leads_nowhere(*uplink))
            return add("uplink", name.str() + " leads nowhere outside");
        for (const auto& other : others_)
            if (name == host::bridge_name(other.name) && has_own_network(other.kind))
                return add("uplink", name.str() + " is the bridge of switch " + other.name.str() +
                                         ", which leads nowhere outside");
        if (wanted_.kind == SwitchKind::nat) { // a tunnel will do
            if (in_group(*uplink, "bridge") && host::given_addresses(*uplink).empty())
                add("uplink", name.str() + " has no address of the host that guests could be translated to");
            return;
        }
        if (in_group(*uplink, "bridge"))
            return add("uplink", name.str() + " is a bridge; a manual switch uses one as it is");
        if (!host::carries_outside(*uplink))
            return add("uplink", name.str() + " carries no Ethernet to the outside");
        // A bridge takes a member's frames before its vlan(4)s see them (if_ethersubr.c).
        for (const auto& other : interfaces_) {
            if (wanted_.vlan && std::ranges::count(other.members, name.str()) > 0 &&
                other.name != bridge_of(wanted_))
                add("vlan", name.str() + " is a member of " + other.name.str() +
                                ", which takes tagged frames as well");
            if (!wanted_.vlan && other.parent == name.str() && other.name != host::vlan_name(wanted_.name))
                add("uplink",
                    name.str() + " carries " + other.name.str() + ", which would get nothing any more");
        }
        if (wanted_.mtu && wanted_.vlan && wanted_.mtu->value > uplink->mtu)
            add("mtu", "must be at most " + std::to_string(uplink->mtu) + ", the uplink's");
        if (wanted_.mtu && !wanted_.vlan)
            add("mtu", "is the uplink's, " + std::to_string(uplink->mtu) + "; change it there");
        for (const auto& other : others_)
            if (!itself(other) && other.kind == SwitchKind::public_ && other.uplink == wanted_.uplink &&
                (other.vlan ? other.vlan->value : 0) == (wanted_.vlan ? wanted_.vlan->value : 0))
                add("uplink", "switch " + other.name.str() + " has " + name.str() +
                                  (wanted_.vlan ? " with that VLAN" : ""));
        if (wanted_.vlan || wanted_.hosts_addresses)
            return;
        if (const auto addresses = host::given_addresses(*uplink); !addresses.empty())
            add("uplink", name.str() + " has the host's address " + addresses.front() +
                              ", which has to move to the bridge: bhype uplink bridge " + name.str() +
                              " does that, and undoes it unless you confirm");
        for (const auto& other : interfaces_)
            if (std::ranges::count(other.members, name.str()) > 0 &&
                other.name != host::bridge_name(wanted_.name))
                add("uplink", name.str() + " is a member of " + other.name.str());
    }

    void check_network() {
        const auto against = [&](const char* field, const std::string& prefix) {
            for (const auto& other : others_)
                if (!itself(other) && ((other.address && host::overlap(other.address->str(), prefix)) ||
                                       (other.address6 && host::overlap(other.address6->str(), prefix))))
                    add(field, "overlaps switch " + other.name.str());
            for (const auto& interface : interfaces_)
                if (interface.name != host::bridge_name(wanted_.name) && !is_switch(interface))
                    for (const auto& address : host::given_addresses(interface))
                        if (host::overlap(address, prefix))
                            add(field, "overlaps " + address + " of " + interface.name.str());
        };
        if (wanted_.address) {
            against("address", wanted_.address->str());
            usable("address", wanted_.address->str());
        }
        if (wanted_.address6) {
            against("address6", wanted_.address6->str());
            usable("address6", wanted_.address6->str());
            if (wanted_.mtu && wanted_.mtu->value < 1280)
                add("mtu", "must be at least 1280 for IPv6 (RFC 8200)");
        }
        for (const auto& server : wanted_.dns)
            usable("dns", server.str());
        for (const auto& option : wanted_.options)
            if (const auto why = settled_option(option.code.value); !why.empty())
                add("options", std::to_string(option.code.value) + ' ' + std::string(why));
    }

    /// Codes of RFC 2132 and RFC 3046 that are not the administrator's to give: dnsmasq would take them.
    static std::string_view settled_option(std::int64_t code) {
        switch (code) {
        case 1:
            return "(subnet mask) follows from the switch's address";
        case 6:
            return "(DNS servers) is the setting dns";
        case 15:
            return "(domain name) is the setting domain";
        case 51:
            return "(lease time) is the setting lease";
        case 50:
        case 52:
        case 53:
        case 54:
        case 55:
        case 57:
        case 61:
        case 82:
            return "belongs to the DHCP protocol itself";
        default:
            return {};
        }
    }

    void usable(const char* field, const std::string& address) {
        if (const auto why = host::unusable(address); !why.empty())
            add(field, address.substr(0, address.find('/')) + ' ' + why);
    }

    void check_announced() {
        if (!wanted_.address6->str().ends_with("/64"))
            add("address6",
                "must have a length of 64, since guests make their addresses of what is announced "
                "(RFC 4862); with dhcp=no nothing is");
    }

    /// The bridge of another switch: named by that switch already.
    bool is_switch(const host::Interface& interface) const {
        return std::ranges::any_of(others_, [&](const Wanted& other) {
            return other.kind != SwitchKind::manual && interface.name == host::bridge_name(other.name);
        });
    }

    void check_range() {
        if (wanted_.first.has_value() != wanted_.last.has_value())
            return add(wanted_.first ? "last" : "first", "a range needs both ends or none");
        if (!wanted_.first)
            return;
        const auto net = host::ipv4_network(*wanted_.address);
        const auto first = host::ipv4_number(*wanted_.first);
        const auto last = host::ipv4_number(*wanted_.last);
        for (const auto& [field, value] : {std::pair("first", first), std::pair("last", last)})
            if (value <= net.first || value >= net.last)
                add(field, "must lie within " + net.str() + ", the network of the switch's address");
        if (first > last)
            add("last", "must not be before first");
        if (net.address >= first && net.address <= last)
            add("first", "the range holds the bridge's own address");
    }

    const Wanted& wanted_;
    const std::vector<Wanted>& others_;
    const std::vector<host::Interface>& interfaces_;
    std::vector<FieldProblem> problems_;
};

} // namespace

std::string called(const SwitchNic& nic) {
    return nic.vm.str() + "'s " + nic.nic.str();
}

InterfaceName bridge_of(const Wanted& wanted) {
    return wanted.kind == SwitchKind::manual && wanted.bridge ? *wanted.bridge
                                                              : host::bridge_name(wanted.name);
}

std::vector<FieldProblem> problems_of(const Wanted& wanted, const std::vector<Wanted>& others,
                                      const std::vector<host::Interface>& interfaces) {
    return Checker(wanted, others, interfaces).run();
}

std::vector<FieldProblem> clashes_of(const Wanted& wanted, const std::vector<host::Listener>& listeners) {
    std::vector<FieldProblem> problems;
    if (!wanted.address || !wanted.dhcp)
        return problems;
    host::DhcpRange range;
    range.address = wanted.address;
    for (const auto& one : listeners)
        if (host::keeps_from(one, range))
            problems.push_back(
                {"dhcp", fmt::format("{} (process {}) has {} port {}, which bHype's dnsmasq needs: stop "
                                     "it, give it other addresses, or turn DHCP off on this switch",
                                     one.command, one.pid, one.protocol, one.port)});
    return problems;
}

std::vector<std::string> drift_of(const Wanted& wanted, const std::vector<host::Interface>& interfaces) {
    const auto name = bridge_of(wanted);
    const auto* bridge = named(interfaces, name);
    if (!bridge)
        return {"bridge " + name.str() + " is missing"};
    std::vector<std::string> drift;
    if (!bridge->up)
        drift.push_back(name.str() + " is down");
    if (wanted.kind == SwitchKind::manual)
        return drift;
    if (!wanted.hosts_addresses) {
        const auto compare = [&](const std::vector<std::string>& present, const std::string& address) {
            if (!address.empty() && std::ranges::count(present, address) == 0)
                drift.push_back("address " + address + " is missing");
            for (const auto& other : present)
                if (other != address && !host::link_local(other))
                    drift.push_back("address " + other + " is not bHype's");
        };
        compare(bridge->inet, wanted.address ? wanted.address->str() : "");
        compare(bridge->inet6, wanted.address6 ? wanted.address6->str() : "");
    }
    if (wanted.mtu && bridge->mtu != wanted.mtu->value)
        drift.push_back("the MTU is " + std::to_string(bridge->mtu));
    if (wanted.uplink && wanted.kind == SwitchKind::public_) {
        const auto port = wanted.vlan ? host::vlan_name(wanted.name) : *wanted.uplink;
        if (std::ranges::count(bridge->members, port.str()) == 0)
            drift.push_back(port.str() + " is not a member");
    }
    return drift;
}

SwitchState state_of(const Wanted& wanted, const std::vector<host::Interface>& interfaces) {
    if (!named(interfaces, bridge_of(wanted)))
        return SwitchState::missing;
    if (!drift_of(wanted, interfaces).empty())
        return SwitchState::drifted;
    return wanted.kind == SwitchKind::public_ && !wanted.uplink ? SwitchState::unconnected : SwitchState::up;
}

Ipv4Prefix free_network(const std::vector<Wanted>& wanted, const std::vector<host::Interface>& interfaces) {
    for (int third = 0; third < 256; ++third) {
        auto candidate = Ipv4Prefix::from("10.77." + std::to_string(third) + ".1/24");
        const bool taken =
            std::ranges::any_of(interfaces,
                                [&](const auto& interface) {
                                    return std::ranges::any_of(interface.inet, [&](const auto& address) {
                                        return host::overlap(address, candidate.str());
                                    });
                                }) ||
            std::ranges::any_of(wanted, [&](const auto& other) {
                return other.address && host::overlap(other.address->str(), candidate.str());
            });
        if (!taken)
            return candidate;
    }
    throw Error(Code::switch_refused, {},
                {{"address", "every network of 10.77.0.0/16 is in use; name another"}});
}

host::DhcpRange dhcp_range(const Wanted& wanted) {
    return {wanted.name,   wanted.address, wanted.address6,
            wanted.first,  wanted.last,    wanted.lease,
            wanted.domain, wanted.dns,     wanted.kind == SwitchKind::nat,
            wanted.options};
}

std::optional<host::BridgeEnsure> bridge_operation(const Wanted& wanted) {
    if (wanted.kind == SwitchKind::manual)
        return std::nullopt;
    host::BridgeEnsure operation;
    operation.switch_ = wanted.name;
    operation.address = wanted.address;
    operation.address6 = wanted.address6;
    operation.hosts_addresses = wanted.hosts_addresses;
    operation.mtu = wanted.mtu;
    if (wanted.kind == SwitchKind::public_) {
        operation.uplink = wanted.uplink;
        operation.vlan = wanted.vlan;
    }
    return operation;
}

} // namespace bhype::network
