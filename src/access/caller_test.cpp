#include "access/caller.h"

#include <gtest/gtest.h>

namespace bhype::access {

namespace {
Caller caller(const char* user, Role role, std::vector<std::string> groups = {}) {
    Caller result;
    result.user = UserName::from(user);
    result.role = role;
    result.groups = std::move(groups);
    return result;
}
} // namespace

TEST(Caller, RolesHaveTheirPrivilegesAndNoOthers) {
    const Privilege all[] = {Privilege::open, Privilege::session, Privilege::look,
                             Privilege::use,  Privilege::make,    Privilege::administer};
    const auto count = [&](Role role) {
        int allowed = 0;
        for (const auto privilege : all)
            allowed += caller("x", role).may(privilege) ? 1 : 0;
        return allowed;
    };
    EXPECT_EQ(count(Role::none), 2); // what is open, and its own log-out
    EXPECT_EQ(count(Role::viewer), 3);
    EXPECT_EQ(count(Role::member), 5);
    EXPECT_EQ(count(Role::administrator), 6);
}

TEST(Caller, OwnershipDecidesForMembers) {
    const Ownership mine{"dev1", "team"};
    EXPECT_TRUE(may_change(caller("dev1", Role::member), mine));
    EXPECT_FALSE(may_see(caller("dev2", Role::member), mine));
    EXPECT_TRUE(may_use(caller("dev2", Role::member, {"team"}), mine));
    EXPECT_FALSE(may_change(caller("dev2", Role::member, {"team"}), mine));
    EXPECT_TRUE(may_see(caller("eye", Role::viewer), mine));
    EXPECT_FALSE(may_use(caller("eye", Role::viewer), mine));
    EXPECT_FALSE(may_change(caller("dev1", Role::viewer), mine));
    EXPECT_TRUE(may_change(caller("boss", Role::administrator), mine));
    EXPECT_FALSE(may_see(caller("dev1", Role::none), mine));
}

TEST(Caller, AnEmptyGroupIsNobodysGroup) {
    EXPECT_FALSE(may_see(caller("dev2", Role::member, {""}), Ownership{"dev1", ""}));
}

} // namespace bhype::access
