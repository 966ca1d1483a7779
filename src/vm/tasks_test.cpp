#include "vm/clone.h"
#include "vm/test_fixture.h"

namespace bhype::vm {
namespace {

using namespace test;

TEST(VmTasks, CreateMakesAWholeVmAndTheNextOneSharesTheTemplate) {
    World world;
    for (const auto* name : {"web1", "web2"}) {
        const auto text = std::string(R"({"name":")") + name + R"(","template":"tiny-linux","start":true})";
        ASSERT_TRUE(world.make(text.c_str())) << world.tasks.last_error;
    }
    EXPECT_EQ(world.host.names_below("tank/bhype/.new/").size(), 0U);
    EXPECT_EQ(world.host.names_below("tank/bhype/template/").size(), 2U);
    EXPECT_EQ(world.host.datasets.at("tank/bhype/vm/web2/disk0").origin,
              "tank/bhype/template/tiny-linux-aaaaaaaaaaaa/disk0@template");
    EXPECT_EQ(world.inventory.find(VmName::from("web1"))->guest.state, host::GuestState::running);
    EXPECT_EQ(world.ownerships.at("web2").owner, "dev1");
    EXPECT_EQ(world.host.taps(), 2U);
}

TEST(VmTasks, CreateFailingAnywhereLeavesAWholeVmOrNoTrace) {
    int failures = 0;
    for (int at = 0;; ++at) {
        World world;
        world.host.fail_at = at;
        const auto input =
            encode(world.decide(R"({"name":"web1","template":"tiny-linux","start":true})").input);
        const bool done = world.tasks.run("vm.create", input);
        EXPECT_EQ(world.host.names_below("tank/bhype/.new/").size(), 0U) << at;
        const bool whole = world.host.datasets.contains("tank/bhype/vm/web1/disk0");
        EXPECT_EQ(whole, world.host.datasets.contains("tank/bhype/vm/web1")) << at;
        EXPECT_EQ(whole, world.ownerships.contains("web1")) << at;
        EXPECT_EQ(whole, world.inventory.find(VmName::from("web1")).has_value()) << at;
        EXPECT_EQ(world.host.taps(), world.host.guests.size()) << at;
        if (world.host.changes <= at) {
            EXPECT_TRUE(done) << "nothing failed";
            break;
        }
        failures += done ? 0 : 1;
        ASSERT_LT(at, 100);
    }
    EXPECT_GE(failures, 12);
}

TEST(VmTasks, CreateBrokenOffAfterItsPublishingGoesForward) {
    World world;
    auto input = world.decide(R"({"name":"web1","template":"tiny-linux"})").input;
    ASSERT_TRUE(world.tasks.run("vm.create", encode(input)));
    input.start = true;
    EXPECT_TRUE(world.tasks.run("vm.create", encode(input), true)) << world.tasks.last_error;
    EXPECT_EQ(world.inventory.find(VmName::from("web1"))->guest.state, host::GuestState::running);
    EXPECT_EQ(world.host.names_below("tank/bhype/.new/").size(), 0U);
    EXPECT_TRUE(world.tasks.run("vm.create", encode(input), true)) << "what runs is left alone";
    EXPECT_EQ(world.host.taps(), 1U);
}

TEST(VmTasks, CreateBrokenOffAtItsPublishingLeavesNoTrace) {
    World world;
    const auto input = world.decide(R"({"name":"web1","template":"tiny-linux"})").input;
    EXPECT_FALSE(world.tasks.run("vm.create", encode(input), true));
    EXPECT_NE(world.tasks.last_error.find("interrupted"), std::string::npos) << world.tasks.last_error;
    EXPECT_EQ(world.host.names_below("tank/bhype/vm/").size(), 0U);
    EXPECT_FALSE(world.ownerships.contains("web1"));
}

/// The input of a task that clones web1 to web2.
json::value clone_input(World& world, bool full) {
    CloneVm request;
    request.name = VmName::from("web2");
    request.full = full;
    access::Caller caller;
    caller.user = UserName::from("dev1");
    caller.role = access::Role::member;
    const auto origin = world.inventory.find(VmName::from("web1")).value();
    auto decision = decide_clone(request, caller, {origin, origin.machine}, world.offer, world.switches);
    EXPECT_TRUE(decision.problems.empty());
    return encode(decision.input);
}

TEST(VmTasks, AFullCloneSharesNothingAndLeavesNoSnapshot) {
    World world;
    ASSERT_TRUE(world.make(R"({"name":"web1","template":"tiny-linux"})"));
    const auto input = clone_input(world, true);
    ASSERT_TRUE(world.tasks.run("vm.create", input)) << world.tasks.last_error;
    EXPECT_EQ(world.host.datasets.at("tank/bhype/vm/web2/disk0").origin, "-");
    EXPECT_TRUE(world.host.taken.empty());
    EXPECT_TRUE(world.tasks.run("vm.create", input, true)) << "broken off at its end, it goes forward";
    EXPECT_TRUE(world.host.taken.empty());
}

TEST(VmTasks, AFullCloneFailingAnywhereLeavesAWholeVmOrNoTrace) {
    for (int at = 0;; ++at) {
        World world;
        ASSERT_TRUE(world.make(R"({"name":"web1","template":"tiny-linux"})"));
        const auto input = clone_input(world, true);
        world.host.fail_at = world.host.changes + at;
        const bool done = world.tasks.run("vm.create", input);
        const bool whole = world.host.datasets.contains("tank/bhype/vm/web2/disk0");
        EXPECT_EQ(whole, world.host.datasets.contains("tank/bhype/vm/web2")) << at;
        EXPECT_EQ(whole, world.ownerships.contains("web2")) << at;
        EXPECT_EQ(world.host.names_below("tank/bhype/.new/").size(), 0U) << at;
        if (world.host.changes <= world.host.fail_at) {
            EXPECT_TRUE(done);
            break;
        }
        if (!whole)
            EXPECT_TRUE(world.host.taken.empty()) << at;
        ASSERT_LT(at, 100);
    }
}

TEST(VmTasks, PromoteTurnsTheDependenceRound) {
    World world;
    ASSERT_TRUE(world.make(R"({"name":"web1","template":"tiny-linux"})"));
    ASSERT_TRUE(world.tasks.run("vm.create", clone_input(world, false))) << world.tasks.last_error;
    const auto name = encode(NameInput{VmName::from("web2"), 0});
    const auto label = world.host.taken.front().label;
    for (int times = 0; times < 2; ++times) { // the second time there is nothing left to do
        ASSERT_TRUE(world.tasks.run("vm.promote", name)) << world.tasks.last_error;
        EXPECT_EQ(world.host.datasets.at("tank/bhype/vm/web1/disk0").origin,
                  "tank/bhype/vm/web2/disk0@" + label);
        EXPECT_EQ(world.host.datasets.at("tank/bhype/vm/web2/disk0").origin, "-");
    }
    const auto web1 = world.inventory.find(VmName::from("web1"));
    EXPECT_EQ(web1->disks.front().origin, "tank/bhype/vm/web2/disk0@" + label) << "the list knows at once";
}

TEST(VmTasks, KillAndDeleteLeaveNothing) {
    World world;
    ASSERT_TRUE(world.make(R"({"name":"web1","template":"tiny-linux","start":true})"));
    const auto name = encode(NameInput{VmName::from("web1"), 0});
    EXPECT_FALSE(world.tasks.run("vm.delete", name)); // it runs
    EXPECT_TRUE(world.host.datasets.contains("tank/bhype/vm/web1"));
    EXPECT_TRUE(world.tasks.run("vm.kill", name));
    EXPECT_EQ(world.host.taps(), 0U);
    EXPECT_TRUE(world.tasks.run("vm.delete", name));
    EXPECT_EQ(world.host.names_below("tank/bhype/vm/").size(), 0U);
    EXPECT_FALSE(world.ownerships.contains("web1"));
    EXPECT_TRUE(world.host.datasets.contains("tank/bhype/template/tiny-linux-aaaaaaaaaaaa/disk0"));
}

TEST(VmTasks, ADeleteThatCameHalfWayGoesOn) {
    World world;
    ASSERT_TRUE(world.make(R"({"name":"web1","template":"tiny-linux"})"));
    world.host.destroy_half_way = true; // everything below it is gone, and it is not mounted any more
    EXPECT_FALSE(world.tasks.run("vm.delete", encode(NameInput{VmName::from("web1")})));
    EXPECT_TRUE(world.host.datasets.contains("tank/bhype/vm/web1"));
    World later; // another bhyped, which has not looked at the host yet
    later.host.datasets = world.host.datasets;
    ASSERT_TRUE(later.tasks.run("vm.delete", encode(NameInput{VmName::from("web1")}), true));
    EXPECT_EQ(later.host.names_below("tank/bhype/vm/").size(), 0U);
}

TEST(VmTasks, AResetThatGotLostIsRepeatedOneThatCameIsNot) {
    World world;
    ASSERT_TRUE(world.make(R"({"name":"web1","template":"tiny-linux","start":true})"));
    const auto name = VmName::from("web1");
    const auto& guest = world.host.guests.at("web1");
    ASSERT_TRUE(world.tasks.run("vm.reset", encode(NameInput{name, 0, 0})));
    EXPECT_EQ(guest.reboots, 1);
    ASSERT_TRUE(world.tasks.run("vm.reset", encode(NameInput{name, 0, 0}), true));
    EXPECT_EQ(guest.reboots, 1);
    ASSERT_TRUE(world.tasks.run("vm.reset", encode(NameInput{name, 0, 1}), true));
    EXPECT_EQ(guest.reboots, 2);
    ASSERT_TRUE(world.tasks.run("vm.kill", encode(NameInput{name, 0, 0})));
    ASSERT_TRUE(
        world.tasks.run("vm.reset", encode(NameInput{name, 0, 2}), true)); // there is nothing to reset
}

TEST(VmTasks, ASecondVmOfANameIsRefusedAndTheFirstStays) {
    World world;
    const auto text = R"({"name":"web1","template":"tiny-linux"})";
    ASSERT_TRUE(world.make(text));
    const auto id = world.inventory.find(VmName::from("web1"))->machine.id;
    EXPECT_FALSE(world.make(text));
    EXPECT_NE(world.tasks.last_error.find("vm.name_taken"), std::string::npos);
    EXPECT_EQ(world.inventory.find(VmName::from("web1"))->machine.id, id);
}

TEST(VmTasks, TwoStartsAtOnceDoNotCountOnTheSameMemory) {
    World world;
    for (const auto* text : {R"({"name":"web1","template":"tiny-linux","memory":"4G"})",
                             R"({"name":"web2","template":"tiny-linux","memory":"4G"})"})
        ASSERT_TRUE(world.make(text));
    bool second = true;
    std::string why;
    world.host.before_start = [&] {
        second = world.tasks.run("vm.start", encode(NameInput{VmName::from("web2")}));
        why = world.tasks.last_error;
    };
    EXPECT_TRUE(world.tasks.run("vm.start", encode(NameInput{VmName::from("web1")})));
    EXPECT_FALSE(second);
    EXPECT_NE(why.find("memory"), std::string::npos) << why;
    ASSERT_TRUE(world.tasks.run("vm.kill", encode(NameInput{VmName::from("web1")})));
    EXPECT_TRUE(world.tasks.run("vm.start", encode(NameInput{VmName::from("web2")}))) << "all is given back";
}

TEST(VmTasks, AStopThatIsGivenUpPressesNoMore) {
    World world;
    ASSERT_TRUE(world.make(R"({"name":"web1","template":"tiny-linux","start":true})"));
    // The queue's stand-in does not wait: the guest has not reacted, the task fails and is cleaned up.
    EXPECT_FALSE(world.tasks.run("vm.stop", encode(NameInput{VmName::from("web1"), 30})));
    EXPECT_EQ(world.host.presses, (std::vector<std::int64_t>{30, 0}));
    EXPECT_EQ(world.inventory.find(VmName::from("web1"))->guest.state, host::GuestState::running);
}

} // namespace
} // namespace bhype::vm
