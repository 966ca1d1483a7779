#include "base/test_directory.h"
#include "hostd/context.h"
#include "hostd/flights.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>

#include <filesystem>
#include <fstream>

namespace bhype::hostd {
namespace {

TEST(Secrets, AreTakenOnce) {
    Secrets secrets;
    const auto token = secrets.keep(Secret("correct horse"));
    const auto other = secrets.keep(Secret("battery staple"));
    EXPECT_EQ(secrets.take(token).reveal(), "correct horse");
    EXPECT_THROW(secrets.take(token), Error);
    EXPECT_EQ(secrets.take(other).reveal(), "battery staple");
    for (int i = 0; i < 64; ++i)
        secrets.keep(Secret("one of many"));
    EXPECT_THROW(secrets.keep(Secret("too many")), Error);
}

/// What a lying bhyped may ask for. Each is refused before any command is run.
TEST(HostileBhyped, IsRefusedBeforeAnythingRuns) {
    const Config config;
    const Paths paths;
    const test::Directory scratch;
    const auto& directory = scratch.path;
    Tree tree("/", 0);
    Guests guests(
        directory + "/vmd", tree, [](const run::Start&) -> pid_t { return -1; }, [](const host::Guest&) {});
    Passwords passwords("bhype", false);
    int commands = 0;
    Firewall firewall;
    Dhcp dhcp;
    Guard guard(directory, directory, [&](const host::Command&) {
        ++commands;
        return host::Output{};
    });
    Secrets secrets;
    Looks looks(
        paths.zvol, tree, [](const host::Command&) { return host::Output{}; },
        [](const run::Start&) -> pid_t { return -1; });
    House house{config,
                paths,
                tree,
                guests,
                passwords,
                firewall,
                dhcp,
                guard,
                secrets,
                looks,
                [&](const host::Command&, const run::Options&) {
                    ++commands;
                    return host::Output{};
                }};
    const std::string task = "tank/bhype/.new/t0123456789abcdef";
    const std::vector<std::pair<std::string, json::object>> lies{
        {"snapshot.look",
         {{"volume", "tank/home"}, {"label", "keep"}, {"path", "/"}, {"from", 0}, {"limit", 1}}},
        {"snapshot.look",
         {{"volume", "tank/bhype/vm/a"}, {"label", "keep"}, {"path", "/"}, {"from", 0}, {"limit", 1}}},
        {"snapshot.file", {{"volume", "tank/bhype/.new/look-1"}, {"label", "keep"}, {"path", "/"}}},
        {"dataset.destroy", {{"name", "tank"}}},
        {"dataset.destroy", {{"name", "tank/home"}}},
        {"dataset.destroy", {{"name", "tank/bhype"}}},
        {"dataset.destroy", {{"name", "tank/bhype/vm"}}},
        {"dataset.destroy", {{"name", "tank/bhype/state"}}},
        {"dataset.destroy", {{"name", "tank/bhype/vm/a/disk0"}}},
        {"dataset.destroy", {{"name", "tank/bhype/vm/../../home"}}},
        {"dataset.list", {{"root", "zroot"}, {"snapshots", false}}},
        {"dataset.create", {{"name", "tank/bhype/vm/a"}}},
        {"dataset.create", {{"name", "tank/bhype/.new/x/y"}}},
        {"volume.create", {{"name", "tank/bhype/vm/a/d"}, {"size", "1G"}}},
        {"snapshot.create", {{"dataset", "zroot/usr"}, {"label", "x"}}},
        {"clone.create", {{"origin", "zroot/usr"}, {"label", "x"}, {"name", task + "/a"}}},
        {"clone.create", {{"origin", "tank/bhype/state"}, {"label", "x"}, {"name", task + "/a"}}},
        {"volume.grow", {{"name", "zroot/swap"}, {"size", "1G"}}},
        {"dataset.publish", {{"from", task + "/a"}, {"to", "tank/home"}}},
        {"dataset.publish", {{"from", "zroot/home"}, {"to", "tank/bhype/vm/a"}}},
        {"dataset.publish", {{"from", task + "/a"}, {"to", "other/bhype/vm/a"}}},
        {"firmware.copy", {{"dataset", "tank/etc"}}},
        {"image.write",
         {{"file", "/etc/master.passwd"}, {"sha256", std::string(64, '0')}, {"volume", "tank/swap"}}},
        {"guest.start", {{"vm", "a"}, {"dataset", "tank/bhype/vm/b"}, {"taps", json::array{}}}},
        {"guest.start",
         {{"vm", "a"}, {"dataset", "tank/bhype/vm/a"}, {"taps", json::array{}}, {"raw", "-o"}}},
        {"guest.log", {{"vm", "a"}, {"dataset", "tank/etc"}, {"bytes", 10}}},
        {"console.open", {{"vm", "../x"}, {"kind", "serial"}, {"mode", "control"}}},
        {"pool.create",
         {{"pool", "tank"}, {"groups", json::array{json::object{{"disks", json::array{"../sda"}}}}}}},
        {"pool.export", {{"pool", "-a"}}},
        {"device.put", {{"pool", "tank"}, {"device", "-f"}, {"disk", "nda1"}}},
        {"tap.create", {{"vm", "-x"}, {"nic", "net0"}, {"bridge", "bh-nat"}}},
        {"tap.create", {{"vm", "a"}, {"nic", "net0"}, {"bridge", "bh-nat destroy"}}},
        {"bridge.ensure", {{"switch", "nat"}, {"address", "10.77.0.1/24 alias"}}},
        {"bridge.ensure", {{"switch", "nat"}, {"uplink", "em0; reboot"}}},
        {"dhcp.ensure",
         {{"ranges", json::array{json::object{{"switch", "nat"},
                                              {"bridge", "bh-nat"},
                                              {"address", "10.77.0.1/24"},
                                              {"domain", "a\nconf-dir=/tmp"}}}}}},
        {"dhcp.ensure",
         {{"hosts",
           json::array{json::object{{"switch", "nat"}, {"mac", "58:9c:fc:00:00:01"}, {"name", "a,set:x"}}}}}},
        {"firewall.ensure",
         {{"switches", json::array{json::object{
                           {"switch", "nat"}, {"bridge", "bh-nat\npass"}, {"address", "10.77.0.1/24"}}}}}},
        {"firewall.ensure",
         {{"forwards",
           json::array{json::object{
               {"protocol", "tcp"}, {"port", 80}, {"to", "10.77.0.2 port 1"}, {"to_port", 80}}}}}},
        {"password.check", {{"user", "root"}, {"client", "x"}}},
        {"run.command", {{"argv", json::array{"sh"}}}},
    };
    for (const auto& [operation, arguments] : lies) {
        Context context{house, [](const wire::Ran&) {}, [](double) {}, {}, {}, {}};
        EXPECT_THROW(dispatch(context, operation, arguments), Error)
            << operation << json::serialize(arguments);
    }
    EXPECT_EQ(commands, 0);
}

TEST(Flights, OutliveTheHostdThatBeganThem) {
    const test::Directory scratch;
    const auto directory = scratch.path + "/flights";
    Flights before(directory);
    Fd command = before.begin("t0123456789abcdef.1").file;
    EXPECT_THROW(before.begin("t0123456789abcdef.1"), Error);
    EXPECT_THROW(before.begin("../x"), Error);
    before.begin("t0123456789abcdef.2");
    before.end("t0123456789abcdef.2");
    EXPECT_EQ(before.ids(), std::vector<std::string>{"t0123456789abcdef.1"});

    Flights after(directory);
    EXPECT_EQ(after.ids(), std::vector<std::string>{"t0123456789abcdef.1"}) << "a command of it still runs";
    EXPECT_THROW(after.begin("t0123456789abcdef.1"), Error);
    command.reset();
    EXPECT_TRUE(after.ids().empty());
    EXPECT_NO_THROW(after.begin("t0123456789abcdef.1"));
}

TEST(Flights, TellWhatIsNotWantedAnyMore) {
    const test::Directory scratch;
    Flights flights(scratch.path + "/flights");
    const auto one = flights.begin("t0123456789abcdef.1");
    const auto other = flights.begin("t0123456789abcdef.2");
    const auto wished = [](const Flight& flight) {
        pollfd polled{flight.wish.get(), POLLIN, 0};
        return ::poll(&polled, 1, 0) == 1;
    };
    EXPECT_FALSE(wished(one));
    flights.cancel("t0123456789abcdef.1");
    flights.cancel("t0123456789abcdef.3");
    flights.cancel("t0123456789abcdef.1");
    EXPECT_TRUE(wished(one));
    EXPECT_FALSE(wished(other));
    EXPECT_EQ(flights.ids().size(), 2U);
    flights.end("t0123456789abcdef.1");
    EXPECT_EQ(flights.ids(), std::vector<std::string>{"t0123456789abcdef.2"});
}

TEST(Guests, AVmdThatBeginsLateHasNoGuest) {
    const test::Directory scratch;
    const auto runs = scratch.path + "/vmd";
    std::filesystem::create_directories(runs + "/vm1");
    std::ofstream(runs + "/vm1/run") << "vm=vm1\n";
    const Tree tree("/", 0);
    Guests guests(
        runs, tree, [](const run::Start&) -> pid_t { return -1; }, [](const host::Guest&) {});
    guests.recover();
    ASSERT_EQ(guests.list().size(), 1u);
    EXPECT_EQ(guests.list()[0].state, host::GuestState::failed);
    {
        const Fd lock(::open((runs + "/vm1/lock").c_str(), O_RDWR | O_CLOEXEC));
        ASSERT_TRUE(lock);
        EXPECT_NE(::flock(lock.get(), LOCK_EX | LOCK_NB), 0) << "a vmd could begin and nobody would know";
    }
    guests.forget(VmName::from("vm1"));
    EXPECT_TRUE(guests.list().empty());
    EXPECT_FALSE(std::filesystem::exists(runs + "/vm1"));
}

TEST(Guests, AHostThatHasBootedHasNone) {
    const test::Directory scratch;
    const auto runs = scratch.path + "/vmd";
    std::filesystem::create_directories(runs + "/vm1"); // as rc.d/cleanvar leaves it
    const Tree tree("/", 0);
    Guests guests(
        runs, tree, [](const run::Start&) -> pid_t { return -1; }, [](const host::Guest&) {});
    guests.recover();
    EXPECT_TRUE(guests.list().empty()) << "it stopped with the host, it did not fail";
    EXPECT_FALSE(std::filesystem::exists(runs + "/vm1"));
}

} // namespace
} // namespace bhype::hostd
