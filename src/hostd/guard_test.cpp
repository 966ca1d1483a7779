#include "base/test_directory.h"
#include "hostd/guard.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace bhype::hostd {

namespace {

const auto one_id = TaskId::from("t0000000000000001");
const auto other_id = TaskId::from("t0000000000000002");

using host::GuardState;

/// A host that remembers what was run on it and what rc.conf has.
class GuardTest : public ::testing::Test {
  protected:
    GuardTest() {
        run = directory + "/run";
        std::filesystem::create_directory(run);
        host::Interface em0;
        em0.name = InterfaceName::from("em0");
        em0.up = true;
        em0.mtu = 1500;
        em0.ether = "02:00:00:00:00:01";
        em0.inet = {"192.0.2.10/24"};
        auto bridge = em0;
        bridge.name = InterfaceName::from("bh-public");
        bridge.groups = {"bridge", "bhype"};
        bridge.inet.clear();
        bridge.ether = "02:00:00:00:00:02";
        network.interfaces = {em0, bridge};
        network.routes = {{false, "default", "192.0.2.1", "em0"}};
        network.rc = {{"ifconfig_em0", "inet 192.0.2.10/24"}};
        rc = network.rc;
        operation.id = one_id;
        operation.change.ports = {em0.name};
        operation.change.switch_ = SwitchName::from("public");
        operation.seconds = 3600;
    }

    Runner runner() {
        return [this](const host::Command& command) {
            const auto line = host::display(command);
            host::Output output;
            if (command.program == host::Program::sysrc && command.arguments[0] == "-a") {
                for (const auto& [name, value] : rc)
                    output.out += name + ": " + value + '\n';
                return output;
            }
            ran.push_back(line);
            if (!fails.empty() && line.find(fails) != line.npos) {
                output.exit_status = 1;
                output.err = "it does not";
                return output;
            }
            if (command.program == host::Program::sysrc && command.arguments[0] == "-x")
                rc.erase(command.arguments[1]);
            else if (command.program == host::Program::sysrc)
                rc[command.arguments[0].substr(0, command.arguments[0].find('='))] =
                    command.arguments[0].substr(command.arguments[0].find('=') + 1);
            return output;
        };
    }
    std::unique_ptr<Guard> guard() { return std::make_unique<Guard>(directory, run, runner()); }
    host::UplinkPlanResult plan() const {
        return host::shown(host::uplink_steps(operation.change, network), network.rc);
    }
    /// As a killed hostd would have left it.
    void rewrite(const std::string& from, const std::string& to) {
        const auto path = directory + "/uplink.json";
        std::ifstream in(path);
        std::string text((std::istreambuf_iterator<char>(in)), {});
        const auto at = text.find(from);
        ASSERT_NE(at, std::string::npos) << text;
        std::ofstream(path) << text.replace(at, from.size(), to);
    }

    const test::Directory scratch;
    const std::string& directory = scratch.path;
    std::string run;
    host::HostNetwork network;
    host::UplinkApply operation;
    std::map<std::string, std::string> rc;
    std::vector<std::string> ran;
    std::string fails;
};

} // namespace

