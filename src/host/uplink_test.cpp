#include "host/neighbors.h"
#include "host/sockstat.h"
#include "host/traffic.h"
#include "host/uplink.h"

#include <gtest/gtest.h>

namespace bhype::host {

namespace {

Interface nic(const std::string& name, std::vector<std::string> inet = {},
              std::vector<std::string> inet6 = {}) {
    Interface found;
    found.name = InterfaceName::from(name);
    found.up = true;
    found.mtu = 1500;
    found.ether = "58:9c:fc:00:00:0" + name.substr(name.size() - 1);
    found.inet = std::move(inet);
    found.inet6 = std::move(inet6);
    return found;
}

HostNetwork one_nic() {
    HostNetwork host;
    host.interfaces = {nic("em0", {"192.0.2.10/24", "192.0.2.11/32"}, {"fe80::1%em0/64", "2001:db8::a/64"}),
                       nic("em1")};
    auto bridge = nic("bh-public");
    bridge.ether = "58:9c:fc:10:00:01";
    bridge.groups = {"bridge", "bhype"};
    host.interfaces.push_back(bridge);
    host.routes = {{false, "default", "192.0.2.1", "em0"},
                   {false, "10.0.0.0/8", "192.0.2.2", "em0"},
                   {true, "default", "fe80::99%em0", "em0"}};
    host.rc = {{"ifconfig_em0", "inet 192.0.2.10 netmask 255.255.255.0 -lro"},
               {"ifconfig_em0_alias0", "inet 192.0.2.11/32"},
               {"ifconfig_em0_ipv6", "inet6 2001:db8::a prefixlen 64"},
               {"defaultrouter", "192.0.2.1"},
               {"cloned_interfaces", "bridge0"}};
    return host;
}

UplinkChange bridging() {
    UplinkChange change;
    change.ports = {InterfaceName::from("em0")};
    change.switch_ = SwitchName::from("public");
    return change;
}

using Lines = std::vector<std::string>;

/// With the programs' names instead of their places.
UplinkPlanResult bare(UplinkPlanResult plan) {
    for (auto* lines : {&plan.now, &plan.back, &plan.saved})
        for (auto& line : *lines)
            line.erase(0, line.rfind('/', line.find(' ')) + 1);
    return plan;
}

/// rc.conf after the settings were written.
std::map<std::string, std::string> written(const UplinkSteps& steps, std::map<std::string, std::string> rc) {
    for (const auto& [name, value] : steps.rc)
        if (value)
            rc[name] = *value;
        else
            rc.erase(name);
    return rc;
}

std::vector<FieldProblem> refused(const UplinkChange& change, const HostNetwork& host) {
    try {
        uplink_steps(change, host);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), Code::switch_refused);
        return error.problems();
    }
    return {};
}

} // namespace

TEST(Uplink, BridgingMovesRoutesAndAddressesAndItsWayBackIsTheReverse) {
    const auto host = one_nic();
    const auto plan = bare(shown(uplink_steps(bridging(), host), host.rc));
    EXPECT_EQ(
        plan.now,
        (Lines{"ifconfig bh-public ether 58:9c:fc:00:00:00", "route -n delete -inet default 192.0.2.1",
               "route -n delete -inet 10.0.0.0/8 192.0.2.2", "route -n delete -inet6 default fe80::99%em0",
               "ifconfig em0 inet6 2001:db8::a -alias", "ifconfig em0 inet 192.0.2.11 -alias",
               "ifconfig em0 inet 192.0.2.10 -alias", "ifconfig em0 inet6 ifdisabled -auto_linklocal",
               "ifconfig em0 inet6 fe80::1%em0 -alias", "ifconfig bh-public addm em0",
               "ifconfig bh-public up", "ifconfig bh-public inet6 -ifdisabled auto_linklocal",
               "ifconfig bh-public inet 192.0.2.10/24 alias", "ifconfig bh-public inet 192.0.2.11/32 alias",
               "ifconfig bh-public inet6 2001:db8::a/64 alias", "route -n add -inet default 192.0.2.1",
               "route -n add -inet 10.0.0.0/8 192.0.2.2", "route -n add -inet6 default fe80::99%bh-public"}));
    EXPECT_EQ(plan.back,
              (Lines{"route -n delete -inet6 default fe80::99%bh-public",
                     "route -n delete -inet 10.0.0.0/8 192.0.2.2", "route -n delete -inet default 192.0.2.1",
                     "ifconfig bh-public inet6 2001:db8::a -alias",
                     "ifconfig bh-public inet 192.0.2.11 -alias", "ifconfig bh-public inet 192.0.2.10 -alias",
                     "ifconfig bh-public inet6 ifdisabled -auto_linklocal", "ifconfig bh-public deletem em0",
                     "ifconfig em0 inet6 -ifdisabled auto_linklocal", "ifconfig em0 inet 192.0.2.10/24 alias",
                     "ifconfig em0 inet 192.0.2.11/32 alias", "ifconfig em0 inet6 2001:db8::a/64 alias",
                     "route -n add -inet6 default fe80::99%em0", "route -n add -inet 10.0.0.0/8 192.0.2.2",
                     "route -n add -inet default 192.0.2.1", "ifconfig bh-public ether 58:9c:fc:10:00:01"}));
}

