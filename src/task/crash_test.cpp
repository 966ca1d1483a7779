// Ends bhyped at every point at which it could be killed: around each fsync of the journal and around each
// operation. A life of bhyped is a child process; the host is in memory that all lives share.

#include "base/log.h"
#include "task/test_fixture.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

namespace bhype::task::test {
namespace {

constexpr int killed = 42;

/// The host, as it goes on without bhyped.
struct World {
    int points = 0;
    int crash_at = 0; ///< 0: never
    int syncs = 0;
    int operations = 0;
    int destroyed = 0;
    bool aside = false;
    bool whole = false;
    bool forgotten = false;
    bool too_early = false; ///< something was done while an operation of the task was in flight
    int looks = 0;          ///< after so many more the operation in flight ends
    char flying[64] = {};
    char operation[32] = {};
};
World* world = nullptr; ///< in children alone; shared

std::mutex& point_mutex() {
    static std::mutex mutex;
    return mutex;
}

void point_locked() {
    if (++world->points == world->crash_at)
        ::_exit(killed);
}
void point() {
    const std::lock_guard lock(point_mutex());
    point_locked();
}

void act(std::string_view operation) {
    if (operation == "test.make") {
        if (world->aside)
            throw Error(Code::dataset_exists, "made twice");
        world->aside = true;
    } else if (operation == "test.publish") {
        world->aside = false;
        world->whole = true;
    } else if (operation == "test.sweep") {
        world->aside = false;
    } else if (operation == "test.destroy") {
        world->whole = false;
        ++world->destroyed;
    } else if (operation == "test.forget") {
        world->forgotten = true;
    } else if (operation == "test.full") {
        throw Error(Code::no_space, "full");
    } else if (operation == "test.stuck") {
        throw Error(Code::dataset_busy, "stuck");
    }
}

class SharedHost : public wire::Host {
  public:
    wire::Answer perform(std::string_view operation, const json::value&, std::chrono::seconds,
                         const wire::CallOptions& options) override {
        point(); // not sent yet
        world->too_early = world->too_early || world->looks > 0;
        {
            const std::lock_guard lock(point_mutex());
            if (world->points + 1 == world->crash_at) { // hostd goes on with it
                std::strncpy(world->flying, options.id.c_str(), sizeof world->flying - 1);
                operation.copy(world->operation, sizeof world->operation - 1);
                world->looks = 3;
            }
            point_locked();
        }
        ++world->operations;
        act(operation);
        point(); // not told yet
        wire::Answer answer;
        answer.result = json::object{};
        return answer;
    }
    std::vector<std::string> in_flight() override {
        point();
        if (world->looks == 0)
            return {};
        if (--world->looks > 0)
            return {world->flying, "t0000000000000000.1"};
        try {
            act(world->operation);
        } catch (const Error&) {
            // Nobody is there to be told.
        }
        std::memset(world->operation, 0, sizeof world->operation);
        return {};
    }
};

#define TEST_OPERATION(TYPE, NAME, EFFECT)                                                                   \
    struct TYPE {                                                                                            \
        BHYPE_OPERATION(NAME, EFFECT, 5);                                                                    \
        using Result = host::Done;                                                                           \
    };                                                                                                       \
    BOOST_DESCRIBE_STRUCT(TYPE, (), ())
TEST_OPERATION(MakeAside, "test.make", aside)
TEST_OPERATION(Publish, "test.publish", aside)
TEST_OPERATION(SweepAside, "test.sweep", aside)
TEST_OPERATION(Ruin, "test.destroy", irreversible)
TEST_OPERATION(Forget, "test.forget", reconciled)
TEST_OPERATION(Full, "test.full", aside)
static_assert(Ruin::effect == host::Effect::irreversible);
TEST_OPERATION(Stuck, "test.stuck", aside)

void add_kinds(Tasks& tasks) {
    const auto sweep = [](Work& work, const json::value&) { work.step("Sweep", SweepAside{}); };
    tasks.add({"create",
               [](Work& work, const json::value&) {
                   work.step("Make", MakeAside{});
                   work.step("Publish", Publish{});
                   return json::value(nullptr);
               },
               sweep});
    tasks.add({"full",
               [](Work& work, const json::value&) {
                   work.step("Make", MakeAside{});
                   work.step("Write", Full{});
                   return json::value(nullptr);
               },
               sweep});
    tasks.add({"stuck",
               [](Work& work, const json::value&) {
                   work.step("Write", Full{});
                   return json::value(nullptr);
               },
               [](Work& work, const json::value&) { work.step("Clean", Stuck{}); }});
    tasks.add({"destroy",
               [](Work& work, const json::value&) {
                   work.step("Look", SweepAside{});
                   work.commit("Destroy", Ruin{});
                   work.step("Forget", Forget{});
                   return json::value(nullptr);
               },
               sweep});
}

class CrashTest : public testing::Test {
  protected:
    CrashTest() {
        auto* memory = ::mmap(nullptr, sizeof(World), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANON, -1, 0);
        shared_ = new (memory) World;
        std::string name = "/tmp/bhype-crash-XXXXXX";
        directory_ = ::mkdtemp(name.data());
    }
    ~CrashTest() override {
        std::filesystem::remove_all(directory_);
        ::munmap(shared_, sizeof(World));
    }

