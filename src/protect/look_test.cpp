#include "protect/look.h"

#include <gmock/gmock.h>

namespace bhype::protect {

namespace {

TEST(Looks, AreTwoForEachUserAtATime) {
    const auto users = std::make_shared<LooksOfUsers>();
    const auto dev1 = UserName::from("dev1");
    const auto one = users->begin(dev1);
    auto two = users->begin(dev1);
    EXPECT_THROW(users->begin(dev1), Error);
    const auto other = users->begin(UserName::from("dev2"));
    two.reset();
    two = users->begin(dev1);
    EXPECT_THROW(users->begin(dev1), Error);
}

TEST(Looks, LeaveWorkersToOthers) {
    const auto users = std::make_shared<LooksOfUsers>();
    std::vector<std::shared_ptr<void>> all;
    for (int i = 0; i < 4; ++i)
        all.push_back(users->work());
    EXPECT_THROW(users->work(), Error);
    all.pop_back();
    EXPECT_NO_THROW(all.push_back(users->work()));
}

TEST(Downloads, HaveAHarmlessName) {
    EXPECT_EQ(attachment("motd"), "attachment; filename=\"motd\"; filename*=UTF-8''motd");
    EXPECT_EQ(attachment("a\";b\r\n.html"),
              "attachment; filename=\"a__b__.html\"; filename*=UTF-8''a%22%3Bb%0D%0A.html");
    EXPECT_EQ(attachment("\xc3\xa9/..\\x"),
              "attachment; filename=\"___.._x\"; filename*=UTF-8''%C3%A9%5F..%5Fx");
    EXPECT_EQ(attachment(".."), "attachment; filename=\"file\"; filename*=UTF-8''file");
    EXPECT_EQ(attachment(""), "attachment; filename=\"file\"; filename*=UTF-8''file");
    EXPECT_LT(attachment(std::string(4000, 'a')).size(), 600U);
}

} // namespace

} // namespace bhype::protect