TEST_F(GuardTest, GoesBackByItselfWhenItsTimeIsOver) {
    operation.seconds = 1; // less than a person may ask for
    const auto one = guard();
    EXPECT_EQ(one->apply(operation, network, runner()).state, GuardState::armed);
    EXPECT_TRUE(one->holds(SwitchName::from("public")));
    EXPECT_EQ(ran, plan().now);
    for (int tries = 0; tries < 500 && one->show().state != GuardState::reverted; ++tries)
        ::usleep(10'000);
    ASSERT_EQ(one->show().state, GuardState::reverted);
    EXPECT_EQ(std::vector(ran.begin() + static_cast<std::ptrdiff_t>(plan().now.size()), ran.end()),
              plan().back);
    EXPECT_FALSE(one->holds(SwitchName::from("public")));
    EXPECT_EQ(rc, network.rc);
}

TEST_F(GuardTest, IsKeptOnlyOnceRcConfHasIt) {
    const auto one = guard();
    one->apply(operation, network, runner());
    EXPECT_EQ(rc, network.rc) << "before it is confirmed the next boot brings the old";
    EXPECT_THROW(one->confirm(other_id, runner()), Error);
    EXPECT_EQ(one->confirm(one_id, runner()).state, GuardState::kept);
    EXPECT_EQ(rc.at("ifconfig_em0"), "up");
    EXPECT_TRUE(one->carries(SwitchName::from("public")));
    EXPECT_EQ(one->confirm(one_id, runner()).state, GuardState::kept);
    EXPECT_THROW(one->revert(one_id, runner()), Error);
    EXPECT_EQ(guard()->show().state, GuardState::kept);
}

TEST_F(GuardTest, WhatCannotBeSavedGoesBack) {
    const auto one = guard();
    one->apply(operation, network, runner());
    fails = "cloned_interfaces=";
    EXPECT_THROW(one->confirm(one_id, runner()), Error);
    EXPECT_EQ(one->show().state, GuardState::reverted);
    EXPECT_EQ(rc, network.rc);
}

TEST_F(GuardTest, AFailureTakesBackWhatWasDone) {
    const auto one = guard();
    fails = "addm";
    EXPECT_THROW(one->apply(operation, network, runner()), Error);
    EXPECT_EQ(one->show().state, GuardState::reverted);
    EXPECT_TRUE(one->show().failures.empty());
    EXPECT_EQ(ran.back(), "/sbin/ifconfig bh-public ether 02:00:00:00:00:02");
    EXPECT_EQ(std::ranges::count(ran, "/sbin/route -n add -inet default 192.0.2.1"), 1);
    EXPECT_EQ(std::ranges::count(ran, "/sbin/ifconfig em0 inet 192.0.2.10/24 alias"), 1);
    fails.clear();
    EXPECT_EQ(one->apply(operation, network, runner()).state, GuardState::armed);
}

TEST_F(GuardTest, KilledAfterAnyCommandItGoesBackWhenHostdIsThereAgain) {
    const auto all = plan().now.size();
    for (std::size_t begun = 1; begun <= all; ++begun) {
        std::filesystem::remove(directory + "/uplink.json");
        guard()->apply(operation, network, runner());
        rewrite("\"state\":\"armed\"", "\"state\":\"applying\"");
        rewrite("\"begun\":" + std::to_string(all), "\"begun\":" + std::to_string(begun));
        ran.clear();
        EXPECT_EQ(guard()->show().state, GuardState::reverted);
        const auto steps = host::uplink_steps(operation.change, network).steps;
        std::vector<std::string> wanted;
        for (std::size_t i = begun; i-- > 0;)
            if (steps[i].back)
                wanted.push_back(host::display(*steps[i].back));
        EXPECT_EQ(ran, wanted) << begun;
    }
}

TEST_F(GuardTest, ArmedItWaitsOnAfterARestartAndABootEndsIt) {
    guard()->apply(operation, network, runner());
    ran.clear();
    EXPECT_EQ(guard()->show().state, GuardState::armed);
    std::filesystem::remove(run + "/uplink"); // as a boot does
    const auto one = guard();
    EXPECT_EQ(one->show().state, GuardState::reverted);
    EXPECT_TRUE(ran.empty()) << "the boot has brought the old";
    EXPECT_THROW(one->confirm(one_id, runner()), Error);
}

TEST_F(GuardTest, KilledWhileItIsSavedItIsSavedToTheEnd) {
    for (const bool boot : {false, true}) {
        std::filesystem::remove(directory + "/uplink.json");
        rc = network.rc;
        guard()->apply(operation, network, runner());
        rewrite("\"state\":\"armed\"", "\"state\":\"saving\"");
        if (boot)
            std::filesystem::remove(run + "/uplink");
        ran.clear();
        EXPECT_EQ(guard()->show().state, GuardState::kept);
        EXPECT_EQ(rc.at("ifconfig_em0"), "up");
        for (const auto& line : ran)
            EXPECT_NE(line.find("sysrc"), line.npos) << "what a boot brought up stays as it is: " << line;
    }
}

TEST_F(GuardTest, StoppedItGoesBackAtOnce) {
    const auto one = guard();
    one->apply(operation, network, runner());
    one->end();
    EXPECT_EQ(one->show().state, GuardState::reverted);
    EXPECT_EQ(one->show().reason, "bhype-hostd was stopped");
    EXPECT_EQ(ran.back(), plan().back.back());
    one->end();
    EXPECT_EQ(ran.back(), plan().back.back());
}

TEST_F(GuardTest, WithoutItsMarkNothingBegins) {
    std::filesystem::remove_all(run);
    const auto one = guard();
    EXPECT_THROW(one->apply(operation, network, runner()), Error);
    EXPECT_TRUE(ran.empty());
}

TEST_F(GuardTest, OneAtATime) {
    const auto one = guard();
    one->apply(operation, network, runner());
    EXPECT_EQ(one->apply(operation, network, runner()).state, GuardState::armed)
        << "asked again, it is the same";
    auto other = operation;
    other.id = other_id;
    EXPECT_THROW(one->apply(other, network, runner()), Error);
    EXPECT_EQ(one->revert(other_id, runner()).state, GuardState::none);
    EXPECT_EQ(one->revert(one_id, runner()).state, GuardState::reverted);
    EXPECT_EQ(one->apply(other, network, runner()).state, GuardState::armed);
}

} // namespace bhype::hostd
