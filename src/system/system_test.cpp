#include "system/system.h"

#include <gtest/gtest.h>

namespace bhype::system {

namespace {

/// A host that changes while bHype looks elsewhere.
class FakeHost : public wire::Host {
  public:
    std::vector<host::Pool> pools;

    wire::Answer perform(std::string_view operation, const json::value&, std::chrono::seconds,
                         const wire::CallOptions&) override {
        wire::Answer answer;
        if (operation == host::HostFacts::operation)
            answer.result = encode(host::HostFactsResult{});
        else if (operation == host::PoolList::operation)
            answer.result = encode(pools);
        else if (operation == host::DatasetList::operation || operation == host::InterfaceList::operation ||
                 operation == host::DiskList::operation)
            answer.result = json::array{};
        else if (operation == host::FirewallShow::operation)
            answer.result = encode(host::FirewallShowResult{});
        else
            throw Error(Code::internal, "the fake host does not do " + std::string(operation));
        return answer;
    }
    std::vector<std::string> in_flight() override { return {}; }
};

struct World {
    FakeHost host;
    network::Switches switches{host,
                               {[] { return std::vector<network::Wanted>{}; }, [](const auto&) {},
                                [] { return std::vector<network::Forward>{}; }, [](const auto&) {}}};
    vm::Inventory inventory{host,
                            {[] { return std::map<std::string, access::Ownership>{}; },
                             [](const VmName&, const access::Ownership&) {}, [](const VmName&) {},
                             [] { return std::map<std::string, vm::Ending>{}; },
                             [](const VmName&, const vm::Ending&) {},
                             [] { return std::optional<PoolName>(); }},
                            "/nonexistent/cache.json"};
    System system{
        host,
        switches,
        inventory,
        {[] { return std::optional<PoolName>(); }, [](const auto&) {}, [] { return std::int64_t(5); }},
        [] { return true; }};
};

TEST(Setup, SeesThePoolThatWasMadeAMomentAgo) {
    World world;
    SetupRequest request;
    request.pool = PoolName::from("tank");
    EXPECT_THROW(world.system.plan_setup(request), Error) << "no pool, and no disks to make it from";
    world.host.pools = {{PoolName::from("tank"), "1", 20_GiB, 1_GiB, 19_GiB, "ONLINE"}};
    const auto [plan, input] = world.system.plan_setup(request);
    EXPECT_FALSE(input.create);
    EXPECT_TRUE(plan.wipes.empty());
}

TEST(Setup, NamesEveryProblemAtOnce) {
    World world;
    SetupRequest request;
    request.pool = PoolName::from("tank");
    request.disks = {DiskName::from("nda0"), DiskName::from("nda0")};
    request.layout = host::PoolLayout::raidz2;
    try {
        world.system.plan_setup(request);
        FAIL() << "it was accepted";
    } catch (const Error& error) {
        std::vector<std::string> fields;
        for (const auto& problem : error.problems())
            fields.push_back(problem.field);
        EXPECT_EQ(fields,
                  (std::vector<std::string>{"disks", "disks[0]", "disks[0]", "disks[1]", "disks[1]"}));
    }
}

} // namespace
} // namespace bhype::system
