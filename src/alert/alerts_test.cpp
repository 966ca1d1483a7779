#include "alert/alerts.h"

#include <gmock/gmock.h>

namespace bhype::alert {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

const Fault degraded{"pools/tank/degraded", "pools/tank", Severity::critical, "tank is degraded", "look"};
const Fault missing{"network/forwards/tcp-80", "forwards/tcp-80", Severity::warning, "leads nowhere",
                    "mend it"};

struct World {
    std::map<std::string, Alert> kept;
    int told = 0;
    std::unique_ptr<Alerts> alerts = fresh();

    std::unique_ptr<Alerts> fresh() {
        auto made = std::make_unique<Alerts>(
            Alerts::Keep{[this] { return kept; }, [this](const auto& all) { kept = all; }});
        made->on_change([this] { ++told; });
        return made;
    }
};

TEST(Alerts, KeepTheirMomentUntilTheyGo) {
    World world;
    world.alerts->set("pools", {degraded});
    ASSERT_EQ(world.kept.size(), 1U);
    world.kept.at(degraded.id).since = 1000;
    world.alerts = world.fresh();
    world.alerts->set("pools", {degraded});
    EXPECT_THAT(world.alerts->list(), ElementsAre(Field(&Alert::since, 1000))) << "also over a restart";
    world.alerts->set("pools", {});
    EXPECT_THAT(world.alerts->list(), IsEmpty());
    EXPECT_TRUE(world.kept.empty());
}

TEST(Alerts, AreTheirAreasOwn) {
    World world;
    world.alerts->set("network", {missing});
    world.alerts->set("pools", {degraded});
    EXPECT_THAT(world.alerts->list(),
                ElementsAre(Field(&Alert::id, degraded.id), Field(&Alert::id, missing.id)))
        << "the worst first";
    world.alerts->set("pools", {});
    EXPECT_THAT(world.alerts->list(), ElementsAre(Field(&Alert::id, missing.id)));
}

TEST(Alerts, TellOnlyOfChanges) {
    World world;
    world.alerts->set("pools", {degraded});
    world.alerts->set("pools", {degraded});
    EXPECT_EQ(world.told, 1);
    auto worse = degraded;
    worse.text = "tank is worse";
    world.alerts->set("pools", {worse});
    EXPECT_EQ(world.told, 2);
}

} // namespace
} // namespace bhype::alert
