#include "access/sessions.h"

#include "access/test_store.h"
#include "access/token.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <thread>

namespace bhype::access {
namespace {

class SessionsTest : public testing::Test {
  protected:
    SessionsTest() { start(); }
    void start() {
        sessions.emplace(*store.database, SessionLimits{std::chrono::hours(1), std::chrono::hours(12), 32},
                         time.clocks());
    }
    void restart() {
        sessions.reset();
        start();
    }
    Sessions::Opened open(const char* user, uid_t uid = 1002) {
        return sessions->open(UserName::from(user), uid, "10.0.0.9");
    }
    bool lives(const Sessions::Opened& opened, bool use = true) {
        return sessions->find(token_hash(opened.token.reveal()), use).has_value();
    }
    std::int64_t rows() {
        return store.database->read([](store::Sql& sql) {
            return std::get<0>(sql.row<std::int64_t>("SELECT COUNT(*) FROM sessions").value());
        });
    }

    test::TestStore store;
    test::Time time;
    std::optional<Sessions> sessions;
};

TEST(Token, IsHashedAndCheckedForItsForm) {
    // RFC 6234's function, of 64 zeros as text.
    EXPECT_EQ(token_hash(std::string(64, '0')),
              "60e05bd1b195af2f94112fa7197a5c88289058840ce7c6df9693756bc6250f55");
    for (const auto& wrong : {std::string(), std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'g'),
                              std::string(64, 'A'), std::string(64, '\0')})
        EXPECT_EQ(token_hash(wrong), "");
    std::set<std::string> tokens;
    for (int i = 0; i < 1000; ++i)
        tokens.insert(make_token().reveal());
    EXPECT_EQ(tokens.size(), 1000U);
}

TEST_F(SessionsTest, TheTokenIsNowhereInTheDatabase) {
    const auto made = open("dev1");
    sessions.reset();
    store.database.reset();
    std::string all;
    for (const auto& entry : std::filesystem::directory_iterator(store.directory.path)) {
        std::ifstream file(entry.path(), std::ios::binary);
        all.append(std::istreambuf_iterator<char>(file), {});
    }
    EXPECT_NE(all.find(made.session.hash), std::string::npos);
    EXPECT_EQ(all.find(made.token.reveal()), std::string::npos);
}

TEST_F(SessionsTest, EndWhenIdleAndInAnyCase) {
    const auto idle = open("dev1");
    const auto busy = open("dev1");
    for (int minutes = 0; minutes < 12 * 60; minutes += 30) {
        EXPECT_TRUE(lives(busy)) << minutes;
        EXPECT_EQ(lives(idle, false), minutes <= 60) << minutes;
        time.passed += std::chrono::minutes(30);
    }
    time.passed += std::chrono::minutes(1);
    EXPECT_FALSE(lives(busy));
    EXPECT_EQ(sessions->flush().size(), 2U);
    EXPECT_TRUE(sessions->all().empty());
    EXPECT_EQ(rows(), 0);
}

TEST_F(SessionsTest, TheIdleTimeIsKeptOverARestart) {
    const auto used = open("dev1");
    const auto idle = open("dev1");
    time.passed += std::chrono::minutes(50);
    EXPECT_TRUE(lives(used));
    restart();
    time.passed += std::chrono::minutes(20);
    EXPECT_TRUE(lives(used));
    EXPECT_FALSE(lives(idle));
    restart();
    EXPECT_EQ(rows(), 1);
    EXPECT_TRUE(lives(used));
}

TEST_F(SessionsTest, AClockThatIsSetDoesNotMatterWhileRunning) {
    const auto made = open("dev1");
    time.set_by = 86400L * 365;
    EXPECT_TRUE(lives(made));
    time.set_by = -86400L * 365;
    EXPECT_TRUE(lives(made));
    time.passed += std::chrono::hours(13);
    EXPECT_FALSE(lives(made));
}

TEST_F(SessionsTest, ASessionFromTheFutureIsNoneAfterARestart) {
    const auto made = open("dev1");
    time.set_by = -60; // NTP
    restart();
    EXPECT_TRUE(lives(made));
    time.set_by = -86400;
    restart();
    EXPECT_FALSE(lives(made));
    EXPECT_EQ(rows(), 0);
    time.set_by = 0;
    restart();
    EXPECT_FALSE(lives(made));
}

TEST_F(SessionsTest, WhatIsInTheTableIsNotTrusted) {
    store.database->write([](store::Sql& sql) {
        for (const auto& [hash, user, uid] :
             {std::tuple{"a", "dev1", -1}, {"b", "; rm", 1002}, {"c", "", 1002}})
            sql.exec("INSERT INTO sessions (hash, username, source, created, used, uid) "
                     "VALUES (:hash, :username, 'x', 1801000000, 1801000000, :uid)",
                     {hash, user, uid});
    });
    restart();
    EXPECT_TRUE(sessions->all().empty());
    EXPECT_EQ(rows(), 0);
}

TEST_F(SessionsTest, AnAccountHasOnlySoMany) {
    const auto other = open("dev2", 1003);
    std::vector<Sessions::Opened> mine;
    for (int i = 0; i < 40; ++i) {
        mine.push_back(open("dev1"));
        time.passed += std::chrono::seconds(1);
        EXPECT_EQ(mine.back().ended.size(), i < 32 ? 0U : 1U);
        EXPECT_TRUE(lives(mine.front())) << "the one that is used stays";
    }
    EXPECT_FALSE(lives(mine[1]));
    EXPECT_TRUE(lives(mine.back()));
    EXPECT_TRUE(lives(other));
    sessions->flush();
    EXPECT_EQ(rows(), 33);
}

TEST_F(SessionsTest, ThousandAtOnce) {
    std::vector<std::thread> threads;
    std::atomic<int> good = 0;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 125; ++i) {
                const auto user = "u" + std::to_string(t) + "-" + std::to_string(i / 10);
                const auto made = open(user.c_str());
                if (lives(made) && made.session.user.str() == user)
                    ++good;
                if (i % 5 == 0)
                    sessions->end(made.session.hash);
                if (i % 25 == 0)
                    sessions->flush();
            }
        });
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(good, 1000);
    EXPECT_EQ(sessions->all().size(), 800U);
    EXPECT_EQ(rows(), 800);
    restart();
    EXPECT_EQ(sessions->all().size(), 800U);
}

TEST_F(SessionsTest, WithoutADatabaseTheyLiveInMemory) {
    store.database->write([](store::Sql& sql) { sql.exec("ALTER TABLE sessions RENAME TO away"); });
    const auto made = open("dev1");
    EXPECT_TRUE(lives(made));
    EXPECT_THROW(sessions->end(made.session.hash), Error);
    EXPECT_FALSE(lives(made));
    store.database->write([](store::Sql& sql) { sql.exec("ALTER TABLE away RENAME TO sessions"); });
    sessions->flush();
    EXPECT_EQ(rows(), 0);
}

} // namespace
} // namespace bhype::access
