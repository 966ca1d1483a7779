#include "protect/scheduler.h"
#include "protect/tasks.h"
#include "task/test_zone.h"
#include "vm/test_fixture.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace bhype::protect {

namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const VmName web1 = VmName::from("web1");
constexpr std::int64_t new_year = 1767225600; // 2026-01-01 00:00 UTC
constexpr std::int64_t hour = 3600;

/// Runs what the scheduler submits at once, and a key only once.
class Immediate : public task::Tasks {
  public:
    explicit Immediate(task::FakeTasks& tasks) : tasks_(tasks) {}
    std::vector<std::string> submitted;
    std::map<std::string, TaskId> keys;

    TaskId submit(const task::Submission& submission) override {
        const auto [known, fresh] = keys.try_emplace(submission.idempotency_key, random_task());
        if (fresh) {
            submitted.push_back(submission.title);
            tasks_.run(submission.kind, submission.input);
        }
        return known->second;
    }
    void add(task::Kind kind) override { tasks_.add(std::move(kind)); }
    std::vector<std::string> kinds() const override { return {}; }
    std::optional<TaskId> repeated(const UserName&, std::string_view, std::string_view) const override {
        return std::nullopt;
    }
    std::optional<task::Task> find(const TaskId&) const override { return std::nullopt; }
    std::vector<task::Step> steps(const TaskId&) const override { return {}; }
    std::vector<task::Task> list(std::string_view, std::string_view, std::size_t) const override {
        return {};
    }
    void cancel(const TaskId&) override {}
    task::Task wait(const TaskId&, std::chrono::milliseconds) const override { return {}; }
    void on_change(std::function<void(const task::Task&)>) override {}
    void start() override {}
    void stop() override {}

  private:
    static TaskId random_task() {
        static int number = 0;
        return TaskId::from(fmt::format("t{:016x}", ++number));
    }
    task::FakeTasks& tasks_;
};

struct World : vm::test::World {
    std::map<std::string, Plan> kept;
    std::map<std::string, PlanState> states;
    bool owner_there = true;
    bool full = false; ///< the pool
    Plans plans{{[this] { return kept; }, [this](const Plan& plan) { kept[plan.name.str()] = plan; },
                 [this](const PlanName& name) { kept.erase(name.str()); }, [this] { return states; },
                 [this](const PlanName& name, const PlanState& state) { states[name.str()] = state; }}};
    Immediate immediate{tasks};
    Scheduler scheduler{immediate, plans, [this](const UserName& name) {
                            return owner_there ? std::optional(access::Caller{.user = name}) : std::nullopt;
                        }};

    World() {
        add_plan_tasks(
            tasks, plans, inventory,
            [](const UserName& user, const vm::Record& record) {
                return record.ownership.owner == user.str();
            },
            [this] {
                if (full)
                    throw Error(Code::below_floor);
            });
        EXPECT_TRUE(make(R"({"name": "web1", "template": "tiny-linux"})"));
    }
    Plan plan(const char* schedule, const Retention& retention = {}) {
        Plan made;
        made.name = PlanName::from("nightly");
        made.owner = UserName::from("dev1");
        made.schedule = schedule;
        made.retention = retention;
        made.vms = {web1};
        return made;
    }
    std::vector<std::string> labels() {
        std::vector<std::string> names;
        for (const auto& one : group(host.taken, inventory.find(web1).value()))
            names.push_back(one.name);
        std::ranges::sort(names);
        return names;
    }
};

TEST(Plans, GoThroughAYearOfAMovedClock) {
    const task::test::Zone utc("UTC");
    World world;
    world.plans.put(
        world.plan("0 */6 * * *", {.last = 2, .daily = 3, .weekly = 2, .monthly = 4, .yearly = 2}), new_year);
    for (auto now = new_year; now < new_year + 24 * hour * 366; now += hour)
        world.scheduler.look(now);
    // The last look is at 23:00 of 1 January 2027.
    EXPECT_THAT(world.labels(), ElementsAre("nightly-20261031T180000Z", "nightly-20261130T180000Z",
                                            "nightly-20261227T180000Z", "nightly-20261230T180000Z",
                                            "nightly-20261231T180000Z", "nightly-20270101T120000Z",
                                            "nightly-20270101T180000Z"));
    EXPECT_EQ(world.immediate.submitted.size(), 4U * 366 - 1) << "not at the moment at which it was made";
}

