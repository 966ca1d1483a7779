#include "task/test_fixture.h"

namespace bhype::task::test {
namespace {

json::value nothing() {
    return nullptr;
}

TEST_F(TaskTest, RunsAndTellsWhatItDid) {
    host_.on("test.make", [](const wire::CallOptions& options) {
        EXPECT_TRUE(options.id.ends_with(".1")) << options.id;
        options.ran({"/sbin/zfs create x", 0, "fine\n", 12});
    });
    tasks_->start();
    const auto id = submit("make", "vm/x");
    const auto task = end(id);
    EXPECT_EQ(task.state, State::done);
    EXPECT_EQ(task.kind, "make");
    EXPECT_EQ(task.object, "vm/x");
    EXPECT_EQ(task.user, "ann");
    EXPECT_EQ(task.source, "cli");
    EXPECT_FALSE(task.error);
    EXPECT_EQ(json::serialize(*task.result), R"({"made":"vm/x"})");
    EXPECT_LE(task.created, task.started);
    EXPECT_LE(task.started, task.ended);
    EXPECT_FALSE(task.cancellable);
    const auto steps = tasks_->steps(id);
    ASSERT_EQ(steps.size(), 1u);
    EXPECT_EQ(steps[0].title, "Make it");
    EXPECT_EQ(steps[0].operation, "test.make");
    EXPECT_EQ(steps[0].state, StepState::done);
    ASSERT_EQ(steps[0].commands.size(), 1u);
    EXPECT_EQ(steps[0].commands[0].command, "/sbin/zfs create x");
    EXPECT_EQ(steps[0].commands[0].output, "fine\n");
    EXPECT_EQ(steps[0].commands[0].milliseconds, 12);
}

TEST_F(TaskTest, ALongStepShowsItsCommandsAsTheyEnd) {
    pace_.show_after = 0ms;
    open();
    std::vector<Command> seen;
    StepState state = StepState::done;
    host_.on("test.make", [&](const wire::CallOptions& options) {
        options.ran({"/sbin/zpool create x", 0, "fine\n", 12});
        const auto id = TaskId::from(options.id.substr(0, options.id.find('.')));
        for (int tries = 0; tries < 1000 && seen.empty(); ++tries) {
            std::this_thread::sleep_for(5ms);
            const auto step = tasks_->steps(id).back();
            seen = step.commands;
            state = step.state;
        }
        options.ran({"/sbin/zfs create x", 0, "", 1});
    });
    tasks_->start();
    const auto id = submit("make", "vm/x");
    end(id);
    ASSERT_EQ(seen.size(), 1u);
    EXPECT_EQ(seen[0].command, "/sbin/zpool create x");
    EXPECT_EQ(state, StepState::intent);
    EXPECT_EQ(tasks_->steps(id).back().commands.size(), 2u);
}

TEST_F(TaskTest, IntentIsInTheJournalBeforeTheOperationIsSent) {
    StepState seen = StepState::done;
    std::int64_t committed = -1;
    host_.on("test.destroy", [&](const wire::CallOptions& options) {
        const auto id = TaskId::from(options.id.substr(0, options.id.find('.')));
        seen = tasks_->steps(id).back().state;
        committed = database_->read([&](store::Sql& sql) {
            return std::get<0>(
                sql.row<std::int64_t>("SELECT committed FROM tasks WHERE id = :id", {id}).value());
        });
    });
    tasks_->start();
    EXPECT_EQ(end(submit("destroy", "vm/x")).state, State::done);
    EXPECT_EQ(seen, StepState::intent);
    EXPECT_EQ(committed, 1);
}

TEST_F(TaskTest, AFailureIsCleanedUpAndKeepsItsError) {
    host_.on("test.make", [](const wire::CallOptions& options) {
        options.ran({"/sbin/zfs create x", 1, "out of space\n", 1});
        throw Error(Code::no_space, "made to fail");
    });
    tasks_->start();
    const auto id = submit("make", "vm/x");
    const auto task = end(id);
    EXPECT_EQ(task.state, State::failed);
    EXPECT_EQ(code(task), "storage.no_space");
    const auto steps = tasks_->steps(id);
    ASSERT_EQ(steps.size(), 2u);
    EXPECT_EQ(steps[0].state, StepState::failed);
    EXPECT_THAT(steps[0].error, HasSubstr("made to fail"));
    EXPECT_EQ(steps[0].commands.at(0).output, "out of space\n");
    EXPECT_EQ(steps[1].title, "Sweep");
}

TEST_F(TaskTest, WhatIsSettledAfterACommitEndsAtOnce) {
    tasks_->start();
    int lives = 0;
    const auto id = run([&](Work& work) -> json::value {
        ++lives;
        work.commit("Destroy it", Destroy{"x"});
        throw Settled(Error(Code::vm_start_failed, "bhyve's own words"));
    });
    const auto task = end(id);
    EXPECT_EQ(task.state, State::failed);
    EXPECT_EQ(code(task), "vm.start_failed");
    EXPECT_EQ(lives, 1);
}

TEST_F(TaskTest, ForeignExceptionsAreFailures) {
    tasks_->start();
    const auto task = end(run([](Work&) -> json::value { throw std::runtime_error("oops"); }));
    EXPECT_EQ(task.state, State::failed);
    EXPECT_EQ(code(task), "base.internal");
    EXPECT_EQ(task.error->at("detail").as_string(), "oops");
}

TEST_F(TaskTest, OutputIsCappedBetweenCharacters) {
    std::string output;
    while (output.size() < 40000)
        output += "\xe2\x82\xac";
    host_.on("test.make", [&](const wire::CallOptions& options) {
        for (int i = 0; i < 1000; ++i)
            options.ran({"/bin/echo", 0, output, 1});
    });
    tasks_->start();
    const auto id = submit("make", "vm/x");
    end(id);
    const auto commands = tasks_->steps(id).at(0).commands; // decodes, so no character was cut in two
    EXPECT_LE(commands.size(), 501u);
    std::size_t total = 0;
    for (const auto& command : commands)
        total += command.output.size();
    EXPECT_LT(total, 200'000u);
    EXPECT_THAT(commands[0].output, HasSubstr("cut"));
}

TEST_F(TaskTest, WaitingOnesAreCancelledAtOnceAndNeverRun) {
    const auto id = submit("make", "vm/x"); // nothing is started yet
    EXPECT_TRUE(tasks_->find(id)->cancellable);
    tasks_->cancel(id);
    const auto task = *tasks_->find(id);
    EXPECT_EQ(task.state, State::cancelled);
    EXPECT_EQ(code(task), "task.cancelled");
    EXPECT_EQ(phase(id), "ended");
    tasks_->start();
    EXPECT_EQ(end(submit("make", "vm/x")).state, State::done);
    EXPECT_EQ(host_.done(), std::vector<std::string>{"test.make vm/x"});
    EXPECT_TRUE(tasks_->steps(id).empty());
}

TEST_F(TaskTest, CancelEndsAWaitAndCleansUp) {
    tasks_->add({"wait",
                 [](Work& work, const json::value&) {
                     work.step("Make", Make{"x"});
                     work.progress(0.5, "waiting for the guest");
                     work.wait_until([] { return false; }, 20s);
                     return nothing();
                 },
                 [](Work& work, const json::value&) {
                     work.check_cancelled(); // cleaning up is not cancelled
                     work.step("Sweep", Sweep{"x"});
                 }});
    tasks_->start();
    const auto id = submit("wait", "vm/x");
    ASSERT_TRUE(says(id, "waiting for the guest"));
    EXPECT_EQ(tasks_->find(id)->progress, 0.5);
    EXPECT_TRUE(tasks_->find(id)->cancellable);
    tasks_->cancel(id);
    const auto task = end(id);
    EXPECT_EQ(task.state, State::cancelled);
    EXPECT_EQ(code(task), "task.cancelled");
    EXPECT_EQ(host_.done().back(), "test.sweep x");
    EXPECT_EQ(refusal([&] { tasks_->cancel(id); }), Code::task_not_cancellable);
    EXPECT_EQ(refusal([&] { tasks_->cancel(random_task_id()); }), Code::not_found);
}

TEST_F(TaskTest, CancelEndsALongOperation) {
    Gate during;
    host_.on("test.make", [&](const wire::CallOptions& options) {
        options.progress(0.1);
        during.pass();
        for (int tries = 0; tries < 1000 && host_.cancelled().empty(); ++tries) {
            options.progress(0.2);
            std::this_thread::sleep_for(5ms);
        }
        throw Error(Code::cancelled);
    });
    tasks_->start();
    const auto id = submit("make", "vm/x");
    during.await(1);
    EXPECT_TRUE(host_.cancelled().empty()) << "nobody asked for it";
    tasks_->cancel(id);
    during.open();
    EXPECT_EQ(end(id).state, State::cancelled);
    EXPECT_EQ(host_.cancelled().front(), id.str() + ".1");
}

TEST_F(TaskTest, CancelIsHonouredBeforeTheFirstCommitAlone) {
    Gate before;
    Gate during;
    host_.on("test.make", [&](const auto&) { before.pass(); });
    host_.on("test.destroy", [&](const auto&) { during.pass(); });
    tasks_->start();
    const auto cancelled = submit("destroy", "vm/x");
    before.await(1);
    tasks_->cancel(cancelled);
    tasks_->cancel(cancelled); // nobody minds
    EXPECT_FALSE(tasks_->find(cancelled)->cancellable);
    before.open();
    EXPECT_EQ(end(cancelled).state, State::cancelled);
    EXPECT_THAT(host_.done(), testing::Not(testing::Contains("test.destroy vm/x")));

    const auto late = submit("destroy", "vm/y");
    during.await(1);
    EXPECT_FALSE(tasks_->find(late)->cancellable);
    EXPECT_EQ(refusal([&] { tasks_->cancel(late); }), Code::task_not_cancellable);
    during.open();
    EXPECT_EQ(end(late).state, State::done);
}

TEST_F(TaskTest, CleaningUpAfterAFailureIsNotCancelled) {
    Gate gate;
    host_.on("test.make", failing(Code::no_space, 1));
    host_.on("test.sweep", [&](const auto&) { gate.pass(); });
    tasks_->start();
    const auto id = submit("make", "vm/x");
    gate.await(1);
    EXPECT_EQ(refusal([&] { tasks_->cancel(id); }), Code::task_not_cancellable);
    gate.open();
    EXPECT_EQ(end(id).state, State::failed);
}

TEST_F(TaskTest, HundredOfOneUserDoNotDelayAnothersFirst) {
    Gate gate;
    tasks_->start();
    run_ = [&](Work&) {
        gate.pass();
        return nothing();
    };
    std::vector<TaskId> many;
    for (int i = 0; i < 100; ++i)
        many.push_back(submit("run", "vm/a" + std::to_string(i)));
    gate.await(workers_ - 1);
    EXPECT_EQ(end(submit("make", "vm/b", "ben")).state, State::done);
    gate.open();
    for (const auto& id : many)
        EXPECT_EQ(end(id).state, State::done);
}

TEST_F(TaskTest, OneAtATimeOnAnObjectWhoeverAsks) {
    std::atomic<int> inside = 0;
    std::atomic<int> most = 0;
    std::vector<std::string> order;
    run_ = [&](Work& work) {
        const int now = ++inside;
        most = std::max(most.load(), now);
        order.push_back(work.id().str()); // no lock: a second one would be seen by the sanitizers too
        std::this_thread::sleep_for(2ms);
        --inside;
        return nothing();
    };
    std::vector<TaskId> ids;
    std::vector<std::string> wanted;
    for (int i = 0; i < 30; ++i) {
        ids.push_back(submit("run", "vm/x", "user" + std::to_string(i % 5)));
        wanted.push_back(ids.back().str());
    }
    tasks_->start();
    for (const auto& id : ids)
        EXPECT_EQ(end(id).state, State::done);
    EXPECT_EQ(most, 1);
    EXPECT_EQ(order, wanted);
}

TEST_F(TaskTest, TheSameKeyIsTheSameTask) {
    tasks_->start();
    auto wanted = submission("make", "vm/x");
    wanted.idempotency_key = "k1";
    wanted.request = "POST /api/v1/vms {}";
    std::vector<std::thread> threads;
    std::mutex mutex;
    std::set<std::string> ids;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] {
            const auto id = tasks_->submit(wanted);
            const std::lock_guard lock(mutex);
            ids.insert(id.str());
        });
    for (auto& thread : threads)
        thread.join();
    ASSERT_EQ(ids.size(), 1u);
    const auto id = TaskId::from(*ids.begin());
    const auto ann = UserName::from("ann");
    EXPECT_EQ(tasks_->repeated(ann, "k1", wanted.request), id);
    EXPECT_EQ(tasks_->repeated(ann, "", wanted.request), std::nullopt);
    EXPECT_EQ(tasks_->repeated(ann, "k2", wanted.request), std::nullopt);
    EXPECT_EQ(tasks_->repeated(UserName::from("ben"), "k1", wanted.request), std::nullopt);
    EXPECT_EQ(refusal([&] { tasks_->repeated(ann, "k1", "POST /api/v1/vms {\"a\":1}"); }), Code::key_reused);
    auto other = wanted;
    other.request = "DELETE /api/v1/vms/x";
    EXPECT_EQ(refusal([&] { tasks_->submit(other); }), Code::key_reused);
    other.caller.user = UserName::from("ben");
    const auto others = tasks_->submit(other);
    EXPECT_NE(others, id);
    end(id);
    end(others);
    open();
    tasks_->start();
    EXPECT_EQ(tasks_->submit(wanted), id) << "also in the next life";
    EXPECT_EQ(host_.done(), (std::vector<std::string>{"test.make vm/x", "test.make vm/x"}));
    pace_.key_age = 1ms;
    open();
    std::this_thread::sleep_for(3ms);
    EXPECT_EQ(tasks_->repeated(ann, "k1", wanted.request), std::nullopt);
    EXPECT_NE(tasks_->submit(wanted), id) << "keys are not remembered for ever";
}

TEST_F(TaskTest, ListenersHearOfProgressNowAndThenAndOfStatesAlways) {
    std::mutex mutex;
    std::vector<Task> heard;
    tasks_->on_change([&](const Task& task) {
        EXPECT_TRUE(tasks_->find(task.id)) << "a listener may ask";
        const std::lock_guard lock(mutex);
        heard.push_back(task);
    });
    tasks_->on_change([](const Task&) { throw std::runtime_error("a bad listener harms nobody"); });
    host_.on("test.make", [&](const wire::CallOptions& options) {
        for (int i = 0; i <= 1000; ++i) {
            options.progress(i / 1000.0);
            if (i % 10 == 0)
                std::this_thread::sleep_for(2ms);
        }
    });
    tasks_->start();
    const auto begun = std::chrono::steady_clock::now();
    const auto id = submit("make", "vm/x");
    end(id);
    tasks_->stop();
    const auto took = std::chrono::steady_clock::now() - begun;
    ASSERT_GE(heard.size(), 4u);
    EXPECT_LE(heard.size(), 5u + static_cast<std::size_t>(took / pace_.announce_gap));
    EXPECT_EQ(heard.front().state, State::queued);
    EXPECT_EQ(heard.back().state, State::done);
    double before = 0;
    bool between = false;
    for (const auto& task : heard) {
        if (!task.progress)
            continue;
        EXPECT_GE(*task.progress, before);
        before = *task.progress;
        between = between || (before > 0 && before < 1);
    }
    EXPECT_TRUE(between);
    EXPECT_EQ(std::count_if(heard.begin(), heard.end(), [](const Task& t) { return t.state == State::done; }),
              1);
}

TEST_F(TaskTest, WaitWakesAtTheEndOrWhenItsTimeIsOver) {
    tasks_->start();
    Gate gate;
    const auto id = run([&](Work&) {
        gate.pass();
        return nothing();
    });
    EXPECT_EQ(tasks_->wait(id, 10ms).state, State::running);
    std::thread opener([&] {
        std::this_thread::sleep_for(20ms);
        gate.open();
    });
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(tasks_->wait(id, 20s).state, State::done);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);
    opener.join();
    EXPECT_EQ(tasks_->wait(id, 0ms).state, State::done);
    EXPECT_EQ(refusal([&] { tasks_->wait(random_task_id(), 10ms); }), Code::not_found);
}

