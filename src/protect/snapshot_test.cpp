#include "protect/tasks.h"
#include "vm/clone.h"
#include "vm/test_fixture.h"

#include <gmock/gmock.h>

namespace bhype::protect {

namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const VmName web1 = VmName::from("web1");
const SnapshotLabel first = SnapshotLabel::from("first");
const SnapshotLabel second = SnapshotLabel::from("second");

host::Snapshot one(const char* dataset, const char* label, std::int64_t txg) {
    host::Snapshot snapshot;
    snapshot.dataset = dataset;
    snapshot.label = label;
    snapshot.created = 1000 + txg;
    snapshot.txg = txg;
    snapshot.used = ByteSize(10);
    snapshot.referenced = ByteSize(100);
    snapshot.made_by = "user dev1";
    snapshot.live = "web10,web1";
    return snapshot;
}

vm::Record record() {
    vm::Record record;
    record.name = web1;
    record.dataset = DatasetName::from("tank/bhype/vm/web1");
    return record;
}

TEST(Snapshots, AreOneForEachLabelNewestFirst) {
    auto foreign = one("tank/bhype/vm/web1/disk0", "by hand", 3);
    foreign.made_by = foreign.live = "-";
    foreign.holds = 1;
    auto cloned = one("tank/bhype/vm/web1/disk0", "first", 1);
    cloned.clones = {"tank/bhype/vm/web2/disk0", "tank/bhype/vm/web2/disk1", "tank/other"};
    const auto found = group(
        {one("tank/bhype/vm/web1", "first", 1), cloned, one("tank/bhype/vm/web1", "second", 2), foreign},
        record());
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(found[0].name, "by hand");
    EXPECT_EQ(found[0].consistency, Consistency::unknown);
    EXPECT_TRUE(found[0].held);
    EXPECT_FALSE(found[0].definition);
    EXPECT_EQ(found[1].name, "second");
    EXPECT_EQ(found[2].name, "first");
    EXPECT_EQ(found[2].consistency, Consistency::crash_consistent);
    EXPECT_THAT(found[2].clones, ElementsAre("web2", "tank/other"));
    EXPECT_THAT(found[2].disks, ElementsAre("disk0"));
    EXPECT_EQ(found[2].used, ByteSize(20));
}

TEST(Snapshots, TellWhoRanByTheWholeName) {
    auto other = one("tank/bhype/vm/web1", "first", 1);
    other.live = "web10,aweb1";
    EXPECT_EQ(group({other}, record()).at(0).consistency, Consistency::stopped);
}

TEST(Snapshots, CompareDefinitionsByName) {
    host::Machine then;
    then.id = random_uuid();
    then.nics.push_back({DeviceName::from("net1"), 11, host::NicKind::virtio_net,
                         MacAddress::from("58:9c:fc:00:00:01"), SwitchName::from("nat"), std::nullopt});
    auto now = then;
    now.generation = 7;
    EXPECT_THAT(differences(then, now), IsEmpty()) << "the generation does not count";
    now.nics[0].switch_ = SwitchName::from("private");
    now.nics.insert(now.nics.begin(),
                    {DeviceName::from("net0"), 10, host::NicKind::virtio_net,
                     MacAddress::from("58:9c:fc:00:00:02"), SwitchName::from("nat"), std::nullopt});
    now.cpus = 4;
    std::map<std::string, std::pair<std::string, std::string>> found;
    for (const auto& one : differences(then, now))
        found[one.field] = {one.then, one.now};
    EXPECT_EQ(found["cpus"], (std::pair<std::string, std::string>("1", "4")));
    EXPECT_EQ(found["nics.net1.switch"], (std::pair<std::string, std::string>("nat", "private")));
    EXPECT_EQ(found["nics.net0.mac"].first, "");
    EXPECT_FALSE(found.contains("nics.net1.mac")) << "the new one did not shift it";
}

struct World : vm::test::World {
    World() {
        add_tasks(tasks, inventory, keeper, switches);
        EXPECT_TRUE(make(R"({"name": "web1", "template": "tiny-linux"})"));
    }
    bool take(const SnapshotLabel& label) {
        return tasks.run("snapshot.create",
                         encode(TakeInput{web1, label, Note::from("user dev1"), Note::from("why")}));
    }
    bool roll_back(const SnapshotLabel& label, std::optional<host::Machine> definition = {}) {
        return tasks.run("vm.rollback", encode(RollbackInput{web1, label, std::move(definition)}));
    }
    std::vector<std::string> labels() {
        std::vector<std::string> names;
        for (const auto& one : group(host.taken, inventory.find(web1).value()))
            names.push_back(one.name);
        return names;
    }
};

TEST(SnapshotTasks, TakeOnce) {
    World world;
    EXPECT_TRUE(world.take(first)) << world.tasks.last_error;
    EXPECT_THAT(world.labels(), ElementsAre("first"));
    EXPECT_FALSE(world.take(first));
    EXPECT_THAT(world.tasks.last_error, HasSubstr("web1@first"));
}

TEST(SnapshotTasks, RollBackKeepsTodaysDefinition) {
    World world;
    ASSERT_TRUE(world.take(first));
    ASSERT_TRUE(world.take(second));
    const auto before = world.inventory.find(web1)->machine;
    EXPECT_TRUE(world.roll_back(first)) << world.tasks.last_error;
    EXPECT_THAT(world.labels(), ElementsAre("first"));
    EXPECT_EQ(encode(world.inventory.find(web1)->machine), encode(before));
}

TEST(SnapshotTasks, RollBackBringsTheDefinitionBackAsANewGeneration) {
    World world;
    ASSERT_TRUE(world.take(first));
    auto changed = world.inventory.find(web1)->machine;
    const auto then = changed;
    changed.nics[0].switch_ = SwitchName::from("private");
    changed.generation = 2;
    ASSERT_TRUE(world.tasks.run("vm.edit", encode(vm::EditInput{web1, 1, changed, {}})));
    EXPECT_TRUE(world.roll_back(first, then)) << world.tasks.last_error;
    const auto now = world.inventory.find(web1)->machine;
    EXPECT_EQ(now.nics[0].switch_.str(), "nat");
    EXPECT_EQ(now.generation, 3) << "whoever read generation 2 is told that it has changed";
}

TEST(SnapshotTasks, RollBackRefusesWhatOthersDependOn) {
    World world;
    ASSERT_TRUE(world.take(first));
    ASSERT_TRUE(world.take(second));
    for (auto& snapshot : world.host.taken)
        if (snapshot.label == "second")
            snapshot.clones = {"tank/bhype/vm/web2/disk0"};
    EXPECT_FALSE(world.roll_back(first));
    EXPECT_THAT(world.tasks.last_error, HasSubstr("second has clones: web2"));
    EXPECT_THAT(world.labels(), ElementsAre("second", "first"));
    EXPECT_FALSE(world.tasks.run("snapshot.delete", encode(DeleteInput{web1, {second}})));
    EXPECT_THAT(world.labels(), ElementsAre("second", "first"));
}

TEST(SnapshotTasks, RollBackGoesForwardFromAnywhere) {
    World clean;
    ASSERT_TRUE(clean.take(first));
    ASSERT_TRUE(clean.take(second));
    clean.host.changes = 0;
    ASSERT_TRUE(clean.roll_back(first));
    const int changes = clean.host.changes;
    ASSERT_GE(changes, 3);
    for (int at = 0; at < changes; ++at) {
        World world;
        ASSERT_TRUE(world.take(first));
        ASSERT_TRUE(world.take(second));
        world.host.changes = 0;
        world.host.fail_at = at;
        world.roll_back(first);
        world.host.fail_at = -1;
        EXPECT_TRUE(world.roll_back(first)) << at << ' ' << world.tasks.last_error;
        EXPECT_THAT(world.labels(), ElementsAre("first")) << at;
    }
}

TEST(SnapshotTasks, KeepAVmWhoseSnapshotsAreBound) {
    World world;
    ASSERT_TRUE(world.take(first));
    ASSERT_TRUE(world.tasks.run("snapshot.edit", encode(EditInput{web1, first, {}, true})));
    EXPECT_FALSE(world.tasks.run("vm.delete", encode(vm::NameInput{web1})));
    EXPECT_THAT(world.tasks.last_error, HasSubstr("snapshot first is held"));
    EXPECT_TRUE(world.host.datasets.contains("tank/bhype/vm/web1/disk0"));
    ASSERT_TRUE(world.tasks.run("snapshot.edit", encode(EditInput{web1, first, {}, false})));
    EXPECT_TRUE(world.tasks.run("vm.delete", encode(vm::NameInput{web1})));
}

TEST(SnapshotPlans, SayWhatIsLostAndWhatIsInTheWay) {
    auto held = one("tank/bhype/vm/web1/disk0", "second", 2);
    held.holds = 1;
    auto running = record();
    running.guest.state = host::GuestState::running;
    host::Dataset added;
    added.name = "tank/bhype/vm/web1/disk1";
    running.disks.push_back(added);
    const auto all =
        group({one("tank/bhype/vm/web1", "first", 1), one("tank/bhype/vm/web1/disk0", "first", 1),
               one("tank/bhype/vm/web1", "second", 2), held},
              running);
    host::Machine then;
    then.disks.push_back({DeviceName::from("disk9"), 4, host::DiskKind::nvme, "x"});
    const auto plan = rollback_plan(running, all, all.at(1), then);
    EXPECT_THAT(plan.destroys, Contains(HasSubstr("written to disk0")));
    EXPECT_THAT(plan.destroys, Contains(HasSubstr("snapshot second")));
    EXPECT_THAT(plan.keeps, Contains(HasSubstr("disk1, which first does not hold")));
    EXPECT_THAT(plan.problems, Contains(HasSubstr("second is held")));
    EXPECT_THAT(plan.problems, Contains(HasSubstr("web1 is running")));
    EXPECT_THAT(plan.problems, Contains(HasSubstr("disk9, which is gone")));
}

TEST(Clone, HasItsOwnIdAndAddresses) {
    World world;
    auto origin = world.inventory.find(web1).value();
    origin.machine.nics[0].address = Ipv4Address::from("10.77.0.9");
    vm::CloneVm request;
    request.name = VmName::from("web2");
    access::Caller caller;
    caller.user = UserName::from("dev1");
    caller.role = access::Role::member;
    const auto decision =
        vm::decide_clone(request, caller, {origin, origin.machine}, world.offer, world.switches);
    EXPECT_THAT(decision.problems, IsEmpty());
    const auto& machine = decision.input.machine;
    EXPECT_NE(machine.id, origin.machine.id);
    EXPECT_NE(machine.nics[0].mac, origin.machine.nics[0].mac);
    EXPECT_FALSE(machine.nics[0].address);
    ASSERT_TRUE(world.tasks.run("vm.create", encode(decision.input))) << world.tasks.last_error;
    EXPECT_TRUE(world.inventory.find(request.name));
    EXPECT_EQ(world.labels().size(), 1U) << "the snapshot that it shares";
}

TEST(Clone, LeavesNoSnapshotWhenItFails) {
    World world;
    const auto origin = world.inventory.find(web1).value();
    vm::CloneVm request;
    request.name = VmName::from("web2");
    access::Caller caller;
    caller.user = UserName::from("dev1");
    for (int at = 0; at < 6; ++at) {
        const auto decision =
            vm::decide_clone(request, caller, {origin, origin.machine}, world.offer, world.switches);
        world.host.changes = 0;
        world.host.fail_at = at;
        const bool done = world.tasks.run("vm.create", encode(decision.input));
        world.host.fail_at = -1;
        if (done)
            break;
        EXPECT_FALSE(world.inventory.find(request.name)) << at;
        EXPECT_THAT(world.labels(), IsEmpty()) << at;
    }
}

} // namespace

} // namespace bhype::protect
