#include "vm/addresses.h"

#include <gmock/gmock.h>

namespace bhype::vm {
namespace {

network::Wanted item(const char* name, network::SwitchKind kind, const char* address = nullptr) {
    network::Wanted made;
    made.name = SwitchName::from(name);
    made.kind = kind;
    if (address)
        made.address = Ipv4Prefix::from(address);
    return made;
}

const auto mac = MacAddress::from("58:9c:fc:00:00:01");
const std::vector<network::Wanted> switches{item("nat", network::SwitchKind::nat, "10.77.0.1/24"),
                                            item("lab", network::SwitchKind::nat, "10.78.0.1/24"),
                                            item("public", network::SwitchKind::public_)};

host::MachineNic on(const char* name) {
    host::MachineNic nic;
    nic.mac = mac;
    nic.switch_ = SwitchName::from(name);
    return nic;
}

TEST(Addresses, AreOfTheSwitchThatTheNicIsOn) {
    const Addresses known({{2000, mac, "10.77.0.20", ""}, {1000, mac, "10.78.0.20", ""}}, {}, switches);
    EXPECT_EQ(known.inet(on("nat")), "10.77.0.20");
    EXPECT_EQ(known.inet(on("lab")), "10.78.0.20") << "though the other was leased later";
    EXPECT_EQ(known.inet(on("public")), "");
    EXPECT_EQ(known.inet(on("gone")), "");
}

TEST(Addresses, TheNewestLeaseCounts) {
    const Addresses known({{0, mac, "10.77.0.30", ""}, {2000, mac, "10.77.0.20", ""}}, {}, switches);
    EXPECT_EQ(known.inet(on("nat")), "10.77.0.30") << "one that never ends";
}

TEST(Addresses, AreSeenOnTheSwitchsBridge) {
    const std::vector<host::Neighbor> seen{{mac, "10.77.0.9", "bh-nat"},
                                           {mac, "192.0.2.50", "bh-public"},
                                           {mac, "fe80::1", "bh-public"},
                                           {mac, "2001:db8::1", "bh-public"}};
    const Addresses known({}, seen, switches);
    EXPECT_EQ(known.inet(on("nat")), "10.77.0.9");
    EXPECT_EQ(known.inet(on("public")), "192.0.2.50");
    EXPECT_THAT(known.inet6(on("public")), testing::ElementsAre("2001:db8::1", "fe80::1"));
    EXPECT_TRUE(known.inet6(on("nat")).empty());
}

} // namespace
} // namespace bhype::vm
