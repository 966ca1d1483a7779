#include "access/limiter.h"

#include "access/test_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace bhype::access {
namespace {

class LimiterTest : public testing::Test {
  protected:
    bool let_in(const std::string& account, const std::string& source) {
        return !limiter.refused(account, source);
    }
    int let_in_of(int attempts, const std::string& account, const std::string& source) {
        int in = 0;
        for (int i = 0; i < attempts; ++i)
            in += let_in(account, source) ? 1 : 0;
        return in;
    }
    test::Time time;
    Limiter limiter{time.clocks()};
};

TEST_F(LimiterTest, FiveThenOneEveryFiveMinutes) {
    EXPECT_EQ(let_in_of(10, "dev1", "10.0.0.1"), 5);
    EXPECT_EQ(limiter.refused("dev1", "10.0.0.1"), std::chrono::seconds(300));
    time.passed += std::chrono::seconds(299);
    EXPECT_EQ(limiter.refused("dev1", "10.0.0.1"), std::chrono::seconds(1));
    time.passed += std::chrono::seconds(1);
    EXPECT_EQ(let_in_of(10, "dev1", "10.0.0.1"), 1);
    // Another user from there, and the same from elsewhere.
    EXPECT_TRUE(let_in("dev2", "10.0.0.1"));
    EXPECT_TRUE(let_in("dev1", "10.0.0.2"));
    time.passed += std::chrono::hours(24);
    EXPECT_EQ(let_in_of(10, "dev1", "10.0.0.1"), 5);
}

TEST_F(LimiterTest, ARightPasswordForgivesItsOwnMistakesOnly) {
    EXPECT_EQ(let_in_of(4, "dev1", "10.0.0.1"), 4);
    EXPECT_TRUE(let_in("dev1", "10.0.0.1"));
    limiter.succeeded("dev1", "10.0.0.1");
    EXPECT_EQ(let_in_of(10, "dev1", "10.0.0.1"), 5);
    // Somebody with an account of his own cannot guess at others' for ever.
    int guesses = 0;
    for (int i = 0; i < 200; ++i) {
        const auto victim = "victim" + std::to_string(i);
        guesses += let_in(victim, "10.0.0.3") ? 1 : 0;
        if (let_in("mallory", "10.0.0.3"))
            limiter.succeeded("mallory", "10.0.0.3");
    }
    EXPECT_EQ(guesses, 20);
}

TEST_F(LimiterTest, ASourceMayTryTwentyNames) {
    int in = 0;
    for (int i = 0; i < 100; ++i)
        in += let_in("user" + std::to_string(i), "10.0.0.1") ? 1 : 0;
    EXPECT_EQ(in, 20);
    EXPECT_EQ(limiter.refused("user200", "10.0.0.1"), std::chrono::seconds(30));
    EXPECT_TRUE(let_in("user0", "10.0.0.2"));
}

TEST_F(LimiterTest, ManySourcesTogetherAreLimitedAndDoNotLockTheOwnerOut) {
    ASSERT_TRUE(let_in("dev1", "192.0.2.7"));
    limiter.succeeded("dev1", "192.0.2.7");
    int in = 0;
    for (int source = 0; source < 200; ++source)
        in += let_in_of(5, "dev1", "10.1.0." + std::to_string(source));
    EXPECT_EQ(in, 50);
    EXPECT_FALSE(let_in("dev1", "192.0.2.8"));
    EXPECT_TRUE(let_in("dev1", "192.0.2.7"));
    // A neighbour behind the same address uses up the source.
    for (int i = 0; i < 100; ++i)
        let_in("user" + std::to_string(i), "192.0.2.7");
    EXPECT_FALSE(let_in("dev2", "192.0.2.7"));
    EXPECT_TRUE(let_in("dev1", "192.0.2.7"));
}

TEST_F(LimiterTest, RefusalsDoNotLengthenTheWait) {
    let_in_of(5, "dev1", "10.0.0.1");
    let_in_of(1000, "dev1", "10.0.0.1");
    time.passed += std::chrono::seconds(300);
    EXPECT_TRUE(let_in("dev1", "10.0.0.1"));
}

TEST_F(LimiterTest, AttemptsAtTheSameTimeCount) {
    std::atomic<int> in = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([&] { in += let_in_of(100, "dev1", "10.0.0.1"); });
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(in, 5);
}

TEST_F(LimiterTest, AnIPv6SubnetIsOneSource) {
    EXPECT_EQ(source_key("2001:db8:1:2:aaaa::1"), source_key("2001:DB8:1:2::ffff"));
    EXPECT_NE(source_key("2001:db8:1:2::1"), source_key("2001:db8:1:3::1"));
    EXPECT_EQ(source_key("::ffff:10.0.0.1"), "10.0.0.1");
    EXPECT_EQ(source_key("10.0.0.1"), "10.0.0.1");
    EXPECT_EQ(source_key("cli"), "cli");
    EXPECT_EQ(source_key(""), "");
    int in = 0;
    for (int i = 0; i < 100; ++i)
        in += let_in("dev1", "2001:db8::" + std::to_string(i)) ? 1 : 0;
    EXPECT_EQ(in, 5);
}

TEST_F(LimiterTest, AFloodOfNamesDoesNotGrowItAndDoesNotForgetTheLimited) {
    let_in_of(5, "dev1", "10.0.0.1");
    for (int i = 0; i < 6000; ++i)
        limiter.refused("u" + std::to_string(i), "10." + std::to_string(i / 65536 + 1) + "." +
                                                     std::to_string(i / 256 % 256) + "." +
                                                     std::to_string(i % 256));
    EXPECT_LE(limiter.size(), 4096U);
    EXPECT_FALSE(let_in("dev1", "10.0.0.1"));
    for (int i = 0; i < 10'000; ++i)
        limiter.know("u" + std::to_string(i), "10.0.0.1");
    EXPECT_LE(limiter.size(), 4096U);
}

} // namespace
} // namespace bhype::access