TEST(Uplink, TheNicLosesItsWordsInRcConfOnlyAfterTheBridgeHasThem) {
    const auto host = one_nic();
    const auto plan = bare(shown(uplink_steps(bridging(), host), host.rc));
    EXPECT_EQ(plan.saved,
              (Lines{"sysrc 'ifconfig_bh_public_alias0=inet 192.0.2.10 netmask 255.255.255.0'",
                     "sysrc 'ifconfig_bh_public_alias1=inet 192.0.2.11/32'",
                     "sysrc 'ifconfig_bh_public_ipv6=inet6 2001:db8::a prefixlen 64 auto_linklocal'",
                     "sysrc 'ifconfig_bh_public=ether 58:9c:fc:00:00:00 addm em0 group bhype'",
                     "sysrc 'ifconfig_bh_public_descr=bhype switch/public'",
                     "sysrc ifconfig_bridge1_name=bh-public", "sysrc 'cloned_interfaces=bridge0 bridge1'",
                     "sysrc -x ifconfig_em0_alias0", "sysrc -x ifconfig_em0_ipv6",
                     "sysrc 'ifconfig_em0=-lro up'"}));
}

/// A NIC whose addresses are leased and advertised.
HostNetwork dynamic_nic() {
    auto host = one_nic();
    host.interfaces[0] = nic("em0", {"192.0.2.120/24"}, {"fe80::1%em0/64", "2001:db8::1:2/64"});
    host.routes = {{false, "default", "192.0.2.1", "em0"}, {true, "default", "fe80::99%em0", "em0", true}};
    host.rc = {{"ifconfig_em0", "SYNCDHCP mtu 9000"}, {"ifconfig_em0_ipv6", "inet6 accept_rtadv"}};
    return host;
}

TEST(Uplink, LeasedAndAdvertisedAddressesMoveAndTheirRenewalFollows) {
    auto host = dynamic_nic();
    const auto steps = uplink_steps(bridging(), host);
    const auto plan = bare(shown(steps, host.rc));
    EXPECT_EQ(plan.now[1], "service dhclient forcestop em0");
    EXPECT_EQ(plan.back[plan.back.size() - 2], "service dhclient forcestart em0")
        << "once all is back, so that nothing waits for a server";
    EXPECT_EQ(std::ranges::count(plan.now, "ifconfig bh-public inet 192.0.2.120/24 alias"), 1);
    EXPECT_EQ(std::ranges::count(plan.now, "ifconfig bh-public inet6 2001:db8::1:2/64 alias"), 1);
    EXPECT_EQ(plan.now.back(), "route -n add -inet6 default fe80::99%bh-public");
    ASSERT_GE(plan.saved.size(), 3U);
    EXPECT_EQ(plan.saved[plan.saved.size() - 3], "service dhclient forcestop em0");
    EXPECT_EQ(plan.saved[plan.saved.size() - 2], "service dhclient forcestart bh-public");
    EXPECT_EQ(plan.saved.back(), "ifconfig bh-public inet6 accept_rtadv");

    const auto before = host.rc;
    host.rc = written(steps, host.rc);
    EXPECT_EQ(host.rc.at("ifconfig_bh_public"), "SYNCDHCP ether 58:9c:fc:00:00:00 addm em0 group bhype");
    EXPECT_EQ(host.rc.at("ifconfig_bh_public_ipv6"), "inet6 accept_rtadv auto_linklocal");
    EXPECT_EQ(host.rc.at("ifconfig_em0"), "mtu 9000 up");
    std::swap(host.interfaces[0].inet, host.interfaces[2].inet);
    host.interfaces[2].inet6 = {"2001:db8::1:2/64"};
    host.interfaces[0].inet6.clear();
    host.interfaces[2].members = {"em0"};
    auto change = bridging();
    change.present = false;
    const auto after = written(uplink_steps(change, host), host.rc);
    EXPECT_EQ(after.at("ifconfig_em0"), "SYNCDHCP mtu 9000 up");
    EXPECT_EQ(after.at("ifconfig_em0_ipv6"), before.at("ifconfig_em0_ipv6"));
    EXPECT_FALSE(after.contains("ifconfig_bh_public"));
}

