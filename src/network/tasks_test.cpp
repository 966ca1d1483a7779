#include "host/ifconfig.h"
#include "network/tasks.h"
#include "task/fake_tasks.h"

#include <gtest/gtest.h>

namespace bhype::network {
namespace {

/// Bridges alone; what else is asked for is remembered.
class FakeHost : public wire::Host {
  public:
    std::map<std::string, host::Interface> interfaces;
    std::vector<std::string> asked;
    std::string fails; ///< an operation that fails once
    host::DhcpEnsure dhcp;
    host::FirewallEnsure firewall;
    host::UplinkGuard guard;

    wire::Answer perform(std::string_view operation, const json::value& arguments, std::chrono::seconds,
                         const wire::CallOptions&) override {
        asked.emplace_back(operation);
        if (operation == fails) {
            fails.clear();
            throw Error(Code::command_failed, std::string(operation));
        }
        wire::Answer answer;
        answer.result = json::object{};
        if (operation == host::InterfaceList::operation) {
            std::vector<host::Interface> all;
            for (const auto& [name, interface] : interfaces)
                all.push_back(interface);
            answer.result = encode(all);
        } else if (operation == host::BridgeEnsure::operation) {
            const auto wanted = decode<host::BridgeEnsure>(arguments);
            const auto name = host::bridge_name(wanted.switch_);
            auto& bridge = interfaces[name.str()];
            bridge.name = name;
            bridge.up = true;
            bridge.inet.clear();
            if (wanted.address)
                bridge.inet.push_back(wanted.address->str());
        } else if (operation == host::BridgeRemove::operation) {
            interfaces.erase(host::bridge_name(decode<host::BridgeRemove>(arguments).switch_).str());
        } else if (operation == host::DhcpEnsure::operation) {
            dhcp = decode<host::DhcpEnsure>(arguments);
            answer.result = encode(host::DhcpEnsureResult{});
        } else if (operation == host::FirewallEnsure::operation) {
            firewall = decode<host::FirewallEnsure>(arguments);
            answer.result = encode(host::FirewallEnsureResult{});
        } else if (operation == host::UplinkShow::operation) {
            answer.result = encode(guard);
        }
        return answer;
    }
    std::vector<std::string> in_flight() override { return {}; }
};

Wanted nat(const char* name, const char* address) {
    Wanted wanted;
    wanted.name = SwitchName::from(name);
    wanted.address = Ipv4Prefix::from(address);
    return wanted;
}

SwitchNic nic(const char* vm, const char* switch_, const char* mac) {
    SwitchNic made;
    made.vm = VmName::from(vm);
    made.nic = DeviceName::from("net0");
    made.switch_ = SwitchName::from(switch_);
    made.mac = MacAddress::from(mac);
    return made;
}

struct World {
    FakeHost host;
    std::vector<Wanted> kept;
    std::vector<SwitchNic> nics;
    Switches switches{host,
                      {[] { return std::vector<Wanted>{}; },
                       [this](const std::vector<Wanted>& all) { kept = all; },
                       [] { return std::vector<Forward>{}; }, [](const auto&) {}}};
    task::FakeTasks tasks{host};
    int changes = 0;

