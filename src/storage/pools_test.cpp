#include "storage/pools.h"
#include "storage/tasks.h"

#include "task/fake_tasks.h"
#include "task/test_zone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bhype::storage {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const PoolName tank = PoolName::from("tank");

host::Vdev device(const char* name, const char* state, std::int64_t depth = 1) {
    host::Vdev vdev;
    vdev.name = name;
    vdev.state = state;
    vdev.depth = depth;
    vdev.leaf = depth == 1;
    vdev.read_errors = vdev.write_errors = vdev.checksum_errors = 0;
    return vdev;
}

host::PoolState healthy() {
    host::PoolState state;
    state.name = tank;
    state.state = "ONLINE";
    state.vdevs = {device("mirror-0", "ONLINE", 0), device("nda0", "ONLINE"), device("nda1", "ONLINE")};
    state.errors = "No known data errors";
    state.used = 10_GiB;
    state.available = 90_GiB;
    return state;
}

std::vector<std::string> ids(const std::vector<StorageFinding>& all) {
    std::vector<std::string> found;
    for (const auto& one : all)
        found.push_back(one.id);
    return found;
}

TEST(Health, SaysNothingOfAHealthyPool) {
    EXPECT_THAT(findings(healthy(), 10), IsEmpty());
    EXPECT_THAT(findings(healthy(), 79), IsEmpty());
}

TEST(Health, SaysHowALockedPoolIsOpened) {
    auto state = healthy();
    state.encryption = "off";
    EXPECT_FALSE(is_encrypted(state));
    state.encryption = "aes-256-gcm";
    state.key_status = "available";
    EXPECT_THAT(findings(state, 10), IsEmpty());
    state.key_status = "unavailable";
    state.key_location = "prompt";
    EXPECT_THAT(ids(findings(state, 10)), ElementsAre("locked"));
    EXPECT_THAT(findings(state, 10)[0].advice, HasSubstr("asks for its passphrase"));
    state.key_location = "file:///keys/tank.key";
    EXPECT_THAT(findings(state, 10)[0].advice, HasSubstr("file:///keys/tank.key"));
}

TEST(Health, SaysWhatIsWrongAndWhatToDo) {
    auto state = healthy();
    state.state = "DEGRADED";
    state.action = "Replace the device.";
    state.vdevs[2] = device("9876", "UNAVAIL");
    state.vdevs[2].note = "was /dev/nda1";
    state.vdevs[1].checksum_errors = 3;
    auto found = findings(state, 10);
    EXPECT_THAT(ids(found), ElementsAre("degraded", "errors/nda0", "device/9876"));
    EXPECT_THAT(found[0].advice, "Replace the device.");
    EXPECT_THAT(found[1].text, HasSubstr("3 checksum errors"));
    EXPECT_THAT(found[2].text, HasSubstr("nda1 in pool tank is UNAVAIL"));
    EXPECT_THAT(found[2].advice, HasSubstr("bhype pool replace tank 9876 NEWDISK"));
    state.scan.kind = host::ScanKind::resilver;
    state.scan.state = host::ScanState::running;
    EXPECT_THAT(findings(state, 10)[0].advice, HasSubstr("resilvering"));
}

TEST(Health, PutsTheWorstFirst) {
    auto state = healthy();
    state.vdevs[1].read_errors = 1;
    state.errors = "3 data errors, use '-v' for a list";
    EXPECT_THAT(ids(findings(state, 96)), ElementsAre("data", "full", "errors/nda0"));
    EXPECT_THAT(ids(findings(healthy(), 80)), ElementsAre("filling"));
    EXPECT_THAT(ids(findings(healthy(), 95)), ElementsAre("full"));
    state = healthy();
    state.state = "SUSPENDED";
    EXPECT_EQ(findings(state, 1)[0].severity, Severity::critical);
    state = healthy();
    state.vdevs.push_back(device("nda8", "AVAIL"));
    state.vdevs.back().role = host::VdevRole::spare;
    EXPECT_THAT(findings(state, 1), IsEmpty());
}

TEST(Health, CountsTheRoomThatFileSystemsHave) {
    const host::Pool pool{tank, "1", 200_GiB, 20_GiB, 180_GiB, "ONLINE"};
    const auto state = healthy();
    EXPECT_EQ(percent_full(pool, &state), 10);
    EXPECT_EQ(percent_full(pool, nullptr), 10);
    EXPECT_EQ(percent_full({tank, "1", {}, {}, {}, "FAULTED"}, nullptr), 0);
}

