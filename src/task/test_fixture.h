#pragma once

// What the tests of this room share: operations, a host that remembers, a fixture with a real database.

#include "store/database.h"
#include "task/tasks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

namespace bhype::task::test {

using namespace std::chrono_literals;
using host::Effect;
using testing::HasSubstr;

struct Make {
    std::string name;
    BHYPE_OPERATION("test.make", aside, 5);
    using Result = host::Done;
};
BOOST_DESCRIBE_STRUCT(Make, (), (name))
struct Sweep {
    std::string name;
    BHYPE_OPERATION("test.sweep", aside, 5);
    using Result = host::Done;
};
BOOST_DESCRIBE_STRUCT(Sweep, (), (name))
struct Destroy {
    std::string name;
    BHYPE_OPERATION("test.destroy", irreversible, 5);
    using Result = host::Done;
};
BOOST_DESCRIBE_STRUCT(Destroy, (), (name))

/// Does nothing but remember, and what a test tells it.
class FakeHost : public wire::Host {
  public:
    using Act = std::function<void(const wire::CallOptions&)>;

    wire::Answer perform(std::string_view operation, const json::value& arguments, std::chrono::seconds,
                         const wire::CallOptions& options) override {
        Act act;
        {
            const std::lock_guard lock(mutex_);
            if (away_)
                throw Error(Code::hostd_away);
            const auto* name = arguments.as_object().if_contains("name");
            done_.push_back(std::string(operation) +
                            (name ? " " + std::string(name->as_string().c_str()) : ""));
            if (const auto found = acts_.find(std::string(operation)); found != acts_.end())
                act = found->second;
        }
        if (act)
            act(options);
        wire::Answer answer;
        if (operation.ends_with(".list"))
            answer.result = json::array{};
        else
            answer.result = json::object{};
        return answer;
    }
    std::vector<std::string> in_flight() override {
        const std::lock_guard lock(mutex_);
        if (away_)
            throw Error(Code::hostd_away);
        if (flights_left_ > 0 && --flights_left_ > 0)
            return {flying_};
        return {};
    }

    void cancel(const std::string& id) override {
        const std::lock_guard lock(mutex_);
        cancelled_.push_back(id);
    }
    std::vector<std::string> cancelled() {
        const std::lock_guard lock(mutex_);
        return cancelled_;
    }

    void on(const std::string& operation, Act act) {
        const std::lock_guard lock(mutex_);
        acts_[operation] = std::move(act);
    }
    void away(bool away) {
        const std::lock_guard lock(mutex_);
        away_ = away;
    }
    /// Tells of this operation in the next `times` - 1 looks.
    void fly(const std::string& id, int times) {
        const std::lock_guard lock(mutex_);
        flying_ = id;
        flights_left_ = times;
    }
    bool flying() {
        const std::lock_guard lock(mutex_);
        return flights_left_ > 0;
    }
    std::vector<std::string> done() {
        const std::lock_guard lock(mutex_);
        return done_;
    }

  private:
    std::mutex mutex_;
    std::map<std::string, Act> acts_;
    std::vector<std::string> done_;
    std::vector<std::string> cancelled_;
    std::string flying_;
    int flights_left_ = 0;
    bool away_ = false;
};

inline FakeHost::Act failing(Code code, int times) {
    return [code, left = std::make_shared<std::atomic<int>>(times)](const auto&) {
        if ((*left)-- > 0)
            throw Error(code, "made to fail");
    };
}

/// Holds whoever passes until it is opened.
class Gate {
  public:
    void pass() {
        std::unique_lock lock(mutex_);
        ++waiting_;
        changed_.notify_all();
        changed_.wait(lock, [&] { return open_; });
    }
    void await(int waiting) {
        std::unique_lock lock(mutex_);
        ASSERT_TRUE(changed_.wait_for(lock, 20s, [&] { return waiting_ >= waiting; }));
    }
    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int waiting_ = 0;
    bool open_ = false;
};

class TaskTest : public testing::Test {
  protected:
    TaskTest() {
        std::string name = "/tmp/bhype-task-XXXXXX";
        directory_ = ::mkdtemp(name.data());
        pace_.hostd_patience = 200ms;
        pace_.probe = 5ms;
        pace_.poll = 5ms;
        pace_.first_pause = 1ms;
        pace_.longest_pause = 4ms;
        pace_.attempts = 3;
        pace_.announce_gap = 50ms;
        open();
    }
    ~TaskTest() override {
        tasks_.reset();
        database_.reset();
        std::filesystem::remove_all(directory_);
    }