TEST_F(TaskTest, ListsNewestFirst) {
    tasks_->start();
    std::vector<std::string> ids;
    for (int i = 0; i < 6; ++i)
        ids.push_back(submit("make", i % 2 ? "vm/x" : "vm/y", i % 3 ? "ann" : "ben").str());
    for (const auto& id : ids)
        end(TaskId::from(id));
    Gate gate;
    const auto last = run([&](Work& work) {
        work.progress(0.25, "busy");
        gate.pass();
        return nothing();
    });
    gate.await(1);
    const auto names = [&](const std::vector<Task>& tasks) {
        std::string text;
        for (const auto& task : tasks)
            text += std::to_string(std::find(ids.begin(), ids.end(), task.id.str()) - ids.begin());
        return text;
    };
    EXPECT_EQ(names(tasks_->list("", "", 100)), "6543210");
    EXPECT_EQ(tasks_->list("", "", 1).at(0).message, "busy") << "with what is only in memory";
    EXPECT_EQ(names(tasks_->list("", "", 3)), "654");
    EXPECT_EQ(names(tasks_->list("vm/y", "", 100)), "420");
    EXPECT_EQ(names(tasks_->list("", "ben", 100)), "30");
    EXPECT_EQ(names(tasks_->list("vm/x", "ben", 100)), "3");
    EXPECT_EQ(names(tasks_->list("vm/x' OR 1", "", 100)), "");
    gate.open();
    end(last);
}

