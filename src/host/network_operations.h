#pragma once

// Operations on interfaces, bridges, DHCP and pf; part of host/operations.h.

#include "host/operation.h"

namespace bhype::host {

using Mtu = Ranged<576, 9216>;
using VlanTag = Ranged<1, 4094>;
using Port = Ranged<1, 65535>;

struct Interface {
    InterfaceName name;
    bool up = false;
    bool carrier = true; ///< false: "no carrier"
    std::int64_t mtu = 0;
    std::string ether;
    std::string description;
    std::string media;                ///< "Ethernet autoselect (1000baseT <full-duplex>)"
    std::vector<std::string> options; ///< TXCSUM, LRO, ... that are on
    std::vector<std::string> groups;
    std::vector<std::string> members;  ///< of a bridge
    std::vector<std::string> isolated; ///< of those, the `private` ones (ifconfig(8))
    std::vector<std::string> inet;     ///< "10.77.0.1/24"
    std::vector<std::string> inet6;    ///< "fd00:77::1/64", link-local ones as "fe80::1%em0/64"
    std::vector<std::string> nd6; ///< IPv6 options that are on: AUTO_LINKLOCAL, IFDISABLED, ... (ifconfig.8)
    std::int64_t opened_by = 0;   ///< pid that has a tap open, 0 if none
    std::int64_t vlan = 0;        ///< tag of a vlan(4), else 0
    std::string parent;           ///< of a vlan(4)
    std::string laggproto;        ///< of a lagg(4): "lacp"
    std::vector<std::string> laggports;
};
BOOST_DESCRIBE_STRUCT(Interface, (),
                      (name, up, carrier, mtu, ether, description, media, options, groups, members, isolated,
                       inet, inet6, nd6, opened_by, vlan, parent, laggproto, laggports))
struct InterfaceList {
    BHYPE_OPERATION("interface.list", reads, 20);
    using Result = std::vector<Interface>;
};
BOOST_DESCRIBE_STRUCT(InterfaceList, (), ())

/// What went through an interface since it was made. Of a tap: received is what its guest has sent.
struct Traffic {
    InterfaceName name;
    std::int64_t received_bytes = 0;
    std::int64_t received_packets = 0;
    std::int64_t received_errors = 0;
    std::int64_t received_dropped = 0;
    std::int64_t sent_bytes = 0;
    std::int64_t sent_packets = 0;
    std::int64_t sent_errors = 0;
};
BOOST_DESCRIBE_STRUCT(Traffic, (),
                      (name, received_bytes, received_packets, received_errors, received_dropped, sent_bytes,
                       sent_packets, sent_errors))
struct TrafficList {
    BHYPE_OPERATION("traffic.list", reads, 20);
    using Result = std::vector<Traffic>;
};
BOOST_DESCRIBE_STRUCT(TrafficList, (), ())

struct Lease {
    std::int64_t expires = 0; ///< epoch seconds, 0 = never
    MacAddress mac;
    std::string address;
    std::string hostname; ///< empty when unknown
};
BOOST_DESCRIBE_STRUCT(Lease, (), (expires, mac, address, hostname))
/// Leases of bHype's dnsmasq; empty when it has never run.
struct LeaseList {
    BHYPE_OPERATION("lease.list", reads, 10);
    using Result = std::vector<Lease>;
};
BOOST_DESCRIBE_STRUCT(LeaseList, (), ())

/// Whom the host has spoken to lately (arp(8), ndp(8)).
struct Neighbor {
    MacAddress mac;
    std::string address;   ///< of either family, without a scope
    std::string interface; ///< on whose network it is
};
BOOST_DESCRIBE_STRUCT(Neighbor, (), (mac, address, interface))
struct NeighborList {
    BHYPE_OPERATION("neighbor.list", reads, 20);
    using Result = std::vector<Neighbor>;
};
BOOST_DESCRIBE_STRUCT(NeighborList, (), ())

/// Bridge "bh-NAME" in group bhype; made when missing, corrected when it drifted. Members that others put
/// there stay.
struct BridgeEnsure {
    SwitchName switch_;
    std::optional<Ipv4Prefix> address;
    std::optional<Ipv6Prefix> address6;
    /// True: the bridge's addresses are the host's own; they are left as they are.
    bool hosts_addresses = false;
    std::optional<Mtu> mtu;
    /// Joins the bridge. Refused with Error(interface_busy) when it has addresses or is another bridge's
    /// member.
    std::optional<InterfaceName> uplink;
    /// A vlan(4) "bhv-NAME" on the uplink joins in its place, and the uplink may have addresses.
    std::optional<VlanTag> vlan;
    BHYPE_OPERATION("bridge.ensure", reconciled, 60);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(BridgeEnsure, (), (switch_, address, address6, hosts_addresses, mtu, uplink, vlan))

/// Takes an uplink out of bridge "bh-NAME". Not a member: done.
struct BridgeDetach {
    SwitchName switch_;
    InterfaceName uplink;
    BHYPE_OPERATION("bridge.detach", reconciled, 30);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(BridgeDetach, (), (switch_, uplink))

/// Destroys bridge "bh-NAME" and vlan(4) "bhv-NAME". Refused with Error(switch_in_use) while it has members
/// other than that vlan(4). Absent: done.
struct BridgeRemove {
    SwitchName switch_;
    BHYPE_OPERATION("bridge.remove", reconciled, 30);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(BridgeRemove, (), (switch_))

struct TapCreateResult {
    InterfaceName tap;
};
BOOST_DESCRIBE_STRUCT(TapCreateResult, (), (tap))
/// A tap in group bhype, described "bhype vm/NAME/NIC", member of the bridge, MTU set first. The VM's tap of
/// that description is used when it exists: taken out of the bridge where it was, if need be.
struct TapCreate {
    VmName vm;
    DeviceName nic;
    InterfaceName bridge;
    bool isolated = false; ///< a `private` member: does not reach others of that kind
    BHYPE_OPERATION("tap.create", reconciled, 30);
    using Result = TapCreateResult;
};
BOOST_DESCRIBE_STRUCT(TapCreate, (), (vm, nic, bridge, isolated))

/// Removes the taps of bHype's that are described as that VM's. Refused while the VM runs.
struct TapsRemove {
    VmName vm;
    BHYPE_OPERATION("tap.remove", reconciled, 30);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(TapsRemove, (), (vm))

// ---- DHCP and names

/// A socket that waits for packets or connections.
struct Listener {
    std::string command; ///< as its program calls itself; "?" when nobody has it
    std::int64_t pid = 0;
    std::string protocol; ///< "udp4", "tcp6"
    std::string address;  ///< "*" for all
    std::int64_t port = 0;
};
BOOST_DESCRIBE_STRUCT(Listener, (), (command, pid, protocol, address, port))
/// Who listens on these ports of the host, but for bHype's dnsmasq.
struct PortList {
    std::vector<Ranged<1, 65535>> ports; ///< one at least
    BHYPE_OPERATION("port.list", reads, 20);
    using Result = std::vector<Listener>;
};
BOOST_DESCRIBE_STRUCT(PortList, (), (ports))

/// RFC 2132 options beside those that have a field of their own.
struct DhcpOption {
    Ranged<1, 254> code;
    DhcpValue value;
};
BOOST_DESCRIBE_STRUCT(DhcpOption, (), (code, value))

struct DhcpRange {
    SwitchName switch_;                 ///< its bridge is bHype's own
    std::optional<Ipv4Prefix> address;  ///< of the bridge; guests get addresses of the same network
    std::optional<Ipv6Prefix> address6; ///< a /64, announced by router advertisements; one of both is there
    std::optional<Ipv4Address> first;   ///< both or none: the larger side beside the bridge's address
    std::optional<Ipv4Address> last;
    std::optional<Ranged<120, 31536000>> lease; ///< seconds; 12 hours when missing
    std::optional<DomainName> domain;
    std::vector<Ipv4Address> dns; ///< none: the bridge's address, where dnsmasq answers
    bool router = true;           ///< false: guests get no default route and no DNS
    std::vector<DhcpOption> options;
};
BOOST_DESCRIBE_STRUCT(DhcpRange, (),
                      (switch_, address, address6, first, last, lease, domain, dns, router, options))

/// A NIC's name in DNS, and its address when that is fixed.
struct DhcpHost {
    SwitchName switch_;
    MacAddress mac;
    std::optional<Ipv4Address> address;
    DomainName name; ///< one label
};
BOOST_DESCRIBE_STRUCT(DhcpHost, (), (switch_, mac, address, name))

struct DhcpTestResult {
    std::string refusal; ///< dnsmasq's words and the line that they are about; empty: it would serve this
};
BOOST_DESCRIBE_STRUCT(DhcpTestResult, (), (refusal))
/// Whether `dnsmasq --test` accepts what a switch would have it serve. Changes nothing.
struct DhcpTest {
    DhcpRange range;
    BHYPE_OPERATION("dhcp.test", reads, 20);
    using Result = DhcpTestResult;
};
BOOST_DESCRIBE_STRUCT(DhcpTest, (), (range))

struct DhcpEnsureResult {
    bool had_ended = false; ///< by itself, since it was started last; it was started again
    std::string refused;    ///< what is not served since others have its ports, and who; empty: all is
};
BOOST_DESCRIBE_STRUCT(DhcpEnsureResult, (), (had_ended, refused))
/// Writes dnsmasq's configuration, checks it with --test and makes sure that one dnsmasq runs with it. Leases
/// stay. A range whose bridge is not there waits for the next time, and one whose ports somebody else has.
/// Error(port_taken) when that was not seen before it was tried.
struct DhcpEnsure {
    std::vector<DhcpRange> ranges; ///< none: dnsmasq is stopped
    std::vector<DhcpHost> hosts;
    BHYPE_OPERATION("dhcp.ensure", reconciled, 30);
    using Result = DhcpEnsureResult;
};
BOOST_DESCRIBE_STRUCT(DhcpEnsure, (), (ranges, hosts))

// ---- routing and pf

/// net.inet.ip.forwarding and net.inet6.ip6.forwarding now, gateway_enable and ipv6_gateway_enable at boot.
/// What is on already stays on.
struct RoutingEnsure {
    bool inet = true;
    bool inet6 = false;
    BHYPE_OPERATION("routing.ensure", reconciled, 30);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(RoutingEnsure, (), (inet, inet6))

struct FirewallSwitch {
    SwitchName switch_;
    bool nat = false; ///< translated to the address of the way out; else its guests stay among themselves
    bool reach_host = false;           ///< guests may reach the host's own addresses
    std::optional<Ipv4Prefix> address; ///< of the bridge
    std::optional<Ipv6Prefix> address6;
    std::optional<InterfaceName> uplink; ///< the way out; that of the default route when missing
};
BOOST_DESCRIBE_STRUCT(FirewallSwitch, (), (switch_, nat, reach_host, address, address6, uplink))

enum class Protocol { tcp, udp };
BOOST_DESCRIBE_ENUM(Protocol, tcp, udp)
struct FirewallForward {
    Protocol protocol = Protocol::tcp;
    std::optional<Ipv4Address> from; ///< address of the host; all of the way out when missing
    Port port;
    Ipv4Address to;
    Port to_port;
    std::optional<InterfaceName> uplink; ///< where it comes in; that of the default route when missing
};
BOOST_DESCRIBE_STRUCT(FirewallForward, (), (protocol, from, port, to, to_port, uplink))

struct FirewallEnsureResult {
    bool loaded = false;  ///< false: the kernel has no pf
    std::string text;     ///< of anchor bhype/guests
    bool enabled = false; ///< pfctl -e
    bool called = false;  ///< the main rules call anchor bhype/* for NAT, forwards and filtering
};
BOOST_DESCRIBE_STRUCT(FirewallEnsureResult, (), (loaded, text, enabled, called))
/// Loads anchor bhype/guests of pf with NAT, forwards and isolation, after `pfctl -n`; other anchors and the
/// main rules are not touched.
struct FirewallEnsure {
    std::vector<FirewallSwitch> switches;
    std::vector<FirewallForward> forwards;
    BHYPE_OPERATION("firewall.ensure", reconciled, 30);
    using Result = FirewallEnsureResult;
};
BOOST_DESCRIBE_STRUCT(FirewallEnsure, (), (switches, forwards))

/// What of bHype's lines is in pf.conf.
enum class ConfState { missing, complete, partial };
BOOST_DESCRIBE_ENUM(ConfState, missing, complete, partial)
struct FirewallShowResult {
    bool loaded = false;  ///< the kernel has pf
    bool enabled = false; ///< pfctl -e
    bool nat = false;     ///< the main rules call nat-anchor "bhype/*"
    bool rdr = false;     ///< ... rdr-anchor "bhype/*"
    bool filter = false;  ///< ... anchor "bhype/*"
    bool ipfw = false;    ///< ipfw is loaded
    bool conf_exists = false;
    ConfState conf = ConfState::missing;
    bool own_rules = false;               ///< pf.conf has some beside bHype's lines
    std::string rules_file;               ///< rc.conf's pf_rules, "/etc/pf.conf" when it has none
    std::string text;                     ///< the rules in anchor bhype/guests as pf shows them
    bool forwarding = false;              ///< net.inet.ip.forwarding
    std::optional<InterfaceName> way_out; ///< of the default route
};
BOOST_DESCRIBE_STRUCT(FirewallShowResult, (),
                      (loaded, enabled, nat, rdr, filter, ipfw, conf_exists, conf, own_rules, rules_file,
                       text, forwarding, way_out))
struct FirewallShow {
    BHYPE_OPERATION("firewall.show", reads, 20);
    using Result = FirewallShowResult;
};
BOOST_DESCRIBE_STRUCT(FirewallShow, (), ())

/// Puts bHype's lines into /etc/pf.conf at two marked places, or takes them out; the whole candidate passes
/// `pfctl -nf` first. Then pf_enable=YES, and pf reads the file. The file from before stays as
/// pf.conf.bhype-old.
struct FirewallInstall {
    bool present = true;
    BHYPE_OPERATION("firewall.install", replaces, 60);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(FirewallInstall, (), (present))

// ---- uplinks: changes that could cut the host off

enum class UplinkKind { bridge, lagg, vlan };
BOOST_DESCRIBE_ENUM(UplinkKind, bridge, lagg, vlan)
/// lagg(4)
enum class LaggProtocol { lacp, failover, loadbalance };
BOOST_DESCRIBE_ENUM(LaggProtocol, lacp, failover, loadbalance)

/// A change of the interfaces that carry the host's own addresses, now and in rc.conf.
struct UplinkChange {
    /// bridge: a NIC joins a switch's bridge, where the host's addresses move. lagg: NICs become one, which
    /// has the addresses that one of them had. vlan: a vlan(4) on a NIC for the host itself.
    UplinkKind kind = UplinkKind::bridge;
    bool present = true;               ///< false: taken back; addresses go back to the (first) NIC
    std::vector<InterfaceName> ports;  ///< bridge, vlan: one NIC; lagg: two or more; lagg taken back: none
    std::optional<SwitchName> switch_; ///< bridge
    std::optional<InterfaceName> name; ///< lagg: "lagg0"
    std::optional<LaggProtocol> protocol;
    std::optional<VlanTag> vlan;
    std::optional<Ipv4Prefix> address; ///< vlan: the host's on it
};
BOOST_DESCRIBE_STRUCT(UplinkChange, (), (kind, present, ports, switch_, name, protocol, vlan, address))

struct UplinkPlanResult {
    std::vector<std::string> now;   ///< commands, in their order
    std::vector<std::string> back;  ///< that undo them, in their order
    std::vector<std::string> saved; ///< that follow the confirmation: sysrc, then what renews leases
};
BOOST_DESCRIBE_STRUCT(UplinkPlanResult, (), (now, back, saved))
/// What a change would do. Error(switch_refused) when this host does not allow it.
struct UplinkPlan {
    UplinkChange change;
    BHYPE_OPERATION("uplink.plan", reads, 30);
    using Result = UplinkPlanResult;
};
BOOST_DESCRIBE_STRUCT(UplinkPlan, (), (change))

/// applying: its commands run; armed: done, it goes back by itself unless confirmed; saving: confirmed,
/// rc.conf is being written; kept; reverting; reverted.
enum class GuardState { none, applying, armed, saving, kept, reverting, reverted };
BOOST_DESCRIBE_ENUM(GuardState, none, applying, armed, saving, kept, reverting, reverted)
/// The last change and what became of it.
struct UplinkGuard {
    GuardState state = GuardState::none;
    std::string id; ///< names it when it is confirmed or taken back
    UplinkChange change;
    std::int64_t until = 0;            ///< armed: epoch seconds at which it goes back
    std::string reason;                ///< reverted: why
    std::vector<std::string> failures; ///< commands that failed while it was taken back, or after it was kept
};
BOOST_DESCRIBE_STRUCT(UplinkGuard, (), (state, id, change, until, reason, failures))
struct UplinkShow {
    BHYPE_OPERATION("uplink.show", reads, 10);
    using Result = UplinkGuard;
};
BOOST_DESCRIBE_STRUCT(UplinkShow, (), ())

/// Makes a change and arms its way back: unless uplink.confirm comes within that time, hostd undoes it, also
/// after its own death; a boot before that brings up what was. Error(switch_refused) as for the plan,
/// Error(uplink_busy) while another waits. A failure undoes it at once.
struct UplinkApply {
    TaskId id; ///< names the change from then on
    UplinkChange change;
    Ranged<10, 3600> seconds{60};
    BHYPE_OPERATION("uplink.apply", replaces, 120);
    using Result = UplinkGuard;
};
BOOST_DESCRIBE_STRUCT(UplinkApply, (), (id, change, seconds))

/// Saves it in rc.conf by sysrc(8): the next boot has it, with bHype or without. Kept already: done.
/// Error(uplink_over) when it does not wait for that, as when its time is over.
struct UplinkConfirm {
    TaskId id;
    BHYPE_OPERATION("uplink.confirm", replaces, 120);
    using Result = UplinkGuard;
};
BOOST_DESCRIBE_STRUCT(UplinkConfirm, (), (id))

/// Undoes it at once. Reverted already, or never heard of: done. Error(uplink_over) when it was kept.
struct UplinkRevert {
    TaskId id;
    BHYPE_OPERATION("uplink.revert", reconciled, 120);
    using Result = UplinkGuard;
};
BOOST_DESCRIBE_STRUCT(UplinkRevert, (), (id))

} // namespace bhype::host