TEST(Uplink, TheLaggHasTheMacByWhichTheDhcpServerKnowsTheHost) {
    auto host = dynamic_nic();
    UplinkChange change;
    change.kind = UplinkKind::lagg;
    change.ports = {InterfaceName::from("em1"), InterfaceName::from("em0")};
    change.name = InterfaceName::from("lagg0");
    change.protocol = LaggProtocol::lacp;
    host.interfaces[1].mtu = host.interfaces[0].mtu;
    const auto problems = refused(change, host);
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_NE(problems[0].rule.find("name em0 first"), std::string::npos);
    std::swap(change.ports[0], change.ports[1]);
    EXPECT_EQ(written(uplink_steps(change, host), host.rc).at("ifconfig_lagg0"),
              "SYNCDHCP laggproto lacp laggport em0 laggport em1 group bhype up");
}

TEST(Uplink, UnbridgingGivesEverythingBack) {
    auto host = one_nic();
    const auto before = host.rc;
    host.rc = written(uplink_steps(bridging(), host), host.rc);
    auto& em0 = host.interfaces[0];
    auto& bridge = host.interfaces[2];
    bridge.inet = em0.inet;
    bridge.inet6 = {"fe80::2%bh-public/64", "2001:db8::a/64"};
    bridge.ether = em0.ether;
    bridge.members = {"em0"};
    em0.inet.clear();
    em0.inet6.clear();
    for (auto& route : host.routes)
        route.interface = "bh-public";
    auto change = bridging();
    change.present = false;
    const auto steps = uplink_steps(change, host);
    const auto after = written(steps, host.rc);
    EXPECT_EQ(after.at("ifconfig_em0_ipv6"), before.at("ifconfig_em0_ipv6"));
    EXPECT_EQ(after.at("cloned_interfaces"), "bridge0");
    for (const auto& [name, value] : after)
        EXPECT_EQ(name.find("bh_public"), name.npos) << name << ' ' << value;
    EXPECT_FALSE(after.contains("ifconfig_bridge1_name"));
    EXPECT_EQ(rc_interface(after, "em0").addresses, rc_interface(before, "em0").addresses);
    const auto plan = bare(shown(steps, host.rc));
    EXPECT_EQ(plan.now.back(), "route -n add -inet6 default fe80::99%em0");
    EXPECT_EQ(std::ranges::count(plan.now, "ifconfig em0 inet 192.0.2.10/24 alias"), 1);
}

TEST(Uplink, WhatTheNextBootWouldNotBringIsRefused) {
    auto host = one_nic();
    host.rc["ifconfig_em0"] = "WPA SYNCDHCP";
    auto problems = refused(bridging(), host);
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_NE(problems[0].rule.find("WPA"), std::string::npos);

    host = one_nic();
    host.rc["ifconfig_em0"] = "DHCP";
    problems = refused(bridging(), host);
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_NE(problems[0].rule.find("beside DHCP"), std::string::npos);

    host = one_nic();
    host.rc.erase("ifconfig_em0_alias0");
    problems = refused(bridging(), host);
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0].field, "ports");
    EXPECT_NE(problems[0].rule.find("192.0.2.11"), std::string::npos);

    host = one_nic();
    host.interfaces[2].members = {"em7"};
    host.interfaces[2].inet = {"10.1.1.1/24"};
    EXPECT_EQ(refused(bridging(), host).size(), 2U); // each of them told

    auto change = bridging();
    change.ports = {InterfaceName::from("em9")};
    EXPECT_EQ(refused(change, host).front().field, "ports");
    change.ports = {};
    EXPECT_EQ(refused(change, host).front().field, "ports");
    change = bridging();
    change.switch_.reset();
    EXPECT_EQ(refused(change, host).front().field, "switch");
}

