#include "network/faults.h"
#include "network/forwards.h"

#include <gmock/gmock.h>

namespace bhype::network {
namespace {

using testing::HasSubstr;

struct Scene {
    Forward forward;
    std::vector<Wanted> switches;
    std::vector<SwitchNic> nics;

    Scene() {
        forward.name = "tcp-8080";
        forward.port = 8080;
        forward.to_port = 80;
        forward.vm = VmName::from("web1");
        Wanted nat;
        nat.name = SwitchName::from("nat");
        nat.kind = SwitchKind::nat;
        nat.address = Ipv4Prefix::from("10.77.0.1/24");
        Wanted inside;
        inside.name = SwitchName::from("inside");
        inside.kind = SwitchKind::private_;
        switches = {nat, inside};
        SwitchNic nic;
        nic.vm = forward.vm;
        nic.nic = DeviceName::from("net0");
        nic.switch_ = nat.name;
        nic.address = "10.77.0.20";
        nic.running = true;
        nics = {nic};
    }
    ForwardView view() const { return view_of(forward, switches, nics); }
};

TEST(Forwards, LeadToTheAddressThatTheGuestHas) {
    Scene scene;
    EXPECT_EQ(scene.view().state, ForwardState::active);
    EXPECT_EQ(scene.view().to->str(), "10.77.0.20");
    scene.nics[0].fixed = Ipv4Address::from("10.77.0.30");
    EXPECT_EQ(scene.view().to->str(), "10.77.0.20")
        << "not to what is kept for it: that may be another's still";
    scene.nics[0].address.clear();
    EXPECT_EQ(scene.view().to->str(), "10.77.0.30") << "it may give it to itself";
    scene.nics[0].running = false;
    EXPECT_EQ(scene.view().state, ForwardState::waiting);
}

TEST(Forwards, WaitForAnAddressOfTheNetwork) {
    Scene scene;
    for (const auto* address : {"", "10.99.0.20"}) {
        scene.nics[0].address = address;
        EXPECT_EQ(scene.view().state, ForwardState::waiting) << address;
        EXPECT_FALSE(scene.view().to);
    }
}

TEST(Forwards, AreBrokenWhereNothingIsTranslated) {
    Scene moved;
    moved.nics[0].switch_ = SwitchName::from("inside");
    EXPECT_EQ(moved.view().state, ForwardState::broken);
    EXPECT_THAT(moved.view().reason, HasSubstr("switch inside"));
    Scene gone;
    gone.nics.clear();
    EXPECT_THAT(gone.view().reason, HasSubstr("no VM web1"));
    Scene stranded;
    stranded.nics[0].fixed = Ipv4Address::from("10.99.0.30");
    EXPECT_THAT(stranded.view().reason, HasSubstr("keeps 10.99.0.30"));
}

TEST(Faults, AreOfTheAreaAndSayWhatToDo) {
    Scene scene;
    scene.nics.clear();
    Outcome outcome;
    EXPECT_TRUE(faults_of(outcome, 100000).empty());
    outcome.forwards = {scene.view()};
    outcome.failures = {{"dhcp.ensure", "DHCP is not served: port 67", "look"}};
    outcome.drift[SwitchName::from("nat")] = {"bridge bh-nat is missing"};
    outcome.unmade[SwitchName::from("nat")] = "ifconfig: no";
    outcome.firewall = "pf is off";
    outcome.dhcp_ended = 50000;
    outcome.guard.failures = {"ifconfig em0 up: no"};
    const auto faults = faults_of(outcome, 100000);
    ASSERT_EQ(faults.size(), 6U);
    for (const auto& fault : faults) {
        EXPECT_THAT(fault.id, testing::StartsWith("network/"));
        EXPECT_FALSE(fault.advice.empty());
    }
    EXPECT_THAT(faults[1].text, HasSubstr("bridge bh-nat is missing (ifconfig: no)"));
    outcome.dhcp_ended = 1;
    EXPECT_EQ(faults_of(outcome, 100000).size(), 5U) << "a day later";
}

} // namespace
} // namespace bhype::network
