#include "vm/list.h"
#include "vm/test_fixture.h"

#include <fmt/format.h>

namespace bhype::vm {
namespace {

using namespace test;

TEST(VmList, HoldsWhatChangedAndForWhom) {
    World world;
    for (const auto* text :
         {R"({"name":"web1","template":"tiny-linux"})", R"({"name":"web2","template":"tiny-linux"})"})
        ASSERT_TRUE(world.make(text));
    std::map<std::string, TaskId> working;
    const auto task_of = [&](const VmName& name) {
        const auto found = working.find(name.str());
        return found == working.end() ? std::nullopt : std::optional(found->second);
    };
    List list(world.inventory, task_of);
    const auto caller = [](const char* name, access::Role role) {
        access::Caller found;
        found.user = UserName::from(name);
        found.role = role;
        return found;
    };
    const auto owner = caller("dev1", access::Role::member);
    const auto viewer = caller("looker", access::Role::viewer);
    const auto shown = [&](const access::Caller& who) {
        const auto reply = list.reply(who);
        List fresh(world.inventory, task_of);
        const auto whole = fresh.reply(who);
        EXPECT_EQ(*reply.text, *whole.text);
        EXPECT_EQ(reply.etag, whole.etag);
        return decode_text<std::vector<VmSummary>>(*reply.text);
    };

    EXPECT_FALSE(list.ready(owner));
    ASSERT_EQ(shown(owner).size(), 2U);
    ASSERT_TRUE(list.ready(owner));
    EXPECT_EQ(list.ready(owner)->text, list.reply(owner).text);
    EXPECT_FALSE(shown(owner)[0].actions.empty());
    EXPECT_TRUE(shown(viewer)[0].actions.empty());
    EXPECT_TRUE(shown(caller("dev2", access::Role::member)).empty());

    const auto before = list.reply(owner).etag;
    host::Guest guest;
    guest.vm = VmName::from("web2");
    guest.state = host::GuestState::running;
    world.inventory.apply(guest);
    EXPECT_FALSE(list.ready(owner));
    EXPECT_EQ(shown(owner)[1].state, host::GuestState::running);
    EXPECT_EQ(shown(viewer)[1].state, host::GuestState::running);
    EXPECT_NE(list.reply(owner).etag, before);

    working.emplace("web1", TaskId::from("t0123456789abcdef"));
    world.inventory.touch(VmName::from("web1"));
    EXPECT_EQ(shown(owner)[0].task, working.begin()->second);
    EXPECT_TRUE(shown(owner)[0].actions.empty());
    EXPECT_FALSE(shown(owner)[1].task);

    world.inventory.set_ownership(VmName::from("web1"), {"dev2", ""});
    ASSERT_EQ(shown(owner).size(), 1U);
    EXPECT_EQ(shown(owner)[0].name.str(), "web2");
    for (const auto* name : {"web0", "web3", "web4", "web5"}) {
        const auto text = fmt::format(R"({{"name":"{}","template":"tiny-linux"}})", name);
        ASSERT_TRUE(world.make(text.c_str()));
        shown(viewer);
    }
    for (const auto* name : {"web3", "web0", "web5"}) { // in the middle, first, last
        guest.vm = VmName::from(name);
        world.inventory.apply(guest);
        shown(viewer);
    }
    for (const auto* name : {"web1", "web0", "web5", "web3"}) {
        world.inventory.forget(VmName::from(name));
        shown(viewer);
    }
    EXPECT_EQ(shown(viewer).size(), 2U);
}

} // namespace
} // namespace bhype::vm
