#include "vm/test_fixture.h"

namespace bhype::vm {
namespace {

using namespace test;

TEST(VmPlan, TellsAllProblemsAtOnce) {
    World world;
    world.ground = {.available = 1_MiB, .name_taken = true};
    const auto decision = world.decide(
        R"({"name":"web1","template":"tiny-linux","cpus":64,"memory":"100G","disk":"1M","switch":"lan","start":true})");
    EXPECT_EQ(fields(decision.problems), (std::set<std::string>{"name", "cpus", "memory", "disk", "switch"}));
}

TEST(VmPlan, CountsWhatRunningGuestsWerePromised) {
    World world;
    world.offer.memory_of_running = 7_GiB;
    const auto text = R"({"name":"web1","template":"tiny-linux","memory":"1G","start":true})";
    EXPECT_EQ(fields(world.decide(text).problems), std::set<std::string>{"memory"});
    world.offer.memory_of_running = 5_GiB;
    EXPECT_TRUE(world.decide(text).problems.empty());
}

TEST(VmPlan, NeedsTheFirmwareBeforeAnythingIsWritten) {
    World world;
    world.offer.firmware_missing = {"BHYVE_UEFI_VARS.fd"};
    EXPECT_EQ(fields(world.decide(R"({"name":"web1","template":"tiny-linux"})").problems),
              std::set<std::string>{"firmware"});
}

TEST(VmPlan, ACdComesAndGoesAtItsSlot) {
    World world;
    auto machine = world.decide(R"({"name":"web1","template":"tiny-linux"})").input.machine;
    EditVm change;
    change.cd = CdImage::from("/nowhere/a.iso");
    machine = edited(machine, change);
    ASSERT_EQ(machine.cds.size(), 1U);
    const auto slot = machine.cds[0].slot;
    EXPECT_TRUE(host::machine_problems(machine).empty());
    EXPECT_EQ(fields(medium_problems(machine)), std::set<std::string>{"cd"});
    change.cd = CdImage::from("/nowhere/b.iso");
    machine = edited(machine, change);
    EXPECT_EQ(machine.cds[0].slot, slot);
    EXPECT_EQ(machine.cds[0].image.str(), "/nowhere/b.iso");
    change.cd = CdImage::from("");
    EXPECT_TRUE(edited(machine, change).cds.empty());
}

TEST(VmPlan, NeedsTheImagesSpaceOnce) {
    World world;
    const auto* text = R"({"name":"web1","template":"tiny-linux"})";
    world.ground.available = 2_MiB;
    EXPECT_EQ(fields(world.decide(text).problems), std::set<std::string>{"disk"});
    EXPECT_EQ(world.decide(text).plan.space_now, 3_MiB);
    world.ground.image_there = true;
    EXPECT_TRUE(world.decide(text).problems.empty());
    EXPECT_EQ(world.decide(text).plan.space_now, 1_MiB);
}

} // namespace
} // namespace bhype::vm