    std::string database() const { return directory_ + "/bhype.db"; }

    void begin(const std::string& kind) {
        for (const auto* suffix : {"", "-wal", "-shm"})
            std::filesystem::remove(database() + suffix);
        store::Database made(database());
        *shared_ = World{};
        shared_->whole = kind == "destroy";
    }

    /// bhyped starts, a client asks for the task (again), and it is waited for. True unless it was killed.
    bool live(const std::string& kind, int crash_at) {
        shared_->points = 0;
        shared_->crash_at = crash_at;
        const pid_t child = ::fork();
        if (child == 0)
            ::_exit(child_life(kind));
        int status = 0;
        ::waitpid(child, &status, 0);
        EXPECT_TRUE(WIFEXITED(status));
        EXPECT_THAT(WEXITSTATUS(status), testing::AnyOf(0, killed));
        return WEXITSTATUS(status) == 0;
    }

    int child_life(const std::string& kind) {
        world = shared_;
        log::open("/dev/null", log::Level::error);
        try {
            store::Database database(this->database());
            SharedHost host;
            Pace pace;
            pace.probe = pace.poll = pace.first_pause = pace.longest_pause = 1ms;
            pace.attempts = 2;
            const auto tasks = make_tasks(database, host, 2, pace);
            add_kinds(*tasks);
            tasks->start();
            Submission submission;
            submission.kind = kind;
            submission.object = "vm/x";
            submission.caller.user = UserName::from("ann");
            submission.idempotency_key = "the same";
            const auto task = tasks->wait(tasks->submit(submission), 20s);
            tasks->stop();
            return task.ended > 0 ? 0 : 3;
        } catch (const std::exception&) {
            return 4;
        }
    }

    struct Seen {
        Task task;
        std::string text;
        bool committed = false;
    };
    Seen look() {
        store::Database opened(database());
        SharedHost host;
        const auto tasks = make_tasks(opened, host, 1);
        const auto all = tasks->list("", "", 10);
        EXPECT_EQ(all.size(), 1u);
        Seen seen;
        seen.task = all.at(0);
        seen.text = encode_text(seen.task) + encode_text(tasks->steps(seen.task.id));
        seen.committed = opened.read([](store::Sql& sql) {
            return std::get<0>(sql.row<int>("SELECT committed FROM tasks").value()) != 0;
        });
        return seen;
    }