TEST(Plans, MakeUpMissedTimesOnce) {
    const task::test::Zone utc("UTC");
    World world;
    world.plans.put(world.plan("0 * * * *"), new_year);
    world.scheduler.look(new_year + 100 * hour + 60);
    EXPECT_THAT(world.labels(), ElementsAre("nightly-20260105T040100Z"));
    world.scheduler.look(new_year + 100 * hour + 120);
    EXPECT_THAT(world.labels(), SizeIs(1));
    world.scheduler.look(new_year + 101 * hour);
    EXPECT_THAT(world.labels(), SizeIs(2));
}

TEST(Plans, BeginNothingTwice) {
    const task::test::Zone utc("UTC");
    World world;
    world.plans.put(world.plan("0 * * * *"), new_year);
    const auto before = world.plans.state(PlanName::from("nightly"));
    world.scheduler.look(new_year + hour);
    world.plans.set_due(PlanName::from("nightly"), before.due); // killed before it was written down
    world.scheduler.look(new_year + hour + 5);
    EXPECT_THAT(world.labels(), SizeIs(1));
}

TEST(Plans, RestWhileTheyAreNotEnabledOrNobodys) {
    const task::test::Zone utc("UTC");
    World world;
    auto plan = world.plan("0 * * * *");
    plan.enabled = false;
    world.plans.put(plan, new_year);
    world.scheduler.look(new_year + 10 * hour);
    EXPECT_THAT(world.labels(), IsEmpty());
    plan.enabled = true;
    world.plans.put(plan, new_year + 10 * hour + 60);
    world.scheduler.look(new_year + 10 * hour + 120);
    EXPECT_THAT(world.labels(), IsEmpty()) << "what it missed while it rested is not made up";
    world.owner_there = false;
    world.scheduler.look(new_year + 20 * hour);
    EXPECT_THAT(world.labels(), IsEmpty());
}

TEST(Plans, LeaveAloneWhatIsNotTheirs) {
    const task::test::Zone utc("UTC");
    World world;
    ASSERT_TRUE(
        world.tasks.run("plan.run", encode(RunInput{PlanName::from("gone"), SnapshotLabel::from("x")})));
    world.plans.put(world.plan("0 * * * *", {.last = 1}), new_year);
    host::Snapshot other;
    other.dataset = "tank/bhype/vm/web1";
    other.label = "by-hand";
    other.created = 1;
    other.txg = 1;
    other.made_by = "user dev1";
    world.host.taken.push_back(other);
    world.scheduler.look(new_year + hour);
    world.scheduler.look(new_year + 2 * hour);
    EXPECT_THAT(world.labels(), ElementsAre("by-hand", "nightly-20260101T020000Z"));
    for (auto& one : world.host.taken)
        if (one.label == "nightly-20260101T020000Z" && one.dataset.ends_with("disk0"))
            one.clones = {"tank/bhype/vm/web2/disk0"};
    world.scheduler.look(new_year + 3 * hour);
    EXPECT_THAT(world.labels(), Contains("nightly-20260101T020000Z")) << "a clone needs it";
}

TEST(Plans, TakeWhatTheirOwnerMayChange) {
    const task::test::Zone utc("UTC");
    World world;
    world.inventory.set_ownership(web1, {"dev2", ""});
    world.plans.put(world.plan("0 * * * *"), new_year);
    world.scheduler.look(new_year + hour);
    EXPECT_THAT(world.labels(), IsEmpty());
}

