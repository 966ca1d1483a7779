#include "network/switches.h"

#include <gtest/gtest.h>

namespace bhype::network {
namespace {

host::Interface interface(const char* name, std::vector<std::string> inet = {},
                          std::vector<std::string> groups = {}) {
    host::Interface made;
    made.name = InterfaceName::from(name);
    made.up = true;
    made.mtu = 1500;
    made.inet = std::move(inet);
    made.groups = std::move(groups);
    made.ether = "58:9c:fc:00:00:01";
    return made;
}

/// A host with an uplink that has its address, a spare NIC, and a bridge of the administrator's.
std::vector<host::Interface> host_interfaces() {
    return {interface("lo0", {"127.0.0.1/8"}, {"lo"}), interface("em0", {"192.0.2.10/24"}), interface("em1"),
            interface("bridge0", {}, {"bridge"}), interface("tap9", {}, {"tap"})};
}

Wanted wanted(const char* name, SwitchKind kind, const char* address = nullptr) {
    Wanted made;
    made.name = SwitchName::from(name);
    made.kind = kind;
    if (address)
        made.address = Ipv4Prefix::from(address);
    return made;
}

std::string fields(const std::vector<FieldProblem>& problems) {
    std::string names;
    for (const auto& problem : problems)
        names += (names.empty() ? "" : " ") + problem.field;
    return names;
}

std::string problems(const Wanted& item, const std::vector<Wanted>& others = {}) {
    return fields(problems_of(item, others, host_interfaces()));
}

TEST(SwitchCheck, TakesWhatCanBe) {
    EXPECT_EQ(problems(wanted("nat", SwitchKind::nat, "10.77.0.1/24")), "");
    EXPECT_EQ(problems(wanted("private", SwitchKind::private_)), "");
    EXPECT_EQ(problems(wanted("public", SwitchKind::public_)), "");
    auto spare = wanted("public", SwitchKind::public_);
    spare.uplink = InterfaceName::from("em1");
    EXPECT_EQ(problems(spare), "");
    auto tagged = wanted("dmz", SwitchKind::public_);
    tagged.uplink = InterfaceName::from("em0");
    tagged.vlan = 20;
    tagged.mtu = 1400;
    EXPECT_EQ(problems(tagged), "") << "the uplink keeps its address under a VLAN";
    auto adopted = wanted("old", SwitchKind::manual);
    adopted.bridge = InterfaceName::from("bridge0");
    EXPECT_EQ(problems(adopted), "");
}

TEST(SwitchCheck, NamesEveryProblem) {
    auto item = wanted("x", SwitchKind::public_, "10.77.0.1/24");
    item.bridge = InterfaceName::from("bridge0");
    item.reach_host = true;
    item.uplink = InterfaceName::from("em0");
    item.first = Ipv4Address::from("10.77.0.2");
    EXPECT_EQ(problems(item), "address reach_host bridge first uplink");
    EXPECT_EQ(problems(wanted("x", SwitchKind::nat)), "address");
    EXPECT_EQ(problems(wanted("x", SwitchKind::manual)), "bridge");
    auto adopted = wanted("x", SwitchKind::manual);
    for (const char* bad : {"em0", "bridge7"}) {
        adopted.bridge = InterfaceName::from(bad);
        EXPECT_EQ(problems(adopted), "bridge") << bad;
    }
    auto uplink = wanted("x", SwitchKind::public_);
    for (const char* bad : {"em0", "em7", "lo0", "tap9", "bridge0"}) {
        uplink.uplink = InterfaceName::from(bad);
        EXPECT_EQ(problems(uplink), "uplink") << bad;
    }
    auto tagged = wanted("x", SwitchKind::public_);
    tagged.vlan = 20;
    EXPECT_EQ(problems(tagged), "vlan");
    tagged.uplink = InterfaceName::from("em0");
    tagged.mtu = 9000;
    EXPECT_EQ(problems(tagged), "mtu");
}

TEST(SwitchCheck, KnowsItsNetwork) {
    EXPECT_EQ(problems(wanted("x", SwitchKind::nat, "192.0.2.1/24")), "address");
    EXPECT_EQ(problems(wanted("x", SwitchKind::nat, "10.77.0.0/24")), "address");
    const auto other = wanted("nat", SwitchKind::nat, "10.77.0.1/24");
    EXPECT_EQ(problems(wanted("x", SwitchKind::private_, "10.77.0.129/25"), {other}), "address");
    EXPECT_EQ(problems(other, {other}), "") << "not with itself";
    auto ranged = other;
    ranged.first = Ipv4Address::from("10.77.0.10");
    EXPECT_EQ(problems(ranged), "last");
    ranged.last = Ipv4Address::from("10.77.0.5");
    EXPECT_EQ(problems(ranged), "last");
    ranged.last = Ipv4Address::from("10.77.1.5");
    EXPECT_EQ(problems(ranged), "last");
    ranged.last = Ipv4Address::from("10.77.0.50");
    EXPECT_EQ(problems(ranged), "");
    ranged.first = Ipv4Address::from("10.77.0.1");
    EXPECT_EQ(problems(ranged), "first");
    EXPECT_EQ(free_network({other}, host_interfaces()).str(), "10.77.1.1/24");
}

TEST(SwitchCheck, RefusesAddressesThatNoHostHas) {
    for (const auto* bad : {"224.0.0.1/24", "240.0.0.1/8", "255.255.255.1/24", "0.1.2.3/8", "127.5.0.1/24"})
        EXPECT_NE(problems(wanted("x", SwitchKind::nat, bad)).find("address"), std::string::npos) << bad;
    auto item = wanted("x", SwitchKind::nat, "10.77.0.1/24");
    item.dns = {Ipv4Address::from("0.0.0.0"), Ipv4Address::from("192.0.2.53")};
    EXPECT_EQ(problems(item), "dns");
}

TEST(SwitchCheck, KnowsWhatIpv6Needs) {
    auto item = wanted("x", SwitchKind::private_);
    const auto with = [&](const char* address) {
        item.address6 = Ipv6Prefix::from(address);
        return problems(item);
    };
    EXPECT_EQ(with("fd00:77::1/64"), "");
    EXPECT_EQ(with("fd00:77::/64"), "address6");
    EXPECT_EQ(with("fd00:77::1/60"), "address6") << "guests cannot make addresses of it";
    item.dhcp = false;
    EXPECT_EQ(with("fd00:77::1/60"), "");
    item.mtu = 1279;
    EXPECT_EQ(with("fd00:77::1/64"), "mtu");
    item.mtu = 1280;
    item.dhcp = true;
    item.lease = 600;
    EXPECT_EQ(with("fd00:77::1/64"), "lease") << "that is of DHCP";
}

TEST(SwitchCheck, LeadsOutsideBySomethingThatDoes) {
    const auto nat = wanted("nat", SwitchKind::nat, "10.77.0.1/24");
    auto all = host_interfaces();
    for (const auto* name : {"bh-nat", "bh-public"})
        all.push_back(interface(name, {}, {"bridge", "bhype"}));
    const auto with = [&](const char* uplink) {
        auto changed = nat;
        changed.uplink = InterfaceName::from(uplink);
        return fields(problems_of(changed, {nat, wanted("public", SwitchKind::public_)}, all));
    };
    EXPECT_EQ(with("bh-nat"), "uplink") << "its own bridge";
    EXPECT_EQ(with("bh-public"), "uplink") << "nothing to translate to";
    all.back().inet = {"192.0.2.10/24"};
    EXPECT_EQ(with("bh-public"), "") << "the host's addresses are there";
    EXPECT_EQ(with("em0"), "");
}

TEST(SwitchCheck, LeavesTheProtocolsOwnOptionsAlone) {
    auto item = wanted("x", SwitchKind::nat, "10.77.0.1/24");
    for (const int code : {1, 6, 15, 51, 53, 82}) {
        item.options = {{code, DhcpValue::from("1")}};
        EXPECT_EQ(problems(item), "options") << code;
    }
    item.options = {{42, DhcpValue::from("192.0.2.1")}};
    EXPECT_EQ(problems(item), "");
}

TEST(SwitchDrift, TellsEachDifference) {
    auto item = wanted("nat", SwitchKind::nat, "10.77.0.1/24");
    auto all = host_interfaces();
    EXPECT_EQ(state_of(item, all), SwitchState::missing);
    all.push_back(interface("bh-nat", {"10.77.0.1/24"}, {"bridge", "bhype"}));
    EXPECT_EQ(state_of(item, all), SwitchState::up);
    all.back().inet = {"10.99.0.1/24"};
    all.back().up = false;
    all.back().mtu = 9000;
    item.mtu = 1500;
    EXPECT_EQ(drift_of(item, all),
              (std::vector<std::string>{"bh-nat is down", "address 10.77.0.1/24 is missing",
                                        "address 10.99.0.1/24 is not bHype's", "the MTU is 9000"}));
    auto uplink = wanted("public", SwitchKind::public_);
    all.push_back(interface("bh-public", {"192.0.2.10/24"}, {"bridge", "bhype"}));
    uplink.hosts_addresses = true;
    EXPECT_EQ(state_of(uplink, all), SwitchState::unconnected);
    uplink.uplink = InterfaceName::from("em0");
    EXPECT_EQ(drift_of(uplink, all), std::vector<std::string>{"em0 is not a member"});
    all.back().members = {"em0"};
    EXPECT_EQ(state_of(uplink, all), SwitchState::up);
}

TEST(Labels, AreOfRfc1123) {
    const auto label = [](const char* vm, const char* nic) {
        const auto made = label_of(VmName::from(vm), DeviceName::from(nic));
        return made ? made->str() : std::string("none");
    };
    EXPECT_EQ(label("Web_1", "net0"), "web-1");
    EXPECT_EQ(label("web1", "net1"), "web1-net1");
    EXPECT_EQ(label("a-_", "net0"), "a");
}

} // namespace
TEST(Clashes, AreThoseThatDnsmasqCannotLiveBeside) {
    Wanted wanted;
    wanted.address = Ipv4Prefix::from("10.77.0.1/24");
    const auto count = [&](const std::vector<host::Listener>& listeners) {
        return clashes_of(wanted, listeners).size();
    };
    EXPECT_EQ(count({{"dhcpd", 12, "udp4", "*", 67}}), 1U);
    EXPECT_EQ(count({{"named", 13, "udp4", "10.77.0.1", 53}, {"named", 13, "tcp4", "10.77.0.1", 53}}), 2U);
    EXPECT_EQ(count({{"local-unbound", 14, "udp4", "127.0.0.1", 53}, {"named", 13, "udp4", "*", 53}}), 0U);
    EXPECT_EQ(count({{"dnsmasq", 15, "udp4", "*", 67}}), 0U);
    wanted.dhcp = false;
    EXPECT_EQ(count({{"dhcpd", 12, "udp4", "*", 67}}), 0U);
}

} // namespace bhype::network