TEST(Uplink, LaggTakesTheAddressesOfItsOnePortThatHasThem) {
    const auto host = one_nic();
    UplinkChange change;
    change.kind = UplinkKind::lagg;
    change.ports = {InterfaceName::from("em0"), InterfaceName::from("em1")};
    change.name = InterfaceName::from("lagg0");
    change.protocol = LaggProtocol::failover;
    const auto steps = uplink_steps(change, host);
    const auto plan = bare(shown(steps, host.rc));
    const auto create = "ifconfig lagg0 create laggproto failover laggport em0 laggport em1 group bhype up";
    EXPECT_EQ(std::ranges::count(plan.now, create), 1);
    EXPECT_EQ(std::ranges::count(plan.back, "ifconfig lagg0 destroy"), 1);
    EXPECT_EQ(std::ranges::count(plan.now, "ifconfig lagg0 inet 192.0.2.10/24 alias"), 1);
    const auto rc = written(steps, host.rc);
    EXPECT_EQ(rc.at("ifconfig_lagg0"), "laggproto failover laggport em0 laggport em1 group bhype up");
    EXPECT_EQ(rc.at("ifconfig_em1"), "up");
    EXPECT_EQ(rc.at("cloned_interfaces"), "bridge0 lagg0");

    auto both = host;
    both.interfaces[1].inet = {"198.51.100.7/24"};
    EXPECT_EQ(refused(change, both).front().field, "ports");
    change.protocol.reset();
    change.ports.pop_back();
    EXPECT_EQ(refused(change, host).size(), 2U);
}

TEST(Uplink, ALaggIsCalledAsIfconfigWouldCallIt) {
    HostNetwork host;
    host.interfaces = {nic("em0", {"192.0.2.10/24"}), nic("em1")};
    host.rc = {{"ifconfig_em0", "inet 192.0.2.10/24"}};
    UplinkChange change;
    change.kind = UplinkKind::lagg;
    change.ports = {InterfaceName::from("em0"), InterfaceName::from("em1")};
    change.protocol = LaggProtocol::failover;
    for (const auto* bad : {"lagg", "lagg00", "lagg01", "lagg-1", "lagg0x", "lagg99999999", "bond0"}) {
        change.name = InterfaceName::parse(bad);
        const auto problems = refused(change, host);
        ASSERT_EQ(problems.size(), 1U) << bad;
        EXPECT_EQ(problems[0].field, "name");
    }
    for (const auto* good : {"lagg0", "lagg10"}) {
        change.name = InterfaceName::from(good);
        EXPECT_TRUE(refused(change, host).empty()) << good;
    }
}

TEST(Uplink, AVlanOfTheHostIsNeitherBelowABridgeNorInsideAnotherNetwork) {
    HostNetwork host;
    auto bridge = nic("bh-public");
    bridge.members = {"em1"};
    host.interfaces = {nic("em0", {"192.0.2.10/24"}), nic("em1"), bridge};
    UplinkChange change;
    change.kind = UplinkKind::vlan;
    change.vlan = 20;
    const auto fields = [&](const char* port, const char* address) {
        change.ports = {InterfaceName::from(port)};
        change.address = Ipv4Prefix::from(address);
        std::string names;
        for (const auto& problem : refused(change, host))
            names += problem.field + ' ';
        return names;
    };
    EXPECT_EQ(fields("em0", "10.20.0.5/24"), "");
    EXPECT_EQ(fields("em1", "10.20.0.5/24"), "ports ");
    EXPECT_EQ(fields("em0", "192.0.2.98/30"), "address ");
    EXPECT_EQ(fields("em0", "192.0.0.1/16"), "address ");
    EXPECT_EQ(fields("em0", "224.0.0.1/24"), "address ");
    EXPECT_EQ(fields("em0", "10.20.0.255/24"), "address ");
}

