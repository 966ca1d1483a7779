#include "task/test_fixture.h"

namespace bhype::task::test {
namespace {

class RecoveryTest : public TaskTest {
  protected:
    /// Ends this life of bhyped while `id` waits in its run, and begins the next.
    void interrupt(const TaskId& id, const std::string& words) {
        ASSERT_TRUE(says(id, words));
        open();
    }
    static json::value wait(Work& work, const std::string& words) {
        work.progress({}, words);
        work.wait_until([] { return false; }, 20s);
        return nullptr;
    }
    std::vector<StepState> states(const TaskId& id) {
        std::vector<StepState> found;
        for (const auto& step : tasks_->steps(id))
            found.push_back(step.state);
        return found;
    }
    /// Nothing more comes of a further recovery.
    void expect_settled(const TaskId& id) {
        const auto before = encode_text(*tasks_->find(id)) + encode_text(tasks_->steps(id));
        const auto done = host_.done();
        open();
        tasks_->start();
        end(submit("make", "vm/later"));
        EXPECT_EQ(encode_text(*tasks_->find(id)) + encode_text(tasks_->steps(id)), before);
        EXPECT_EQ(host_.done().size(), done.size() + 1);
    }
};

TEST_F(RecoveryTest, QueuedTasksAreQueuedAgain) {
    const auto first = submit("make", "vm/x");
    const auto second = submit("make", "vm/x");
    open();
    EXPECT_EQ(tasks_->find(first)->state, State::queued) << "from the journal";
    tasks_->start();
    EXPECT_EQ(end(first).state, State::done);
    EXPECT_EQ(end(second).state, State::done);
    expect_settled(second);
}

TEST_F(RecoveryTest, StoppedInTheMiddleIsCleanedUpAndSaysSo) {
    tasks_->add({"half",
                 [](Work& work, const json::value&) {
                     work.step("Make half of it", Make{"half"});
                     return wait(work, "half made");
                 },
                 {}});
    tasks_->start();
    const auto id = submit("half", "vm/x");
    const auto next = submit("make", "vm/x", "ben");
    interrupt(id, "half made");
    EXPECT_EQ(phase(id), "running");
    EXPECT_EQ(tasks_->find(id)->state, State::running);
    tasks_->add({"half",
                 [](Work&, const json::value&) -> json::value { throw Error(Code::internal, "again"); },
                 [](Work& work, const json::value&) {
                     EXPECT_FALSE(work.committed());
                     work.step("Sweep", Sweep{"half"});
                 }});
    tasks_->start();
    const auto task = end(id);
    EXPECT_EQ(task.state, State::failed);
    EXPECT_EQ(code(task), "task.interrupted");
    EXPECT_THAT(detail(task), HasSubstr("Make half of it"));
    EXPECT_EQ(end(next).state, State::done);
    EXPECT_EQ(host_.done(), (std::vector<std::string>{"test.make half", "test.sweep half", "test.make vm/x"}))
        << "what waits for the object waits for its cleaning";
}

TEST_F(RecoveryTest, ACancelThatWasAcceptedOutlivesBhyped) {
    Gate gate;
    host_.on("test.make", [&](const auto&) { gate.pass(); });
    tasks_->start();
    const auto id = submit("destroy", "vm/x");
    gate.await(1);
    tasks_->cancel(id);
    std::thread stopper([&] { tasks_->stop(); });
    std::this_thread::sleep_for(20ms); // either the stop or the cancel ends the task
    gate.open();
    stopper.join();
    open();
    tasks_->start();
    EXPECT_EQ(end(id).state, State::cancelled);
    EXPECT_EQ(host_.done().back(), "test.sweep cleaned");
}

TEST_F(RecoveryTest, ACommittedTaskGoesForward) {
    host_.on("test.sweep", failing(Code::dataset_busy, 1'000'000));
    pace_.first_pause = pace_.longest_pause = 20s;
    open();
    tasks_->start();
    const auto id = submit("destroy", "vm/x");
    interrupt(id, "trying again");
    host_.on("test.sweep", {});
    tasks_->start();
    EXPECT_EQ(end(id).state, State::done);
    EXPECT_EQ(committed_, (std::vector<bool>{false, true}));
    EXPECT_THAT(host_.done(), testing::Not(testing::Contains("test.sweep cleaned")));
    expect_settled(id);
}

TEST_F(RecoveryTest, WhatIsInFlightIsWaitedForFirst) {
    tasks_->start();
    const auto id = run([](Work& work) {
        work.step("Make", Make{"x"});
        return wait(work, "half made");
    });
    ASSERT_TRUE(says(id, "half made"));
    open();
    host_.fly(id.str() + ".1", 10);
    host_.away(true);
    tasks_->start();
    EXPECT_TRUE(says(id, "waiting for bhype-hostd"));
    EXPECT_EQ(tasks_->find(id)->state, State::running);
    host_.away(false);
    EXPECT_EQ(code(end(id)), "task.interrupted");
    EXPECT_FALSE(host_.flying());
}

TEST_F(RecoveryTest, CleaningUpIsRetriedAndThenNeedsAttention) {
    host_.on("test.make", failing(Code::no_space, 2));
    host_.on("test.sweep", failing(Code::dataset_busy, 2));
    tasks_->start();
    const auto lucky = submit("make", "vm/x");
    const auto task = end(lucky);
    EXPECT_EQ(task.state, State::failed);
    EXPECT_EQ(code(task), "storage.no_space");
    host_.on("test.sweep", failing(Code::dataset_busy, 1'000'000));
    const auto stuck = submit("make", "vm/y");
    const auto attention = end(stuck);
    EXPECT_EQ(attention.state, State::attention);
    EXPECT_EQ(code(attention), "task.needs_attention");
    EXPECT_THAT(detail(attention), HasSubstr("storage.no_space"));
    EXPECT_THAT(detail(attention), HasSubstr("storage.dataset_busy"));
    const auto objects = encode_text(attention.error->at("problems"));
    EXPECT_THAT(objects, HasSubstr("vm/y"));
    EXPECT_THAT(objects, HasSubstr("Sweep"));
    EXPECT_EQ(tasks_->steps(stuck).size(), 1u + static_cast<std::size_t>(pace_.attempts));
    expect_settled(stuck);
}

TEST_F(RecoveryTest, CleaningUpGoesOnInTheNextLifeWithTheFirstError) {
    host_.on("test.make", failing(Code::no_space, 1));
    host_.on("test.sweep", failing(Code::dataset_busy, 1));
    pace_.first_pause = pace_.longest_pause = 20s;
    open();
    tasks_->start();
    const auto id = submit("make", "vm/x");
    for (int i = 0; i < 2000 && tasks_->steps(id).size() < 2; ++i)
        std::this_thread::sleep_for(2ms);
    open();
    EXPECT_EQ(phase(id), "cleaning");
    tasks_->start();
    const auto task = end(id);
    EXPECT_EQ(task.state, State::failed);
    EXPECT_EQ(code(task), "storage.no_space");
    EXPECT_EQ(states(id), (std::vector{StepState::failed, StepState::failed, StepState::done}));
}

TEST_F(RecoveryTest, ACommitIsRetriedAndThenNeedsAttention) {
    host_.on("test.destroy", failing(Code::dataset_busy, 2));
    tasks_->start();
    EXPECT_EQ(end(submit("destroy", "vm/x")).state, State::done);
    EXPECT_EQ(committed_, (std::vector<bool>{false, false, false})) << "it is known that it did not happen";
    host_.on("test.destroy", failing(Code::dataset_busy, 1'000'000));
    const auto task = end(submit("destroy", "vm/y"));
    EXPECT_EQ(task.state, State::attention);
    EXPECT_THAT(detail(task), HasSubstr("storage.dataset_busy"));
}

TEST_F(RecoveryTest, ARefusedCommitIsNone) {
    host_.on("test.destroy", failing(Code::policy, 1));
    tasks_->start();
    const auto task = end(submit("destroy", "vm/x"));
    EXPECT_EQ(task.state, State::failed);
    EXPECT_EQ(code(task), "host.refused");
    EXPECT_EQ(host_.done().back(), "test.sweep cleaned");
}

TEST_F(RecoveryTest, ARefusalAfterACommitNeedsAttentionAtOnce) {
    host_.on("test.sweep", failing(Code::policy, 1));
    tasks_->start();
    const auto id = submit("destroy", "vm/x");
    EXPECT_EQ(end(id).state, State::attention);
    EXPECT_EQ(tasks_->steps(id).size(), 3u);
}

TEST_F(RecoveryTest, HostdThatIsAwayIsWaitedForAWhile) {
    host_.away(true);
    tasks_->start();
    const auto id = submit("make", "vm/x");
    ASSERT_TRUE(says(id, "waiting for bhype-hostd"));
    EXPECT_TRUE(tasks_->find(id)->cancellable);
    host_.away(false);
    EXPECT_EQ(end(id).state, State::done);
    EXPECT_EQ(tasks_->steps(id).size(), 1u);

    host_.away(true);
    const auto late = submit("make", "vm/x");
    const auto task = end(late);
    EXPECT_EQ(task.state, State::failed) << "nothing was done that could be cleaned up";
    EXPECT_EQ(code(task), "host.no_hostd");

    pace_.hostd_patience = 20s;
    open();
    tasks_->start();
    const auto cancelled = submit("make", "vm/x");
    ASSERT_TRUE(says(cancelled, "waiting for bhype-hostd"));
    tasks_->cancel(cancelled);
    EXPECT_EQ(end(cancelled).state, State::cancelled);
}

TEST_F(RecoveryTest, ACommitThatWasNotSentIsNone) {
    host_.on("test.make", [&](const auto&) { host_.away(true); });
    pace_.hostd_patience = 20s;
    open();
    tasks_->start();
    const auto id = submit("destroy", "vm/x");
    ASSERT_TRUE(says(id, "waiting for bhype-hostd"));
    EXPECT_TRUE(tasks_->find(id)->cancellable);
    tasks_->cancel(id);
    host_.on("test.make", {});
    ASSERT_TRUE(says(id, "waiting for bhype-hostd")) << "cleaning up needs hostd, for as long as it takes";
    host_.away(false);
    EXPECT_EQ(end(id).state, State::cancelled);
    EXPECT_EQ(host_.done(), (std::vector<std::string>{"test.make vm/x", "test.sweep cleaned"}));

    host_.on("test.make", [&](const auto&) { host_.away(true); });
    const auto other = submit("destroy", "vm/y");
    ASSERT_TRUE(says(other, "waiting for bhype-hostd"));
    host_.away(false);
    EXPECT_EQ(end(other).state, State::done);
    EXPECT_EQ(committed_, (std::vector<bool>{false, false}));
}

TEST_F(RecoveryTest, AnUnknownResultIsDrainedAndCleanedUp) {
    host_.on("test.make", [&](const wire::CallOptions& options) {
        host_.fly(options.id, 6);
        throw Error(Code::result_unknown, "the connection broke");
    });
    host_.on("test.sweep", [&](const auto&) { EXPECT_FALSE(host_.flying()); });
    tasks_->start();
    const auto id = submit("make", "vm/x");
    const auto task = end(id);
    EXPECT_EQ(task.state, State::failed);
    EXPECT_EQ(code(task), "host.result_unknown");
    EXPECT_EQ(states(id), (std::vector{StepState::unknown, StepState::done}));
}

TEST_F(RecoveryTest, WhatOnlyReadsIsAskedAgain) {
    host_.on("guest.list", failing(Code::result_unknown, 2));
    tasks_->start();
    const auto id = run([](Work& work) {
        work.step("Look", host::GuestList{});
        return json::value(nullptr);
    });
    EXPECT_EQ(end(id).state, State::done);
    EXPECT_EQ(tasks_->steps(id).size(), 1u);
}

TEST_F(RecoveryTest, AnUnknownCommitGoesForward) {
    auto times = std::make_shared<std::atomic<int>>(0);
    host_.on("test.destroy", [&, times](const wire::CallOptions& options) {
        if ((*times)++ == 0) {
            host_.fly(options.id, 6);
            throw Error(Code::result_unknown, "the connection broke");
        }
        EXPECT_FALSE(host_.flying());
    });
    tasks_->start();
    const auto id = submit("destroy", "vm/x");
    EXPECT_EQ(end(id).state, State::done);
    EXPECT_EQ(committed_, (std::vector<bool>{false, true}));
    EXPECT_EQ(states(id).at(1), StepState::unknown);
}

TEST_F(RecoveryTest, KindsThatNobodyKnowsAnyMoreAreNotLost) {
    tasks_->add({"old", [](Work& work, const json::value&) { return wait(work, "old"); }, {}});
    const auto running = submit("old", "vm/x");
    const auto queued = submit("old", "vm/x");
    tasks_->start();
    interrupt(running, "old");
    tasks_->start();
    EXPECT_EQ(end(running).state, State::attention);
    EXPECT_EQ(end(queued).state, State::failed);
}

TEST_F(RecoveryTest, StopDoesNotWaitForHostd) {
    host_.on("test.destroy", [&](const auto&) {
        host_.away(true);
        throw Error(Code::result_unknown, "the connection broke");
    });
    tasks_->start();
    const auto id = submit("destroy", "vm/x");
    ASSERT_TRUE(says(id, "waiting for bhype-hostd"));
    const auto begun = std::chrono::steady_clock::now();
    tasks_->stop();
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
    EXPECT_EQ(refusal([&] { submit("make", "vm/x"); }), Code::overloaded);
    EXPECT_EQ(phase(id), "running");
}

} // namespace
} // namespace bhype::task::test
