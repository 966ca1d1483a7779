#include "os/accounts.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace bhype::os {
namespace {

TEST(Accounts, FindsWhomTheNameServiceKnows) {
    const auto root = find_user(0);
    ASSERT_TRUE(root);
    EXPECT_EQ(root->name, "root");
    EXPECT_EQ(find_user("root")->uid, 0U);
    const auto groups = groups_of(*root);
    ASSERT_FALSE(groups.empty());
    EXPECT_TRUE(group_exists(groups.front()));
}

TEST(Accounts, TellsWhoIsNotThere) {
    EXPECT_FALSE(find_user("no-such-user-here"));
    EXPECT_FALSE(find_user(""));
    EXPECT_FALSE(find_user(static_cast<uid_t>(3999999999U)));
    EXPECT_FALSE(group_exists("no-such-group-here"));
}

TEST(Accounts, GroupsComeOnceEach) {
    auto groups = groups_of(*find_user("root"));
    const auto all = groups.size();
    std::sort(groups.begin(), groups.end());
    groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
    EXPECT_EQ(groups.size(), all);
}

} // namespace
} // namespace bhype::os
