#include "api/dispatch.h"
#include "api/tasks.h"
#include "http/server.h"
#include "http/test_client.h"

#include <gtest/gtest.h>

#include <thread>

namespace bhype::api {
namespace {

using task::State;
using task::Task;

class FakeTasks : public task::Tasks {
  public:
    void add(task::Kind) override {}
    std::vector<std::string> kinds() const override { return {}; }
    TaskId submit(const task::Submission&) override { return make("dev1"); }
    std::optional<TaskId> repeated(const UserName&, std::string_view, std::string_view) const override {
        return std::nullopt;
    }
    std::optional<Task> find(const TaskId& id) const override {
        const std::lock_guard lock(mutex);
        const auto found = tasks.find(id.str());
        return found == tasks.end() ? std::nullopt : std::optional(found->second);
    }
    std::vector<task::Step> steps(const TaskId&) const override {
        return {
            {.number = 1, .title = "Clone", .operation = "clone.create", .commands = {{"zfs clone a b"}}}};
    }
    std::vector<Task> list(std::string_view, std::string_view user, std::size_t most) const override {
        std::vector<Task> found;
        const std::lock_guard lock(mutex);
        for (const auto& [id, task] : tasks)
            if ((user.empty() || task.user == user) && found.size() < most)
                found.push_back(task);
        return found;
    }
    void cancel(const TaskId& id) override { end(id, State::cancelled); }
    Task wait(const TaskId&, std::chrono::milliseconds) const override { throw Error(Code::internal); }
    void on_change(std::function<void(const Task&)> wanted) override { listener = std::move(wanted); }
    void start() override {}
    void stop() override {}

