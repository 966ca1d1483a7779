#include "storage/disks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

namespace bhype::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using host::DiskHealthResult;
using host::HealthReason;
using host::HealthState;
using host::NvmeWarning;

const DiskName nda0 = DiskName::from("nda0");

DiskHealthResult well() {
    DiskHealthResult health;
    health.state = HealthState::passed;
    health.protocol = "NVMe";
    health.temperature = 40;
    health.wear = 3;
    health.spare = 100;
    health.spare_threshold = 10;
    health.media_errors = 0;
    return health;
}

DiskHealthResult unknown(HealthReason reason) {
    DiskHealthResult health;
    health.reason = reason;
    return health;
}

DiskJudgement judged(const DiskHealthResult& health, const std::string& used_by = "pool tank") {
    return judge(nda0, used_by, health);
}

std::vector<std::string> ids(const DiskJudgement& judgement) {
    std::vector<std::string> all;
    for (const auto& finding : judgement.findings)
        all.push_back(finding.id);
    return all;
}

TEST(DiskHealth, IsQuietWhenADiskIsWell) {
    auto health = well();
    EXPECT_EQ(judged(health).verdict, DiskVerdict::well);
    EXPECT_EQ(judged(health).advice, "");
    health.wear = 89;
    health.spare = 10;
    health.reallocated = 3;
    EXPECT_THAT(ids(judged(health)), IsEmpty());
    EXPECT_THAT(judged(health).text, HasSubstr("3 bad sectors"));
}

TEST(DiskHealth, SaysWhatIsWrongAndWhatToDo) {
    auto health = well();
    health.pending = 1;
    health.uncorrectable = 12;
    auto judgement = judged(health);
    EXPECT_EQ(judgement.verdict, DiskVerdict::attention);
    EXPECT_THAT(ids(judgement), ElementsAre("pending", "uncorrectable"));
    EXPECT_EQ(judgement.text, "has 1 sector that could not be read");
    EXPECT_THAT(judgement.advice, HasSubstr("Replace it soon: bhype pool replace tank nda0 NEWDISK"));
    EXPECT_THAT(judgement.findings[1].text, "nda0 has lost 12 sectors");
    EXPECT_THAT(judged(health, "").advice, HasSubstr("put nothing on it"));
    EXPECT_THAT(judged(health, "swap").advice, HasSubstr("move what is on it first"));

    health = well();
    health.media_errors = 2;
    EXPECT_THAT(ids(judged(health)), ElementsAre("media"));
    health = well();
    health.wear = 90;
    EXPECT_THAT(ids(judged(health)), ElementsAre("wear"));
    health.wear = 130;
    EXPECT_THAT(ids(judged(health)), ElementsAre("worn"));
    health = well();
    health.spare = 9;
    EXPECT_THAT(ids(judged(health)), ElementsAre("spare"));
    EXPECT_EQ(judged(health).verdict, DiskVerdict::attention);
    health = well();
    health.self_test = host::SelfTest{"Extended", "Completed: read failure", false, 7};
    EXPECT_THAT(judged(health).text, HasSubstr("(Extended): Completed: read failure"));
    health.self_test->passed.reset();
    EXPECT_THAT(ids(judged(health)), IsEmpty()) << "an aborted test says nothing";
}

TEST(DiskHealth, TellsEachWarningByItself) {
    auto health = well();
    health.state = HealthState::failing;
    health.temperature = 88;
    health.warnings = {NvmeWarning::temperature};
    EXPECT_THAT(ids(judged(health)), ElementsAre("temperature"));
    EXPECT_THAT(judged(health).advice, HasSubstr("cooling")) << "a hot disk need not be replaced";
    health.warnings = {NvmeWarning::spare, NvmeWarning::reliability, NvmeWarning::read_only};
    health.spare = 2;
    EXPECT_THAT(ids(judged(health)), ElementsAre("reliability", "read-only", "spare"));
    EXPECT_EQ(judged(health).verdict, DiskVerdict::failing);
    health.warnings = {};
    health.spare = 100;
    EXPECT_THAT(ids(judged(health)), ElementsAre("failing")) << "no reason given";
    health.failed_attributes = {{"Reallocated_Sector_Ct", 4, 36, true}};
    EXPECT_THAT(ids(judged(health)), ElementsAre("attribute/Reallocated_Sector_Ct"));
    health = well();
    health.failed_attributes = {{"Power_On_Hours", 1, 5, false}};
    EXPECT_EQ(judged(health).verdict, DiskVerdict::attention);
}

