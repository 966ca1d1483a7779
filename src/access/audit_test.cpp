#include "access/audit.h"

#include "access/test_store.h"

#include <gtest/gtest.h>

namespace bhype::access {
namespace {

class AuditTest : public testing::Test {
  protected:
    AuditTest() { open({}); }
    void open(AuditLimits limits) { audit.emplace(*store.database, limits, time.clocks()); }
    void record(const std::string& user, const std::string& object) {
        AuditEntry entry;
        entry.user = user;
        entry.source = "10.0.0.9";
        entry.endpoint = "POST /api/v1/vms/{name}/start";
        entry.object = object;
        entry.outcome = "ok";
        audit->record(entry);
    }
    std::vector<AuditEntry> list(const AuditQuery& query = {}) {
        store.database->write([](store::Sql&) {}); // after what was recorded
        return audit->list(query);
    }
    test::TestStore store;
    test::Time time;
    std::optional<Audit> audit;
};

TEST_F(AuditTest, ListsTheNewestFirstInPages) {
    for (int i = 1; i <= 10; ++i)
        record(i % 2 ? "dev1" : "dev2", "web" + std::to_string(i));
    const auto first = list({.most = 4});
    ASSERT_EQ(first.size(), 4U);
    EXPECT_EQ(first.front().object, "web10");
    EXPECT_EQ(first.front().moment, time.clocks().epoch());
    const auto second = list({.before = first.back().number, .most = 4});
    ASSERT_EQ(second.size(), 4U);
    EXPECT_EQ(second.front().object, "web6");
    EXPECT_EQ(list({.user = "dev1"}).size(), 5U);
    EXPECT_EQ(list({.object = "web3"}).size(), 1U);
    EXPECT_TRUE(list({.user = "dev2", .object = "web3"}).empty());
    store.open();
    open({});
    record("dev1", "after");
    EXPECT_EQ(list().front().number, 11);
}

TEST_F(AuditTest, KeepsSoManyAndNoMore) {
    open({.most = 100});
    for (int i = 0; i < 1000; ++i)
        record("dev1", std::to_string(i));
    const auto all = list({.most = 10'000});
    EXPECT_LE(all.size(), 100U + 256U);
    EXPECT_GE(all.size(), 100U);
    EXPECT_EQ(all.front().object, "999");
}

TEST_F(AuditTest, StrangersDoNotPushOutWhatUsersDid) {
    record("dev1", "web1");
    for (int i = 0; i < 10'000; ++i)
        record("", "");
    EXPECT_EQ(list({.most = 1000}).size(), 61U);
    record("dev1", "web2");
    time.passed += std::chrono::minutes(1);
    record("", "");
    EXPECT_EQ(list({.most = 1000}).size(), 63U);
}

TEST_F(AuditTest, LongTextsAreCut) {
    std::string object(253, 'x');
    record("dev1", object + "\xc3\xa4\xc3\xa4");
    EXPECT_EQ(list().front().object, object + "\xc3\xa4");
}

} // namespace
} // namespace bhype::access