TEST(Uplink, VlanOfTheHostComesAndGoes) {
    auto host = one_nic();
    UplinkChange change;
    change.kind = UplinkKind::vlan;
    change.ports = {InterfaceName::from("em0")};
    change.vlan = 20;
    change.address = Ipv4Prefix::from("10.20.0.5/24");
    const auto steps = uplink_steps(change, host);
    EXPECT_EQ(bare(shown(steps, host.rc)).now, (Lines{"ifconfig em0.20 create vlan 20 vlandev em0 up",
                                                      "ifconfig em0.20 inet 10.20.0.5/24 alias"}));
    const auto before = host.rc;
    host.rc = written(steps, host.rc);
    EXPECT_EQ(host.rc.at("vlans_em0"), "20");
    EXPECT_EQ(host.rc.at("ifconfig_em0_20"), "inet 10.20.0.5/24");
    auto vlan = nic("em0.20", {"10.20.0.5/24"});
    vlan.parent = "em0";
    vlan.vlan = 20;
    host.interfaces.push_back(vlan);
    EXPECT_EQ(refused(change, host).front().field, "vlan");
    change.present = false;
    EXPECT_EQ(written(uplink_steps(change, host), host.rc), before);
}

TEST(RcConf, AddressesAreToldFromTheRest) {
    const std::map<std::string, std::string> rc{
        {"ifconfig_em0", "10.0.0.5 netmask 255.0.0.0 broadcast 10.255.255.255 mtu 9000 up"},
        {"ifconfig_em0_alias0", "inet 10.0.0.6/32"},
        {"ifconfig_em1", "ether 02:00:00:00:00:01 inet 192.0.2.9/24"},
        {"ifconfig_em2", "WPA SYNCDHCP"},
        {"ifconfig_em4", "dhcp mtu 9000"},
        {"ifconfig_em4_ipv6", "inet6 accept_rtadv"}};
    const auto em0 = rc_interface(rc, "em0");
    EXPECT_EQ(em0.addresses,
              (Lines{"inet 10.0.0.5 netmask 255.0.0.0 broadcast 10.255.255.255", "inet 10.0.0.6/32"}));
    EXPECT_EQ(em0.rest, "mtu 9000 up");
    EXPECT_EQ(rc_interface(rc, "em1").rest, "ether 02:00:00:00:00:01");
    EXPECT_EQ(rc_interface(rc, "em2").obstacle, "WPA");
    const auto em4 = rc_interface(rc, "em4");
    EXPECT_EQ(em4.dhcp, "dhcp");
    EXPECT_EQ(em4.rest, "mtu 9000");
    EXPECT_TRUE(em4.rtadv);
    EXPECT_TRUE(em4.obstacle.empty());
    EXPECT_TRUE(rc_interface(rc, "em3").addresses.empty());
}

TEST(RcConf, SysrcsOutputIsReadWithValuesOfSeveralLines) {
    const auto command = sysrc_all();
    const auto rc = parse_sysrc(command, {.out = "a_b: x\nlines: one\n  two: three\nempty: \n"});
    EXPECT_EQ(rc.at("a_b"), "x");
    EXPECT_EQ(rc.at("lines"), "one\n  two: three");
    EXPECT_EQ(rc.at("empty"), "");
}

TEST(Routes, TheInterfaceIsFoundByItsColumn) {
    const auto command = netstat_routes(false);
    const auto routes =
        parse_routes(command,
                     {.out = "Routing tables\n\nInternet:\n"
                             "Destination        Gateway            Flags   Nhop#    Mtu      Netif Expire\n"
                             "default            192.0.2.1          UGS         5   1500        em0\n"
                             "127.0.0.1          link#2             UH          1  16384        lo0\n"
                             "192.0.2.0/24       link#1             U           2   1500        em0\n"
                             "10.9.0.0/16        192.0.2.9          UGD         6   1500        em0\n"},
                     false);
    ASSERT_EQ(routes.size(), 1U);
    EXPECT_EQ(routes[0].destination, "default");
    EXPECT_EQ(routes[0].gateway, "192.0.2.1");
    EXPECT_EQ(routes[0].interface, "em0");
    const auto inet6 =
        parse_routes(command,
                     {.out = "Destination     Gateway         Flags   Nhop#    Mtu      Netif Expire\n"
                             "::/96           link#2          URS         4  16384        lo0\n"
                             "default         fe80::99%em0    UG          5   1500        em0\n"
                             "2001:db8:5::/64 fe80::98%em0    UG1         6   1500        em0\n"},
                     true);
    ASSERT_EQ(inet6.size(), 1U);
    EXPECT_TRUE(inet6[0].advertised);
}