TEST(DiskHealth, SaysWhyNothingIsKnown) {
    EXPECT_EQ(judged(unknown(HealthReason::not_installed)).verdict, DiskVerdict::unknown);
    EXPECT_EQ(judged(unknown(HealthReason::not_installed)).advice, "pkg install smartmontools");
    EXPECT_THAT(judged(unknown(HealthReason::unsupported)).advice, HasSubstr("-d TYPE /dev/nda0"));
    EXPECT_THAT(judged(unknown(HealthReason::asleep)).text, HasSubstr("sleeps"));
    EXPECT_THAT(ids(judged(unknown(HealthReason::no_answer))), ElementsAre("silent"));
}

/// Disks in memory, and how each answers.
class FakeHost : public wire::Host {
  public:
    std::vector<host::Disk> disks{{nda0, 20_GiB, "Model", "S1", true, "pool tank"},
                                  {DiskName::from("nda1"), 20_GiB, "Model", "S2", true, ""}};
    std::map<std::string, DiskHealthResult> answers{{"nda0", well()}, {"nda1", well()}};
    std::vector<std::string> asked;
    bool away = false;

    wire::Answer perform(std::string_view operation, const json::value& arguments, std::chrono::seconds,
                         const wire::CallOptions&) override {
        if (away)
            throw Error(Code::hostd_away);
        wire::Answer answer;
        if (operation == host::DiskList::operation) {
            answer.result = encode(disks);
            return answer;
        }
        const auto name = decode<host::DiskHealth>(arguments).disk.str();
        asked.push_back(name);
        const auto found = answers.find(name);
        if (found == answers.end())
            throw Error(Code::output_unexpected, "smartctl: not JSON");
        answer.result = encode(found->second);
        return answer;
    }
    std::vector<std::string> in_flight() override { return {}; }
};

struct World {
    FakeHost host;
    alert::Alerts alerts{{[] { return std::map<std::string, alert::Alert>(); }, [](const auto&) {}}};
    std::atomic<bool> told = false;
    Disks disks{host, alerts};

    /// One round of the thread, which somebody's look begins.
    void round() {
        told = false;
        disks.list();
        disks.start([this] { told = true; });
        for (int tries = 0; tries < 500 && !told; ++tries)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        disks.stop();
        EXPECT_TRUE(told);
    }
};

TEST(Disks, AreListedBeforeTheyAreAsked) {
    World world;
    const auto views = world.disks.list();
    ASSERT_EQ(views.size(), 2U);
    EXPECT_EQ(views[0].health, DiskVerdict::unread);
    EXPECT_FALSE(views[0].health_at);
    EXPECT_THAT(world.host.asked, IsEmpty());
    EXPECT_EQ(world.disks.report(nda0, false).judgement.verdict, DiskVerdict::unread);
    EXPECT_THROW(world.disks.report(DiskName::from("nda9"), true), Error);
}

TEST(Disks, RaiseAlertsThatEndByThemselves) {
    World world;
    world.host.answers["nda1"].wear = 95;
    world.round();
    EXPECT_THAT(world.host.asked, ElementsAre("nda0", "nda1"));
    ASSERT_EQ(world.alerts.list().size(), 1U);
    EXPECT_EQ(world.alerts.list()[0].id, "disks/nda1/wear");
    EXPECT_EQ(world.alerts.list()[0].about, "disks/nda1");
    EXPECT_EQ(world.disks.list()[1].health, DiskVerdict::attention);
    world.host.answers["nda1"] = well();
    EXPECT_EQ(world.disks.report(DiskName::from("nda1"), true).judgement.verdict, DiskVerdict::well);
    EXPECT_THAT(world.alerts.list(), IsEmpty());
}

TEST(Disks, KeepTheFiguresOfADiskThatSleeps) {
    World world;
    world.disks.report(nda0, true);
    world.host.answers["nda0"] = unknown(HealthReason::asleep);
    const auto report = world.disks.report(nda0, true);
    EXPECT_TRUE(report.asleep);
    EXPECT_EQ(report.figures->wear, 3);
    EXPECT_EQ(report.judgement.verdict, DiskVerdict::well);
    world.host.disks[0].ident = "S9";
    EXPECT_FALSE(world.disks.report(nda0, false).figures) << "another disk has its name now";
}

TEST(Disks, SayWhatWasNotUnderstood) {
    World world;
    world.host.answers.erase("nda0");
    const auto report = world.disks.report(nda0, true);
    EXPECT_EQ(report.figures->reason, HealthReason::unclear);
    EXPECT_THAT(report.judgement.text, HasSubstr("not JSON"));
    world.host.away = true;
    EXPECT_THROW(world.disks.report(nda0, true), Error);
}

} // namespace
} // namespace bhype::storage