/// Pools in memory. It counts what is done to them.
class FakeHost : public wire::Host {
  public:
    host::PoolState state = healthy();
    bool made = true;
    std::vector<std::string> done;

    wire::Answer perform(std::string_view operation, const json::value&, std::chrono::seconds,
                         const wire::CallOptions&) override {
        wire::Answer answer;
        answer.result = json::object{};
        if (operation == host::PoolList::operation) {
            std::vector<host::Pool> pools;
            if (made)
                pools.push_back({tank, "17", 100_GiB, 10_GiB, 90_GiB, state.state});
            answer.result = encode(pools);
            return answer;
        }
        if (operation == host::PoolStatus::operation) {
            answer.result = encode(made ? std::vector{state} : std::vector<host::PoolState>{});
            return answer;
        }
        done.emplace_back(operation);
        if (operation == host::PoolCreate::operation)
            made = true;
        return answer;
    }
    std::vector<std::string> in_flight() override { return {}; }
};

struct World {
    FakeHost host;
    alert::Alerts alerts{{[] { return std::map<std::string, alert::Alert>(); }, [](const auto&) {}}};
    std::map<std::string, ScrubSchedule> kept_schedules;
    std::unique_ptr<Pools> pools = fresh();

    std::unique_ptr<Pools> fresh() {
        return std::make_unique<Pools>(
            host, alerts,
            Pools::Keep{.bhype = [] { return std::optional(tank); },
                        .load_schedules = [this] { return kept_schedules; },
                        .save_schedules = [this](const auto& all) { kept_schedules = all; }});
    }
};

TEST(Pools, RaiseWhatIsWrong) {
    World world;
    EXPECT_TRUE(world.pools->look(tank).bhype);
    EXPECT_THAT(world.alerts.list(), IsEmpty());
    world.host.state.state = "DEGRADED";
    world.host.state.vdevs[1].write_errors = 4;
    world.pools->look();
    ASSERT_EQ(world.alerts.list().size(), 2U);
    EXPECT_EQ(world.alerts.list().at(0).id, "pools/tank/degraded");
    EXPECT_EQ(world.alerts.list().at(0).about, "pools/tank");
    world.host.state = healthy();
    world.pools->look();
    EXPECT_THAT(world.alerts.list(), IsEmpty());
    EXPECT_THROW(world.pools->look(PoolName::from("other")), Error);
}

TEST(Pools, ScrubsAreDueAtTheirTimes) {
    const task::test::Zone utc("UTC");
    World world;
    world.pools->set_schedule(tank, ScrubSchedule{"0 3 1 * *", UserName::from("admin")});
    constexpr std::int64_t november = 1793502000; // 2026-11-01 03:00
    EXPECT_TRUE(world.pools->due(november - 1, november).contains(tank));
    EXPECT_TRUE(world.pools->due(november, november + 60).empty()) << "once";
    EXPECT_TRUE(world.pools->due(november - 60, november - 1).empty());
    EXPECT_EQ(world.pools->look(tank).next_scrubs.size(), 5U);
    world.pools = world.fresh();
    EXPECT_EQ(world.pools->look(tank).scrub, "0 3 1 * *");
    world.pools->set_schedule(tank, std::nullopt);
    EXPECT_TRUE(world.pools->due(november - 1, november).empty());
    EXPECT_FALSE(world.pools->look(tank).scrub);
}

TEST(Pools, MakingOneIsDoneOnce) {
    World world;
    world.host.made = false;
    task::FakeTasks tasks(world.host);
    add_tasks(tasks, *world.pools, [] {});
    const auto input = encode(
        host::PoolCreate{tank, {{host::VdevRole::data, host::PoolLayout::stripe, {DiskName::from("nda0")}}}});
    EXPECT_TRUE(tasks.run("pool.create", input));
    EXPECT_FALSE(tasks.run("pool.create", input)) << "another task, another pool of that name";
    EXPECT_THAT(tasks.last_error, HasSubstr("pool_exists"));
    EXPECT_TRUE(tasks.run("pool.create", input, true)) << "the same task, after a crash";
    EXPECT_THAT(world.host.done, ElementsAre("pool.create"));
    EXPECT_TRUE(tasks.run("pool.scrub", encode(host::PoolScrub{tank, host::UpkeepAction::start})));
    EXPECT_THAT(world.host.done, Contains("pool.scrub"));
}

} // namespace
} // namespace bhype::storage
