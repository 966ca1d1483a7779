#include "vm/show.h"
#include "vm/test_fixture.h"

namespace bhype::vm {
namespace {

using namespace test;

TEST(VmInventory, TheCacheAnswersBeforeTheHostDoes) {
    World world;
    ASSERT_TRUE(world.make(R"({"name":"web1","template":"tiny-linux"})"));
    World other;
    fs::copy_file(world.host.root / "cache.json", other.host.root / "cache.json");
    other.ownerships = world.ownerships;
    other.inventory.load_cache();
    ASSERT_TRUE(other.inventory.find(VmName::from("web1")));
    EXPECT_EQ(other.inventory.find(VmName::from("web1"))->ownership.owner, "dev1");
    other.inventory.refresh(); // the host there has no such VM
    EXPECT_FALSE(other.inventory.find(VmName::from("web1")));
}

TEST(VmInventory, AStartThatFailedIsKept) {
    World world;
    // A VM that never ran: nothing but its state tells that something has happened.
    ASSERT_TRUE(world.make(R"({"name":"web1","template":"tiny-linux"})"));
    host::Guest failed;
    failed.vm = VmName::from("web1");
    failed.state = host::GuestState::failed;
    failed.reason = "bhyve said no";
    world.inventory.apply(failed);
    EXPECT_EQ(world.endings.at("web1").reason, "bhyve said no");
    world.inventory.refresh();
    EXPECT_EQ(world.inventory.find(failed.vm)->guest.state, host::GuestState::failed);
}

TEST(VmInventory, AnEndingIsKept) {
    World world;
    ASSERT_TRUE(world.make(R"({"name":"web1","template":"tiny-linux","start":true})"));
    host::Guest guest;
    guest.vm = VmName::from("web1");
    guest.state = host::GuestState::failed;
    guest.reason = "triple fault";
    guest.since = 2000;
    world.inventory.apply(guest);
    world.host.guests.clear();
    world.inventory.refresh();
    EXPECT_EQ(world.inventory.find(VmName::from("web1"))->guest.reason, "triple fault");
}

TEST(VmKeeper, PutsTapsBackIntoABridgeThatWasMadeAgain) {
    World world;
    ASSERT_TRUE(world.make(R"({"name":"web1","template":"tiny-linux","start":true})"));
    auto interfaces = world.host.interfaces; // the fake's bridge has no members
    const auto outside = taps_outside(world.inventory.all(), interfaces, world.switches);
    ASSERT_EQ(outside.size(), 1U);
    EXPECT_EQ(outside[0].vm.str() + "/" + outside[0].nic.str() + " " + outside[0].bridge.str(),
              "web1/net0 bh-nat");
    interfaces[0].members.push_back(interfaces[1].name.str());
    EXPECT_TRUE(taps_outside(world.inventory.all(), interfaces, world.switches).empty());
    interfaces.erase(interfaces.begin()); // no bridge: nothing to put it into
    EXPECT_TRUE(taps_outside(world.inventory.all(), interfaces, world.switches).empty());
}

/// What somebody who edits vm.toml by hand may do to it.
void write_definition(const World& world, const std::string& text) {
    std::ofstream(world.host.root / "tank/bhype/vm/web1/vm.toml") << text;
}

TEST(VmInventory, ABrokenDefinitionIsShownAndMended) {
    World world;
    ASSERT_TRUE(world.make(R"({"name":"web1","template":"tiny-linux","start":true})"));
    const auto name = VmName::from("web1");
    const auto good = host::print_machine(world.inventory.find(name)->machine);
    const auto shown = [&] {
        world.inventory.refresh();
        const auto record = world.inventory.find(name);
        return record ? show(*record, {true, true}, {}) : Vm();
    };
    write_definition(world, "cpus = \"many\"\n");
    auto vm = shown();
    EXPECT_EQ(vm.state, host::GuestState::running);
    ASSERT_TRUE(vm.definition_error);
    EXPECT_NE(vm.definition_error->find("vm.toml"), std::string::npos);
    EXPECT_NE(vm.definition_error->find("cpus"), std::string::npos) << *vm.definition_error;
    EXPECT_EQ(vm.memory, 256_MiB) << "what it last said";
    EXPECT_TRUE(std::ranges::count(vm.actions, Action::kill));
    EXPECT_FALSE(std::ranges::count(vm.actions, Action::edit));

    ASSERT_TRUE(world.tasks.run("vm.kill", encode(NameInput{name})));
    vm = shown();
    EXPECT_EQ(vm.state, host::GuestState::failed);
    EXPECT_NE(vm.reason.find("cpus"), std::string::npos);
    EXPECT_EQ(vm.actions, std::vector{Action::delete_});
    EXPECT_FALSE(world.tasks.run("vm.start", encode(NameInput{name})));

    World later; // a bhyped that has never read it
    later.host.datasets = world.host.datasets;
    fs::create_directories(later.host.root / "tank/bhype/vm/web1");
    for (auto& [path, dataset] : later.host.datasets)
        if (dataset.mountpoint != "-")
            dataset.mountpoint = (later.host.root / path).string();
    write_definition(later, "cpus = \"many\"\n");
    later.inventory.refresh();
    ASSERT_TRUE(later.inventory.find(name));
    EXPECT_EQ(later.inventory.find(name)->machine.id, vm.id) << "the dataset tells";
    // Somebody else's dataset has what it inherits from bHype's tree.
    later.host.datasets.at("tank/bhype/vm").id = "00000000-0000-4000-8000-000000000001";
    later.host.datasets.at("tank/bhype/vm/web1").id = "00000000-0000-4000-8000-000000000001";
    later.inventory.refresh();
    EXPECT_FALSE(later.inventory.find(name)) << "a dataset that is not bHype's";

    write_definition(world, good);
    vm = shown();
    EXPECT_FALSE(vm.definition_error);
    EXPECT_EQ(vm.state, host::GuestState::stopped);
}

TEST(VmInventory, AnOldPictureOfAGuestIsNotTaken) {
    World world;
    ASSERT_TRUE(world.make(R"({"name":"web1","template":"tiny-linux"})"));
    host::Guest guest;
    guest.vm = VmName::from("web1");
    guest.state = host::GuestState::stopped;
    guest.change = 7;
    world.inventory.apply(guest);
    guest.state = host::GuestState::running;
    guest.change = 6;
    world.inventory.apply(guest);
    EXPECT_EQ(world.inventory.find(guest.vm)->guest.state, host::GuestState::stopped);
    world.inventory.forget_changes();
    world.inventory.apply(guest);
    EXPECT_EQ(world.inventory.find(guest.vm)->guest.state, host::GuestState::running);
}

TEST(VmInventory, WhatWaitsForARestartIsKnownInTheNextLife) {
    World world;
    ASSERT_TRUE(world.make(R"({"name":"web1","template":"tiny-linux","start":true})"));
    const auto name = VmName::from("web1");
    EditVm change;
    change.cpus = 2;
    EditInput input{name, 1, edited(world.inventory.find(name)->machine, change), {}};
    ASSERT_TRUE(world.tasks.run("vm.edit", encode(input)));
    const auto pending = [&](const Inventory& inventory) {
        return show(*inventory.find(name), {true, true}, {}).pending_restart;
    };
    EXPECT_EQ(pending(world.inventory), std::vector<std::string>{"cpus"});
    World other;
    fs::copy_file(world.host.root / "cache.json", other.host.root / "cache.json");
    other.inventory.load_cache();
    other.inventory.apply(world.host.guests.at("web1"));
    EXPECT_EQ(pending(other.inventory), std::vector<std::string>{"cpus"});
}

TEST(VmInventory, WhoLosesAVmHearsOfIt) {
    World world;
    ASSERT_TRUE(world.make(R"({"name":"web1","template":"tiny-linux"})"));
    std::vector<std::string> heard;
    world.inventory.on_change(
        [&](const VmName&, const access::Ownership& ownership) { heard.push_back(ownership.owner); });
    world.inventory.set_ownership(VmName::from("web1"), {"dev2", ""});
    EXPECT_EQ(heard, (std::vector<std::string>{"dev1", "dev2"}));
}

} // namespace
} // namespace bhype::vm
