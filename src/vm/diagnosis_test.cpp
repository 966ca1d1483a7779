#include "vm/diagnosis.h"

#include "vm/test_fixture.h"

#include <gtest/gtest.h>

namespace bhype::vm {

namespace {

struct Scene {
    Record record;
    host::MachineNic nic;
    std::optional<network::Wanted> item;
    NetworkNow now;

    Scene() {
        nic.name = DeviceName::from("net0");
        nic.mac = MacAddress::from("02:00:00:00:00:01");
        nic.switch_ = SwitchName::from("nat");
        record.machine.nics = {nic};
        record.running.nics = {nic};
        record.guest.state = host::GuestState::running;
        record.taps["net0"] = "tap3";
        item.emplace();
        item->name = nic.switch_;
        item->address = Ipv4Prefix::from("10.77.0.1/24");
        auto& tap = add("tap3");
        tap.opened_by = 4711;
        auto& bridge = add("bh-nat");
        bridge.inet = {"10.77.0.1/24"};
        bridge.members = {"tap3"};
        add("em0");
        now.leases = {{0, nic.mac, "10.77.0.20", "web1"}};
        auto& pf = now.firewall;
        pf.loaded = pf.enabled = pf.nat = pf.rdr = pf.filter = pf.forwarding = true;
        pf.text = "nat on em0 inet from 10.77.0.0/24 to any -> (em0) round-robin\n";
        pf.way_out = InterfaceName::from("em0");
    }
    host::Interface& add(const std::string& name) {
        host::Interface interface;
        interface.name = InterfaceName::from(name);
        interface.up = true;
        interface.mtu = 1500;
        now.interfaces.push_back(interface);
        return now.interfaces.back();
    }
    host::Interface& interface(const std::string& name) {
        return *std::ranges::find(now.interfaces, InterfaceName::from(name), &host::Interface::name);
    }
    /// What is bad, in order.
    std::vector<std::string> bad() const {
        std::vector<std::string> found;
        for (const auto& finding : diagnose(record, nic, item, now)) {
            EXPECT_FALSE(finding.found.empty()) << finding.check;
            EXPECT_EQ(finding.todo.empty(), finding.state == FindingState::good) << finding.check;
            if (finding.state == FindingState::bad)
                found.push_back(finding.check);
        }
        return found;
    }
};

using Lines = std::vector<std::string>;

} // namespace

TEST(Diagnosis, AGoodNetworkIsSeenToBeGood) {
    const Scene scene;
    EXPECT_EQ(scene.bad(), Lines{});
    EXPECT_GE(diagnose(scene.record, scene.nic, scene.item, scene.now).size(), 12U);
}

TEST(Diagnosis, EachBreakIsFoundWhereItIs) {
    const auto broken = [](auto&& breaking) {
        Scene scene;
        breaking(scene);
        return scene.bad();
    };
    EXPECT_EQ(broken([](Scene& s) { s.record.running.nics.clear(); }),
              (Lines{"It was started with this NIC"}));
    EXPECT_EQ(broken([](Scene& s) { s.interface("tap3").opened_by = 0; }), (Lines{"bhyve has it open"}));
    EXPECT_EQ(broken([](Scene& s) { s.interface("tap3").up = false; }), (Lines{"The tap is up"}));
    EXPECT_EQ(broken([](Scene& s) { s.interface("bh-nat").members.clear(); }),
              (Lines{"The tap is in its bridge"}));
    EXPECT_EQ(broken([](Scene& s) { s.interface("bh-nat").inet.clear(); }),
              (Lines{"The switch is as wanted"}));
    EXPECT_EQ(broken([](Scene& s) { s.interface("em0").carrier = false; }),
              (Lines{"The way out has a link"}));
    EXPECT_EQ(broken([](Scene& s) { s.now.firewall.way_out.reset(); }), (Lines{"There is a way out"}));
    EXPECT_EQ(broken([](Scene& s) { s.now.leases.clear(); }), (Lines{"The guest has a lease"}));
    EXPECT_EQ(broken([](Scene& s) { s.now.leases[0].address = "10.78.0.20"; }),
              (Lines{"The guest has a lease"}));
    EXPECT_EQ(broken([](Scene& s) { s.nic.address = Ipv4Address::from("10.77.0.9"); }),
              (Lines{"It is the address kept for it"}));
    EXPECT_EQ(broken([](Scene& s) { s.now.firewall.forwarding = false; }),
              (Lines{"The host forwards packets"}));
    EXPECT_EQ(broken([](Scene& s) { s.now.firewall.enabled = false; }), (Lines{"pf is on"}));
    EXPECT_EQ(broken([](Scene& s) { s.now.firewall.nat = false; }), (Lines{"pf calls bHype's rules"}));
    EXPECT_EQ(broken([](Scene& s) { s.now.firewall.text.clear(); }), (Lines{"Its network is translated"}));
    EXPECT_EQ(broken([](Scene& s) { s.item.reset(); }), (Lines{"There is the switch"}));
    EXPECT_EQ(broken([](Scene& s) {
                  s.record.guest.state = host::GuestState::stopped;
                  s.record.taps.clear();
              }),
              (Lines{"The VM runs", "The NIC has a tap"}));
}

} // namespace bhype::vm