    /// Crashes in the first life at every point, and in the second at some.
    void sweep(const std::string& kind, const std::function<void(const Seen&)>& check) {
        bool ended = false;
        int first = 0;
        for (first = 1; !ended && first < 500; ++first) {
            for (const int second : {0, first * 5 % 17 + 1, first * 7 % 23 + 1}) {
                SCOPED_TRACE(kind + ": killed at " + std::to_string(first) + ", then at " +
                             std::to_string(second));
                begin(kind);
                ended = live(kind, first);
                if (!ended && second > 0)
                    live(kind, second);
                ASSERT_TRUE(live(kind, 0));
                EXPECT_FALSE(shared_->too_early);
                const auto seen = look();
                check(seen);
                const auto operations = shared_->operations;
                ASSERT_TRUE(live(kind, 0));
                EXPECT_EQ(shared_->operations, operations) << "recovering twice does nothing more";
                EXPECT_EQ(look().text, seen.text);
                if (HasFailure())
                    return;
                if (ended)
                    break;
            }
        }
        EXPECT_GT(first, 15);
        EXPECT_GT(shared_->syncs, 3) << "the journal's fsyncs are not seen";
    }

    static std::string code(const Task& task) {
        return task.error ? std::string(task.error->at("code").as_string().c_str()) : "";
    }

    World* shared_ = nullptr;
    std::string directory_;
};

TEST_F(CrashTest, WhatIsMadeIsWholeOrNotThere) {
    sweep("create", [&](const Seen& seen) {
        EXPECT_FALSE(shared_->aside) << "something half made is left";
        EXPECT_FALSE(seen.committed);
        if (seen.task.state == State::done) {
            EXPECT_TRUE(shared_->whole);
        } else {
            EXPECT_EQ(seen.task.state, State::failed);
            EXPECT_EQ(code(seen.task), "task.interrupted");
        }
    });
}

TEST_F(CrashTest, AFailureIsAFailureWhateverInterruptsIt) {
    sweep("full", [&](const Seen& seen) {
        EXPECT_FALSE(shared_->aside);
        EXPECT_FALSE(shared_->whole);
        EXPECT_EQ(seen.task.state, State::failed);
        EXPECT_THAT(code(seen.task), testing::AnyOf("task.interrupted", "storage.no_space"));
    });
}

TEST_F(CrashTest, WhatCannotBeCleanedUpNeedsAttention) {
    sweep("stuck", [&](const Seen& seen) {
        EXPECT_EQ(seen.task.state, State::attention);
        EXPECT_EQ(code(seen.task), "task.needs_attention");
    });
}

TEST_F(CrashTest, WhatIsCommittedGoesForward) {
    sweep("destroy", [&](const Seen& seen) {
        if (seen.committed) {
            EXPECT_EQ(seen.task.state, State::done);
            EXPECT_FALSE(shared_->whole);
            EXPECT_GE(shared_->destroyed, 1);
            EXPECT_TRUE(shared_->forgotten);
        } else {
            EXPECT_EQ(seen.task.state, State::failed);
            EXPECT_EQ(code(seen.task), "task.interrupted");
            EXPECT_TRUE(shared_->whole);
            EXPECT_EQ(shared_->destroyed, 0);
        }
    });
}

/// The calls that make the journal durable, as SQLite makes them: this program's come before the C library's.
int sync_point(const char* name, int fd) {
    if (!world) {
        static const auto real_fsync = reinterpret_cast<int (*)(int)>(::dlsym(RTLD_NEXT, "fsync"));
        static const auto real_fdatasync = reinterpret_cast<int (*)(int)>(::dlsym(RTLD_NEXT, "fdatasync"));
        return std::strcmp(name, "fsync") == 0 ? real_fsync(fd) : real_fdatasync(fd);
    }
    // A killed process loses nothing of what it has written: nothing needs to reach the disk.
    point();
    ++world->syncs;
    point();
    return 0;
}

} // namespace
} // namespace bhype::task::test

extern "C" int fsync(int fd) {
    return bhype::task::test::sync_point("fsync", fd);
}
extern "C" int fdatasync(int fd) {
    return bhype::task::test::sync_point("fdatasync", fd);
}