TEST(Traffic, CountersAreFoundFromTheRight) {
    const auto command = netstat_interfaces();
    const auto traffic =
        parse_traffic(command, {.out = "Name       Mtu Network     Address              Ipkts Ierrs Idrop    "
                                       " Ibytes    Opkts Oerrs     Obytes  Coll\n"
                                       "em0       1500 <Link#1>    58:9c:fc:00:00:01     1234     1     2    "
                                       " 567890     4321     3     987654     0\n"
                                       "em0          - 192.0.2.0/24 192.0.2.10          1200     -     -     "
                                       "560000     4300     -     980000     -\n"
                                       "em1*      1500 <Link#2>    58:9c:fc:00:00:02        0     0     0    "
                                       "      0        0     0          0     0\n"
                                       "pflog0   33160 <Link#3>                             5     0     0    "
                                       "     60        7     0         80     0\n"});
    ASSERT_EQ(traffic.size(), 3U);
    EXPECT_EQ(
        encode_text(traffic[0]),
        R"({"name":"em0","received_bytes":567890,"received_packets":1234,"received_errors":1,"received_dropped":2,"sent_bytes":987654,"sent_packets":4321,"sent_errors":3})");
    EXPECT_EQ(traffic[1].name.str(), "em1");
    EXPECT_EQ(traffic[2].sent_bytes, 80);
}

TEST(Sockstat, FieldsAreCountedFromTheRight) {
    const auto command = sockstat_listening({53, 67});
    const auto found =
        parse_sockstat(command, {.out = "53       dnsmasq    4711  5  udp4   10.77.0.1:53          *:*\n"
                                        "0        my dhcpd    812  12 udp4      *:67                  *:*\n"
                                        "?        ?          ?     ?  tcp6   fe80::1%em0:53        *:*\n"});
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(encode_text(found[0]),
              R"({"command":"dnsmasq","pid":4711,"protocol":"udp4","address":"10.77.0.1","port":53})");
    EXPECT_EQ(encode_text(found[1]),
              R"({"command":"my dhcpd","pid":812,"protocol":"udp4","address":"*","port":67})");
    EXPECT_EQ(found[2].address, "fe80::1%em0");
    EXPECT_THROW(parse_sockstat(command, {.out = "USER COMMAND\n"}), Error);
    EXPECT_TRUE(parse_sockstat(command, {.out = ""}).empty());
}

TEST(Neighbors, AreReadOfBothFamilies) {
    const auto arp = parse_arp(
        arp_list(), {.out = "? (10.77.0.20) at 58:9c:fc:00:00:01 on bh-nat expires in 1187 seconds [bridge]\n"
                            "? (10.77.0.21) at (incomplete) on bh-nat expired [bridge]\n"
                            "? (10.77.0.1) at 58:9c:fc:00:00:02 on bh-nat permanent [bridge]\n"});
    ASSERT_EQ(arp.size(), 2U);
    EXPECT_EQ(encode_text(arp[0]),
              R"({"mac":"58:9c:fc:00:00:01","address":"10.77.0.20","interface":"bh-nat"})");
    const auto ndp =
        parse_ndp(ndp_list(),
                  {.out = "Neighbor                             Linklayer Address  Netif Expire    S Flags\n"
                          "fe80::5a9c:fcff:fe00:1%bh-nat        58:9c:fc:00:00:01  bh-nat 23h59m58s S \n"
                          "fd00:77::20                          (incomplete)       bh-nat expired   N\n"});
    ASSERT_EQ(ndp.size(), 1U);
    EXPECT_EQ(encode_text(ndp[0]),
              R"({"mac":"58:9c:fc:00:00:01","address":"fe80::5a9c:fcff:fe00:1","interface":"bh-nat"})");
}

} // namespace bhype::host
