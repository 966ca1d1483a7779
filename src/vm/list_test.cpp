#include "vm/list.h"
#include "vm/test_fixture.h"

#include <fmt/format.h>

namespace bhype::vm {
namespace {

using namespace test;

std::string text_of(const api::Reply& reply) {
    std::string text;
    for (const auto& part : *reply.parts)
        text += *part;
    return text;
}

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
        EXPECT_EQ(text_of(reply), text_of(whole));
        EXPECT_EQ(reply.etag, whole.etag);
        return decode_text<std::vector<VmSummary>>(text_of(reply));
    };

    EXPECT_FALSE(list.ready(owner));
    ASSERT_EQ(shown(owner).size(), 2U);
    ASSERT_TRUE(list.ready(owner));
    EXPECT_EQ(list.ready(owner)->parts, list.reply(owner).parts);
    EXPECT_FALSE(shown(owner)[0].actions.empty());
    EXPECT_TRUE(shown(viewer)[0].actions.empty());
    EXPECT_TRUE(shown(caller("dev2", access::Role::member)).empty());

    const auto before = list.reply(owner).etag;
    host::Guest guest;
    guest.vm = VmName::from("web2");
    guest.state = host::GuestState::running;
    world.inventory.apply(guest);
    EXPECT_TRUE(list.ready(owner)) << "so little is written at once";
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

TEST(VmList, WritesAnewOnlyTheBlockThatChanged) {
    World world;
    const auto make = [&](int number) {
        ASSERT_TRUE(
            world.make(fmt::format(R"({{"name":"vm{:03}","template":"tiny-linux"}})", number).c_str()));
    };
    for (int number = 0; number < 100; ++number)
        make(number * 2);
    List list(world.inventory, [](const VmName&) { return std::optional<TaskId>(); });
    access::Caller viewer;
    viewer.user = UserName::from("looker");
    viewer.role = access::Role::viewer;
    const auto same_as_fresh = [&] {
        List fresh(world.inventory, [](const VmName&) { return std::optional<TaskId>(); });
        const auto reply = list.reply(viewer);
        const auto whole = fresh.reply(viewer);
        EXPECT_EQ(text_of(reply), text_of(whole));
        EXPECT_EQ(reply.etag, whole.etag);
        return reply.parts;
    };
    const auto before = same_as_fresh();
    host::Guest guest;
    guest.vm = VmName::from("vm100");
    guest.state = host::GuestState::running;
    world.inventory.apply(guest);
    const auto after = same_as_fresh();
    ASSERT_EQ(before->size(), after->size());
    int others = 0;
    for (std::size_t i = 0; i < before->size(); ++i)
        others += (*before)[i] == (*after)[i] ? 0 : 1;
    EXPECT_EQ(others, 1);
    for (const int number : {1, 63, 65, 199, 201, 99, 67})
        make(number);
    same_as_fresh();
    for (int number = 0; number < 9; ++number)
        world.inventory.touch(VmName::from(fmt::format("vm{:03}", number * 2)));
    EXPECT_FALSE(list.ready(viewer)) << "so much is left to a worker";
    same_as_fresh();
    for (const auto* name : {"vm000", "vm062", "vm064", "vm201", "vm067", "vm100"}) {
        world.inventory.forget(VmName::from(name));
        same_as_fresh();
    }
    for (int number = 0; number < 100; ++number)
        world.inventory.forget(VmName::from(fmt::format("vm{:03}", number * 2)));
    EXPECT_EQ(decode_text<std::vector<VmSummary>>(text_of({.parts = same_as_fresh()})).size(), 5U);
}

} // namespace
} // namespace bhype::vm