    TaskId make(const std::string& user, const std::string& object = "vm/x") {
        Task task;
        task.object = object;
        task.id = random_task_id();
        task.user = user;
        task.state = State::running;
        const std::lock_guard lock(mutex);
        tasks[task.id.str()] = task;
        return task.id;
    }
    void end(const TaskId& id, State state) {
        Task task;
        {
            const std::lock_guard lock(mutex);
            tasks[id.str()].state = state;
            task = tasks[id.str()];
        }
        listener(task);
    }
    mutable std::mutex mutex;
    std::map<std::string, Task> tasks;
    std::function<void(const Task&)> listener;
};

class FakeGate : public Gate {
  public:
    Glance glance(std::string_view cookie, const http::Client&) override {
        access::Caller caller;
        caller.user = UserName::from(cookie);
        caller.role = cookie == "ann" ? access::Role::administrator : access::Role::member;
        return {caller, true};
    }
    std::optional<access::Caller> identify(std::string_view, const http::Client&) override { return {}; }
    bool still(const access::Caller&) override { return true; }
    LogIn log_in(const std::string&, const Secret&, const http::Client&) override {
        throw Error(Code::bad_credentials);
    }
    void log_out(const access::Caller&) override {}
};

class TasksTest : public testing::Test {
  protected:
    TasksTest() {
        tasks.on_change([this](const Task& task) { endpoints.changed(task); });
        endpoints.declare(router);
        endpoints.add(router,
                      {.method = Method::post,
                       .path = "/api/v1/work",
                       .privilege = access::Privilege::use,
                       .summary = "Work",
                       .tag = "work"},
                      [this](const Call& call) { return endpoints.start(call, "work", "work", "Work", {}); });
        server.listen_web(directory.path + "/http.sock");
        server.start();
    }
    http::test::Answer ask(const std::string& request, const std::string& user) {
        http::test::Client client(directory.path + "/http.sock");
        client.send(request + " HTTP/1.1\r\nHost: h\r\nOrigin: https://h\r\nCookie: __Host-bhype=" + user +
                    "\r\n\r\n");
        return client.answer();
    }
    http::test::Directory directory;
    FakeTasks tasks;
    /// vm/shared is seen by dev2 and his own is vm/theirs.
    TaskEndpoints::Rights rights{[](const access::Caller& caller, const std::string& object) {
                                     return caller.user.str() == "dev2" && object != "vm/x";
                                 },
                                 [](const access::Caller& caller, const std::string& object) {
                                     return caller.user.str() == "dev2" && object == "vm/theirs";
                                 }};
    TaskEndpoints endpoints{tasks, rights};
    FakeGate gate;
    Router router;
    Dispatch dispatch{router, gate};
    http::Server server{dispatch, {.workers = 2}};
};

TEST_F(TasksTest, ShowsOnesOwn) {
    const auto id = tasks.make("dev1").str();
    EXPECT_EQ(ask("GET /api/v1/tasks/" + id, "dev1").status, 200);
    EXPECT_EQ(ask("GET /api/v1/tasks/" + id, "ann").status, 200);
    const auto foreign = ask("GET /api/v1/tasks/" + id, "dev2");
    const auto missing = ask("GET /api/v1/tasks/t0123456789abcdef", "dev2");
    EXPECT_EQ(foreign.status, 404);
    EXPECT_EQ(foreign.body, missing.body);
    EXPECT_EQ(ask("GET /api/v1/tasks/" + id + "/steps", "dev2").status, 404);
    EXPECT_EQ(ask("POST /api/v1/tasks/" + id + "/cancel", "dev2").status, 404);
    EXPECT_EQ(ask("GET /api/v1/tasks", "dev2").body, "[]");
    EXPECT_EQ(ask("GET /api/v1/tasks?user=dev1", "dev2").body, "[]");
    EXPECT_NE(ask("GET /api/v1/tasks?user=dev1", "ann").body.find(id), std::string::npos);
    EXPECT_NE(ask("GET /api/v1/tasks/" + id + "/steps", "dev1").body.find("zfs clone a b"),
              std::string::npos);
    EXPECT_EQ(ask("GET /api/v1/tasks?most=0", "ann").status, 422);
    EXPECT_NE(ask("POST /api/v1/tasks/" + id + "/cancel", "dev1").body.find("cancelled"), std::string::npos);
}

TEST_F(TasksTest, ShowsWhatWorksOnWhatOneMaySee) {
    const auto shared = tasks.make("dev1", "vm/shared").str();
    const auto theirs = tasks.make("dev1", "vm/theirs").str();
    tasks.make("dev1", "vm/x");
    EXPECT_EQ(ask("GET /api/v1/tasks/" + shared, "dev2").status, 200);
    EXPECT_EQ(ask("GET /api/v1/tasks/" + shared, "dev3").status, 404);
    EXPECT_EQ(decode_text<std::vector<Task>>(ask("GET /api/v1/tasks", "dev2").body).size(), 2U);
    EXPECT_EQ(decode_text<std::vector<Task>>(ask("GET /api/v1/tasks?most=1", "dev2").body).size(), 1U);
    EXPECT_EQ(ask("GET /api/v1/tasks", "dev3").body, "[]");
    EXPECT_EQ(ask("POST /api/v1/tasks/" + shared + "/cancel", "dev2").status, 403);
    EXPECT_EQ(ask("POST /api/v1/tasks/" + theirs + "/cancel", "dev2").status, 200);
}

TEST_F(TasksTest, ManyWaitWithoutHoldingWorkers) {
    const auto id = tasks.make("dev1");
    std::vector<std::unique_ptr<http::test::Client>> clients;
    for (int i = 0; i < 20; ++i) {
        clients.push_back(std::make_unique<http::test::Client>(directory.path + "/http.sock"));
        clients.back()->send("GET /api/v1/tasks/" + id.str() +
                             "?wait=60 HTTP/1.1\r\nHost: h\r\nCookie: __Host-bhype=dev1\r\n\r\n");
    }
    EXPECT_EQ(ask("GET /api/v1/tasks/" + id.str(), "dev1").status, 200);
    tasks.end(id, State::done);
    for (const auto& client : clients)
        EXPECT_NE(client->answer().body.find("\"state\":\"done\""), std::string::npos);
}

TEST_F(TasksTest, AnswersWhenTheTimeIsOver) {
    const auto answer = ask("POST /api/v1/work?wait=1", "dev1");
    EXPECT_EQ(answer.status, 202);
    EXPECT_TRUE(answer.field("Location").starts_with("/api/v1/tasks/t"));
    EXPECT_NE(answer.body.find("\"state\":\"running\""), std::string::npos);
    EXPECT_EQ(ask("POST /api/v1/work?wait=61", "dev1").status, 422);
}

} // namespace
} // namespace bhype::api
