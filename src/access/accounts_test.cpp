#include "access/accounts.h"

#include "access/ownerships.h"
#include "access/test_store.h"

#include <gtest/gtest.h>

namespace bhype::access {
namespace {

class AccountsTest : public testing::Test {
  protected:
    AccountsTest() {
        Directory directory;
        directory.by_name = [this](const std::string& name) -> std::optional<os::User> {
            ++looks;
            if (broken)
                throw Error(Code::internal, "name service: timed out");
            const auto found = users.find(name);
            return found == users.end() ? std::nullopt : std::optional(found->second);
        };
        directory.by_uid = [this](uid_t uid) -> std::optional<os::User> {
            for (const auto& [name, user] : users)
                if (user.uid == uid)
                    return user;
            return std::nullopt;
        };
        directory.groups = [this](const os::User&) { return groups; };
        accounts.emplace(directory, time.clocks());
        users["dev1"] = {"dev1", 1002, 1002};
    }
    test::Time time;
    std::map<std::string, os::User> users;
    std::vector<std::string> groups = {"dev1", "bhype"};
    bool broken = false;
    int looks = 0;
    std::optional<Accounts> accounts;
    UserName dev1 = UserName::from("dev1");
};

TEST(RoleOf, TheHighestGroupCounts) {
    EXPECT_EQ(role_of(1001, {}), Role::none);
    EXPECT_EQ(role_of(1001, {"users", "wheel2", "bhyped"}), Role::none);
    EXPECT_EQ(role_of(1001, {"bhype-view"}), Role::viewer);
    EXPECT_EQ(role_of(1001, {"bhype-view", "bhype"}), Role::member);
    EXPECT_EQ(role_of(1001, {"bhype", "wheel", "bhype-view"}), Role::administrator);
    EXPECT_EQ(role_of(0, {}), Role::administrator);
}

TEST_F(AccountsTest, RemembersAndLooksAgain) {
    EXPECT_FALSE(accounts->peek(dev1));
    EXPECT_EQ(accounts->look(dev1)->role, Role::member);
    EXPECT_EQ((*accounts->peek(dev1))->uid, 1002U);
    groups = {"dev1"};
    EXPECT_EQ(accounts->look(dev1)->role, Role::member); // fresh enough
    EXPECT_EQ(accounts->look_anew(dev1)->role, Role::none);
    groups = {"dev1", "wheel"};
    time.passed += std::chrono::seconds(4);
    EXPECT_EQ(accounts->look(dev1)->role, Role::administrator);
    time.passed += std::chrono::seconds(31);
    EXPECT_FALSE(accounts->peek(dev1));
}

TEST_F(AccountsTest, RefreshesThoseInUseAndForgetsTheOthers) {
    accounts->look(dev1);
    groups = {"dev1"};
    accounts->refresh();
    EXPECT_EQ((*accounts->peek(dev1))->role, Role::none);
    users.clear();
    accounts->refresh();
    EXPECT_EQ(*accounts->peek(dev1), nullptr);
    looks = 0;
    time.passed += std::chrono::minutes(6);
    accounts->refresh();
    EXPECT_EQ(looks, 0);
    EXPECT_FALSE(accounts->remembered(dev1));
}

TEST_F(AccountsTest, ABrokenNameServiceIsNotANo) {
    accounts->look(dev1);
    broken = true;
    accounts->refresh();
    EXPECT_TRUE(*accounts->peek(dev1));
    EXPECT_THROW(accounts->look_anew(dev1), Error);
    time.passed += std::chrono::seconds(31);
    EXPECT_FALSE(accounts->peek(dev1));
    EXPECT_THROW(accounts->look(dev1), Error);
}

TEST_F(AccountsTest, NamesThatAreNoneOfOursAreNobody) {
    users["DEV1"] = users["dev1"]; // a directory that does not mind case
    EXPECT_EQ(accounts->look(UserName::from("DEV1")), nullptr);
    users["odd"] = {"DOMAIN\\odd", 1009, 1009};
    EXPECT_EQ(accounts->look(uid_t{1009}), nullptr);
    EXPECT_EQ(accounts->look(uid_t{1002})->name.str(), "dev1");
    EXPECT_EQ(accounts->look(uid_t{4711}), nullptr);
    EXPECT_TRUE(accounts->may_own(dev1));
    EXPECT_FALSE(accounts->may_own(UserName::from("dev9")));
}

TEST(Ownerships, AreKeptByKind) {
    test::TestStore store;
    {
        Ownerships ownerships(*store.database);
        ownerships.set("vm", "web1", {"dev1", ""});
        ownerships.set("vm", "web1", {"dev2", "team"});
        ownerships.set("vm", "db1", {"dev1", ""});
        ownerships.set("vm2", "other", {"dev1", ""});
        ownerships.set("jail", "web1", {"ann", ""});
        ownerships.forget("vm", "db1");
        ownerships.forget("vm", "db1");
    }
    store.open();
    const auto all = Ownerships(*store.database).all("vm");
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all.at("web1").owner, "dev2");
    EXPECT_EQ(all.at("web1").group, "team");
}

} // namespace
} // namespace bhype::access
