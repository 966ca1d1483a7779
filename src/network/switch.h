#pragma once

// Switches and port forwards, as they are wanted and as the API shows them.

#include "host/operations.h"

namespace bhype::network {

/// What a switch's guests have: the network of an uplink; a network of their own, translated on its way out;
/// each other; whatever a bridge offers that the administrator made.
enum class SwitchKind { public_, nat, private_, manual };
BOOST_DESCRIBE_ENUM(SwitchKind, public_, nat, private_, manual)

/// Its guests have a network of bHype's, which pf keeps apart.
constexpr bool has_own_network(SwitchKind kind) {
    return kind == SwitchKind::nat || kind == SwitchKind::private_;
}

/// What can be changed of a switch.
struct SwitchSettings {
    std::optional<Note> note;
    std::optional<InterfaceName>
        uplink; ///< public: joins the bridge; nat: the way out, not the default route's
    std::optional<host::VlanTag> vlan;   ///< public: of the uplink
    std::optional<InterfaceName> bridge; ///< manual: the bridge that is used as it is
    std::optional<host::Mtu> mtu;
    bool isolated = false;             ///< guests do not reach each other
    bool reach_host = false;           ///< nat, private: guests may reach the host's own addresses
    std::optional<Ipv4Prefix> address; ///< nat, private: of the bridge
    std::optional<Ipv6Prefix> address6;
    bool dhcp = true; ///< DHCP, names and router advertisements, where there is an address
    std::optional<Ipv4Address> first;
    std::optional<Ipv4Address> last;
    std::optional<Ranged<120, 31536000>> lease; ///< seconds; 12 hours when missing
    std::optional<DomainName> domain;
    std::vector<Ipv4Address> dns; ///< none: the bridge's address
    std::vector<host::DhcpOption> options;
};
BOOST_DESCRIBE_STRUCT(SwitchSettings, (),
                      (note, uplink, vlan, bridge, mtu, isolated, reach_host, address, address6, dhcp, first,
                       last, lease, domain, dns, options))

/// A switch as it is wanted.
struct Wanted : SwitchSettings {
    SwitchName name;
    SwitchKind kind = SwitchKind::nat;
    /// The bridge has the host's own addresses: they moved there from the uplink.
    bool hosts_addresses = false;
};
BOOST_DESCRIBE_STRUCT(Wanted, (SwitchSettings), (name, kind, hosts_addresses))

/// up: as wanted; drifted: the host differs, and `drift` says how; missing: there is no bridge; unconnected:
/// public, without an uplink.
enum class SwitchState { up, drifted, missing, unconnected };
BOOST_DESCRIBE_ENUM(SwitchState, up, drifted, missing, unconnected)

/// A NIC of a VM on a switch.
struct SwitchNic {
    VmName vm;
    DeviceName nic;
    SwitchName switch_;
    MacAddress mac;
    std::optional<Ipv4Address> fixed; ///< reserved for it
    std::string address;              ///< that it has now, as far as is known
    bool running = false;
};
BOOST_DESCRIBE_STRUCT(SwitchNic, (), (vm, nic, switch_, mac, fixed, address, running))

/// A switch as the API shows it.
struct Switch : SwitchSettings {
    SwitchName name;
    SwitchKind kind = SwitchKind::nat;
    InterfaceName interface; ///< its bridge
    SwitchState state = SwitchState::missing;
    std::vector<std::string> drift; ///< "address 10.77.0.1/24 is missing"
    std::vector<std::string> members;
    std::vector<std::string> guests; ///< VMs with a NIC on it, of those that the caller may see
};
BOOST_DESCRIBE_STRUCT(Switch, (SwitchSettings), (name, kind, interface, state, drift, members, guests))

struct CreateSwitch : SwitchSettings {
    SwitchName name;
    SwitchKind kind = SwitchKind::nat;
    bool plan = false; ///< tell what would be done, do nothing
};
BOOST_DESCRIBE_STRUCT(CreateSwitch, (SwitchSettings), (name, kind, plan))

struct EditSwitch : SwitchSettings {
    bool plan = false;
};
BOOST_DESCRIBE_STRUCT(EditSwitch, (SwitchSettings), (plan))

struct SwitchPlan {
    std::vector<std::string> steps;
    std::vector<std::string> problems;
};
BOOST_DESCRIBE_STRUCT(SwitchPlan, (), (steps, problems))

/// An address that a guest has by DHCP.
struct LeaseView {
    MacAddress mac;
    std::string address;
    std::string hostname;              ///< that the guest gave itself or bHype gave it
    std::int64_t expires = 0;          ///< epoch seconds, 0: never
    std::optional<SwitchName> switch_; ///< whose network it is of
    std::optional<VmName> vm;
    std::optional<DeviceName> nic;
    bool fixed = false; ///< reserved for that NIC
};
BOOST_DESCRIBE_STRUCT(LeaseView, (), (mac, address, hostname, expires, switch_, vm, nic, fixed))

/// A MAC with an address that the host has talked to (arp(8), ndp(8)), whoever gave it that.
struct NeighborView {
    MacAddress mac;
    std::string address;
    std::string interface; ///< on whose network it was seen
    std::optional<SwitchName> switch_;
    std::optional<VmName> vm;
    std::optional<DeviceName> nic;
};
BOOST_DESCRIBE_STRUCT(NeighborView, (), (mac, address, interface, switch_, vm, nic))

/// pf as the API shows it.
struct FirewallView {
    bool loaded = false;
    bool enabled = false;
    bool called = false; ///< the main rules call bHype's anchors: NAT, forwards and isolation work
    bool ipfw = false;
    host::ConfState conf = host::ConfState::missing;
    std::string lines;             ///< what pf.conf needs
    std::string rules;             ///< in anchor bhype/guests, as pf shows them
    std::vector<std::string> todo; ///< what is in the way, and what to do about it
};
BOOST_DESCRIBE_STRUCT(FirewallView, (), (loaded, enabled, called, ipfw, conf, lines, rules, todo))

/// A port of the host that leads to a guest.
struct Forward {
    std::string name; ///< "tcp-8080": protocol and port, or "tcp-192.0.2.10-8080"
    host::Protocol protocol = host::Protocol::tcp;
    std::optional<Ipv4Address> from; ///< address of the host; all of the way out when missing
    host::Port port;
    VmName vm;
    std::optional<DeviceName> nic; ///< the VM's first one when missing
    host::Port to_port;
    Note note;
};
BOOST_DESCRIBE_STRUCT(Forward, (), (name, protocol, from, port, vm, nic, to_port, note))
/// active: packets are led there; waiting: its guest has no address yet; broken: it cannot lead anywhere.
enum class ForwardState { active, waiting, broken };
BOOST_DESCRIBE_ENUM(ForwardState, active, waiting, broken)

/// A forward as the API shows it.
struct ForwardView : Forward {
    ForwardState state = ForwardState::broken;
    std::optional<Ipv4Address> to;       ///< the guest's address, when active
    std::optional<InterfaceName> uplink; ///< of its switch, where it comes in
    std::string reason;                  ///< waiting, broken: why
};
BOOST_DESCRIBE_STRUCT(ForwardView, (Forward), (state, to, uplink, reason))

struct CreateForward {
    host::Protocol protocol = host::Protocol::tcp;
    std::optional<Ipv4Address> from;
    host::Port port;
    VmName vm;
    std::optional<DeviceName> nic;
    std::optional<host::Port> to_port; ///< the same port when missing
    std::optional<Note> note;
};
BOOST_DESCRIBE_STRUCT(CreateForward, (), (protocol, from, port, vm, nic, to_port, note))

/// An interface that leads outside, as the API shows it.
struct Uplink {
    InterfaceName name;
    std::string driver; ///< "em", "lagg", "vlan"
    bool up = false;
    bool link = true;
    std::string media; ///< "Ethernet autoselect (1000baseT <full-duplex>)"
    std::string ether;
    std::int64_t mtu = 0;
    std::vector<std::string> addresses;
    std::vector<std::string> ports;   ///< of a lagg(4)
    std::vector<std::string> used_by; ///< "bh-public", "lagg0", "em0.20", "the host"
    std::vector<std::string> advice;
};
BOOST_DESCRIBE_STRUCT(Uplink, (),
                      (name, driver, up, link, media, ether, mtu, addresses, ports, used_by, advice))

struct UplinkList {
    std::vector<Uplink> uplinks;
    host::UplinkGuard guard; ///< the last change, and whether it waits to be confirmed
};
BOOST_DESCRIBE_STRUCT(UplinkList, (), (uplinks, guard))

struct ChangeUplink : host::UplinkChange {
    Ranged<10, 3600> seconds{60}; ///< for the confirmation
    bool plan = false;            ///< tell the commands, do nothing
};
BOOST_DESCRIBE_STRUCT(ChangeUplink, (host::UplinkChange), (seconds, plan))

/// Which change: the guard's id, which is that of the task that made it.
struct DecideUplink {
    TaskId id;
};
BOOST_DESCRIBE_STRUCT(DecideUplink, (), (id))

} // namespace bhype::network