    /// A new life of bhyped on the same database.
    void open() {
        tasks_.reset();
        database_.reset();
        database_ = std::make_unique<store::Database>(directory_ + "/bhype.db");
        tasks_ = make_tasks(*database_, host_, workers_, pace_);
        tasks_->add({"make",
                     [](Work& work, const json::value& input) {
                         const std::string name(input.as_string().c_str());
                         work.step("Make it", Make{name});
                         return json::value(json::object{{"made", name}});
                     },
                     [](Work& work, const json::value& input) {
                         work.step("Sweep", Sweep{std::string(input.as_string().c_str())});
                     }});
        tasks_->add({"destroy",
                     [this](Work& work, const json::value& input) {
                         const std::string name(input.as_string().c_str());
                         committed_.push_back(work.committed());
                         work.step("Look", Make{name});
                         work.commit("Destroy it", Destroy{name});
                         work.step("Forget it", Sweep{name});
                         return json::value(nullptr);
                     },
                     [](Work& work, const json::value&) { work.step("Clean", Sweep{"cleaned"}); }});
        tasks_->add({"run", [this](Work& work, const json::value&) { return run_(work); }, {}});
    }

    Submission submission(const std::string& kind, const std::string& object,
                          const std::string& user = "ann") {
        Submission submission;
        submission.kind = kind;
        submission.object = object;
        submission.title = kind + " " + object;
        submission.input = json::value(json::string(object));
        submission.caller.user = UserName::from(user);
        submission.caller.source = "cli";
        return submission;
    }
    TaskId submit(const std::string& kind, const std::string& object, const std::string& user = "ann") {
        return tasks_->submit(submission(kind, object, user));
    }
    TaskId run(std::function<json::value(Work&)> what, const std::string& object = "vm/x") {
        run_ = std::move(what);
        return submit("run", object);
    }
    /// Waits until the task says this.
    bool says(const TaskId& id, const std::string& words) {
        for (int i = 0; i < 2000; ++i, std::this_thread::sleep_for(2ms))
            if (tasks_->find(id)->message.find(words) != std::string::npos)
                return true;
        ADD_FAILURE() << encode_text(*tasks_->find(id));
        return false;
    }
    Code refusal(const std::function<void()>& action) {
        try {
            action();
        } catch (const Error& error) {
            return error.code();
        }
        ADD_FAILURE() << "nothing was thrown";
        return Code::internal;
    }
    Task end(const TaskId& id) {
        auto task = tasks_->wait(id, 20s);
        EXPECT_GT(task.ended, 0) << encode_text(task);
        return task;
    }
    static std::string code(const Task& task) {
        return task.error ? std::string(task.error->at("code").as_string().c_str()) : "";
    }
    static std::string detail(const Task& task) {
        return task.error ? std::string(task.error->at("detail").as_string().c_str()) : "";
    }
    std::string phase(const TaskId& id) {
        return database_->read([&](store::Sql& sql) {
            return std::get<0>(sql.row<std::string>("SELECT phase FROM tasks WHERE id = :id", {id}).value());
        });
    }

    std::string directory_;
    Pace pace_;
    int workers_ = 4;
    FakeHost host_;
    std::function<json::value(Work&)> run_;
    std::vector<bool> committed_;
    std::unique_ptr<store::Database> database_;
    std::unique_ptr<Tasks> tasks_;
};

} // namespace bhype::task::test