TEST(Plans, TakeWhatHasOneOfTheirTags) {
    World world;
    auto plan = world.plan("0 * * * *");
    plan.vms.clear();
    plan.tags = {Tag::from("test"), Tag::from("team-a")};
    const auto names = [&] {
        std::vector<std::string> found;
        for (const auto& record :
             chosen(plan, world.inventory.all(), [](const auto&, const auto&) { return true; }))
            found.push_back(record.name.str());
        return found;
    };
    EXPECT_THAT(names(), IsEmpty());
    ASSERT_TRUE(world.make(R"({"name": "web2", "template": "tiny-linux", "tags": ["team-a", "other"]})"));
    EXPECT_THAT(names(), ElementsAre("web2"));
    plan.vms = {web1};
    EXPECT_THAT(names(), ElementsAre("web1", "web2"));
    plan.vms.clear();
    plan.tags = {Tag::from("team-b")};
    EXPECT_THAT(names(), IsEmpty());
}

TEST(Plans, TakeNothingWhereThereIsNoRoomAndPruneAllTheSame) {
    const task::test::Zone utc("UTC");
    World world;
    world.plans.put(world.plan("0 * * * *"), new_year);
    world.scheduler.look(new_year + hour);
    world.scheduler.look(new_year + 2 * hour);
    EXPECT_THAT(world.labels(), SizeIs(2));
    world.full = true;
    world.plans.put(world.plan("0 * * * *", {.last = 1}), new_year + 2 * hour);
    world.scheduler.look(new_year + 3 * hour);
    EXPECT_THAT(world.labels(), ElementsAre("nightly-20260101T020000Z"));
}

TEST(Plans, GoOnWhenOneOfManyHasGone) {
    const task::test::Zone utc("UTC");
    World world;
    ASSERT_TRUE(world.make(R"({"name": "web2", "template": "tiny-linux"})"));
    auto plan = world.plan("0 * * * *");
    plan.vms.push_back(VmName::from("web2"));
    world.plans.put(plan, new_year);
    world.host.lose("tank/bhype/vm/web2");
    world.scheduler.look(new_year + hour);
    EXPECT_THAT(world.labels(), SizeIs(1));
}

TEST(Batches, RespectTheLimitsOfACommand) {
    std::vector<vm::Record> records;
    for (int i = 0; i < 9000; ++i) {
        vm::Record record;
        record.name = VmName::from("machine-" + std::to_string(i));
        record.dataset = DatasetName::from("tank/bhype/vm/" + record.name.str());
        record.guest.state = i % 2 ? host::GuestState::running : host::GuestState::stopped;
        records.push_back(record);
    }
    const auto label = label_of(PlanName::from("nightly"), new_year);
    std::size_t datasets = 0;
    for (const auto& batch : batches(records, label.str().size())) {
        std::size_t arguments = 0;
        std::size_t names = 0;
        for (const auto& dataset : batch.datasets)
            arguments += dataset.str().size() + label.str().size() + 2 + 8;
        for (const auto& name : batch.live)
            names += name.str().size() + 1;
        EXPECT_LT(arguments, 512U << 10);
        EXPECT_LE(names, 8191U);
        EXPECT_FALSE(batch.datasets.empty());
        datasets += batch.datasets.size();
    }
    EXPECT_EQ(datasets, records.size());
    records.resize(1000);
    for (auto& record : records)
        record.guest.state = host::GuestState::stopped;
    EXPECT_THAT(batches(records, label.str().size()), SizeIs(1)) << "a thousand VMs are one command";
}

TEST(ByVm, KnowsWhoseASnapshotIs) {
    const auto one = [](const char* dataset) {
        host::Snapshot snapshot;
        snapshot.dataset = dataset;
        return snapshot;
    };
    const auto found = by_vm({one("tank/bhype/vm/a"), one("tank/bhype/vm/a/disk0"), one("tank/bhype/vm/ab"),
                              one("tank/bhype/vm")});
    EXPECT_THAT(found.at("tank/bhype/vm/a"), SizeIs(2));
    EXPECT_THAT(found.at("tank/bhype/vm/ab"), SizeIs(1));
}

} // namespace

} // namespace bhype::protect