TEST_F(TaskTest, OldTasksAndKeysAreRemoved) {
    pace_.kept_tasks = 5;
    pace_.prune_gap = 0ms;
    open();
    tasks_->start();
    auto keyed = submission("make", "vm/keyed");
    keyed.idempotency_key = "k";
    const auto kept = tasks_->submit(keyed);
    Gate gate;
    const auto running = run(
        [&](Work&) {
            gate.pass();
            return nothing();
        },
        "vm/held");
    gate.await(1);
    TaskId last;
    for (int i = 0; i < 20; ++i)
        end(last = submit("make", "vm/x"));
    const auto count = [&] { return tasks_->list("", "", 100).size(); };
    for (int i = 0; i < 1000 && count() != 7; ++i) // the last removal follows the end of the last task
        std::this_thread::sleep_for(2ms);
    EXPECT_EQ(count(), 7u) << "five, the running one and the one that a key names";
    EXPECT_TRUE(tasks_->find(kept));
    EXPECT_TRUE(tasks_->find(running));
    gate.open();
    end(running);
    const auto steps = database_->read(
        [](store::Sql& sql) { return std::get<0>(sql.row<int>("SELECT COUNT(*) FROM task_steps").value()); });
    EXPECT_LE(steps, 8);
}

TEST_F(TaskTest, KindsAreKnownAndDeclaredOnce) {
    EXPECT_EQ(tasks_->kinds(), (std::vector<std::string>{"destroy", "make", "run"}));
    EXPECT_EQ(refusal([&] { tasks_->add({"run", {}, {}}); }), Code::internal);
    EXPECT_EQ(refusal([&] { submit("walk", "vm/x"); }), Code::internal);
}

} // namespace
} // namespace bhype::task::test