    World() {
        switches.nics_from([this] { return nics; });
        add_tasks(tasks, switches, [this] { ++changes; });
    }
    bool change(const char* kind, std::optional<Wanted> before, std::optional<Wanted> after) {
        return tasks.run(kind, encode(SwitchInput{std::move(before), std::move(after)}));
    }
};

TEST(SwitchTasks, MakeChangeAndRemove) {
    World world;
    const auto first = nat("nat", "10.77.0.1/24");
    ASSERT_TRUE(world.change("switch.create", std::nullopt, first)) << world.tasks.last_error;
    EXPECT_EQ(world.kept.size(), 1U);
    EXPECT_EQ(world.host.dhcp.ranges.size(), 1U);
    EXPECT_EQ(world.switches.show(first).state, SwitchState::up);
    const auto second = nat("nat", "10.78.0.1/24");
    ASSERT_TRUE(world.change("switch.edit", first, second));
    EXPECT_EQ(world.host.interfaces.at("bh-nat").inet, std::vector<std::string>{"10.78.0.1/24"});
    ASSERT_TRUE(world.change("switch.delete", second, std::nullopt));
    EXPECT_TRUE(world.kept.empty());
    EXPECT_TRUE(world.host.interfaces.empty());
    EXPECT_TRUE(world.host.dhcp.ranges.empty()) << "dnsmasq is stopped with the last switch";
    EXPECT_EQ(world.changes, 3);
}

TEST(SwitchTasks, LeaveNothingOfACreateThatFails) {
    for (const auto* operation :
         {"bridge.ensure", "interface.list", "dhcp.ensure", "routing.ensure", "firewall.ensure"}) {
        World world;
        world.host.fails = operation;
        EXPECT_FALSE(world.change("switch.create", std::nullopt, nat("nat", "10.77.0.1/24"))) << operation;
        EXPECT_TRUE(world.kept.empty()) << operation;
        EXPECT_TRUE(world.host.interfaces.empty()) << operation;
        EXPECT_TRUE(world.host.dhcp.ranges.empty()) << operation;
    }
}

TEST(SwitchTasks, GoBackWhenAnEditFails) {
    const auto first = nat("nat", "10.77.0.1/24");
    for (const auto* operation : {"bridge.ensure", "dhcp.ensure", "firewall.ensure"}) {
        World world;
        ASSERT_TRUE(world.change("switch.create", std::nullopt, first));
        world.host.fails = operation;
        EXPECT_FALSE(world.change("switch.edit", first, nat("nat", "10.78.0.1/24"))) << operation;
        EXPECT_EQ(encode(world.kept.at(0)), encode(first)) << operation;
        EXPECT_EQ(world.host.interfaces.at("bh-nat").inet, std::vector<std::string>{"10.77.0.1/24"})
            << operation;
        EXPECT_EQ(world.host.dhcp.ranges.at(0).address->str(), "10.77.0.1/24") << operation;
    }
}

TEST(SwitchTasks, KeepASwitchThatIsUsed) {
    World world;
    const auto first = nat("nat", "10.77.0.1/24");
    ASSERT_TRUE(world.change("switch.create", std::nullopt, first));
    world.nics = {nic("web1", "nat", "58:9c:fc:00:00:01")};
    EXPECT_FALSE(world.change("switch.delete", first, std::nullopt));
    EXPECT_NE(world.tasks.last_error.find("web1 net0"), std::string::npos) << world.tasks.last_error;
    EXPECT_EQ(world.kept.size(), 1U);
    EXPECT_TRUE(world.host.interfaces.contains("bh-nat"));
}

TEST(Switches, BelieveTheLookThatBeganLast) {
    World world;
    const auto bridges = [](const char* name) {
        std::vector<host::Interface> seen(1);
        seen[0].name = InterfaceName::from(name);
        return seen;
    };
    world.switches.look([&] {
        world.switches.look([&] { return bridges("bh-new"); });
        return bridges("bh-old");
    });
    ASSERT_EQ(world.switches.interfaces()->size(), 1U);
    EXPECT_EQ(world.switches.interfaces()->at(0).name.str(), "bh-new");
}

TEST(Switches, TellDnsmasqEachNameOnce) {
    World world;
    ASSERT_TRUE(world.change("switch.create", std::nullopt, nat("nat", "10.77.0.1/24")));
    world.nics = {nic("web1", "nat", "58:9c:fc:00:00:01"), nic("copy", "nat", "58:9c:fc:00:00:01"),
                  nic("web2", "other", "58:9c:fc:00:00:02")};
    world.nics[0].fixed = Ipv4Address::from("10.77.0.9");
    const auto hosts = world.switches.dhcp().hosts;
    ASSERT_EQ(hosts.size(), 1U) << "a MAC that comes twice, a switch without DHCP";
    EXPECT_EQ(hosts[0].name.str(), "web1");
    EXPECT_EQ(hosts[0].address->str(), "10.77.0.9");
}

TEST(Switches, FollowTheAddressOfAForwardsGuest) {
    World world;
    ASSERT_TRUE(world.change("switch.create", std::nullopt, nat("nat", "10.77.0.1/24")));
    world.nics = {nic("web1", "nat", "58:9c:fc:00:00:01")};
    Forward forward;
    forward.name = "tcp-8080";
    forward.port = 8080;
    forward.to_port = 80;
    forward.vm = VmName::from("web1");
    ASSERT_TRUE(world.tasks.run("forward.create", encode(ForwardInput{std::nullopt, forward})));
    EXPECT_TRUE(world.host.firewall.forwards.empty()) << "it has no address yet";
    world.nics[0].address = "10.77.0.20";
    world.nics[0].running = true;
    ASSERT_EQ(world.switches.firewall().forwards.size(), 1U);
    EXPECT_EQ(world.switches.firewall().forwards[0].to.str(), "10.77.0.20");
    ASSERT_TRUE(world.tasks.run("forward.delete", encode(ForwardInput{forward, std::nullopt})));
    EXPECT_TRUE(world.switches.forwards().empty());
}

TEST(Switches, ReconcileAsksOnlyForWhatDiffers) {
    World world;
    for (int i = 0; i < 200; ++i)
        ASSERT_TRUE(world.change(
            "switch.create", std::nullopt,
            nat(("s" + std::to_string(i)).c_str(), ("10." + std::to_string(i) + ".0.1/24").c_str())));
    world.host.asked.clear();
    world.switches.reconcile();
    EXPECT_EQ(world.host.asked, (std::vector<std::string>{"uplink.show", "interface.list", "dhcp.ensure",
                                                          "routing.ensure", "firewall.ensure"}));
    world.host.interfaces.erase("bh-s7");
    world.host.asked.clear();
    world.switches.reconcile();
    EXPECT_EQ(std::ranges::count(world.host.asked, "bridge.ensure"), 1);
    EXPECT_TRUE(world.host.interfaces.contains("bh-s7"));
}

TEST(Switches, FollowWhatBecameOfTheUplink) {
    using host::GuardState;
    World world;
    Wanted item;
    item.name = SwitchName::from("public");
    item.kind = SwitchKind::public_;
    world.switches.want(item);
    auto& guard = world.host.guard;
    guard.change.switch_ = item.name;
    guard.change.ports = {InterfaceName::from("em0")};
    const auto carries = [&](bool present, GuardState state) {
        guard.change.present = present;
        guard.state = state;
        world.switches.reconcile();
        const auto now = *world.switches.find(item.name);
        EXPECT_EQ(now.uplink.has_value(), now.hosts_addresses);
        return now.hosts_addresses;
    };
    EXPECT_TRUE(carries(true, GuardState::armed));
    EXPECT_FALSE(carries(true, GuardState::reverted)) << "by itself, while nobody looked";
    EXPECT_TRUE(carries(true, GuardState::armed));
    EXPECT_TRUE(carries(true, GuardState::kept));
    EXPECT_TRUE(carries(true, GuardState::kept)) << "at every look";
    EXPECT_TRUE(carries(false, GuardState::armed)) << "until it is kept, it may go back";
    EXPECT_TRUE(carries(false, GuardState::reverted));
    EXPECT_FALSE(carries(false, GuardState::kept));
    // A NIC without addresses may be its uplink after that.
    item.uplink = InterfaceName::from("em1");
    world.switches.want(item);
    world.switches.reconcile();
    EXPECT_EQ(world.switches.find(item.name)->uplink, item.uplink);
}

} // namespace
} // namespace bhype::network
