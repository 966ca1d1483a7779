#include "store/database.h"

#include "base/error.h"
#include "store/migrations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#ifdef __linux__
#include <sched.h>
#include <sys/mount.h>
#endif

namespace bhype::store {
namespace {

using testing::HasSubstr;

class DatabaseTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = "/tmp/bhype store XXXXXX";
        directory_ = ::mkdtemp(name.data());
        path_ = directory_ + "/bhype.db";
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    static void make_table(Database& database) {
        database.write([](Sql& sql) {
            sql.exec(
                "CREATE TABLE things (number BIGINT NOT NULL PRIMARY KEY, word VARCHAR(64), size DOUBLE)");
        });
    }
    static std::int64_t count(Database& database) {
        return database.read([](Sql& sql) {
            return std::get<0>(sql.row<std::int64_t>("SELECT COUNT(*) FROM things").value());
        });
    }

    std::string directory_;
    std::string path_;
};

std::string failure_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), Code::database);
        return error.detail();
    }
    ADD_FAILURE() << "nothing was thrown";
    return {};
}

TEST_F(DatabaseTest, ValuesComeBackAsTheyWent) {
    Database database(path_);
    make_table(database);
    const std::string nasty("a'b\"; DROP TABLE things --\0x", 28);
    database.write([&](Sql& sql) {
        EXPECT_EQ(1, sql.exec("INSERT INTO things (number, word, size) VALUES (:n, :w, :s)",
                              {INT64_C(9007199254740993), nasty, 1.5}));
        sql.exec("INSERT INTO things (number, word, size) VALUES (:n, :w, :s)",
                 {-1, std::nullopt, std::nullopt});
        sql.exec("INSERT INTO things (number, word, size) VALUES (:n, :w, :s)", {2, "", 0.0});
    });
    const auto rows = database.read([](Sql& sql) {
        return sql.rows<std::int64_t, std::optional<std::string>, std::optional<double>>(
            "SELECT number, word, size FROM things ORDER BY number");
    });
    ASSERT_EQ(rows.size(), 3u);
    EXPECT_EQ(rows[0], std::make_tuple(-1, std::nullopt, std::nullopt));
    EXPECT_EQ(rows[1], std::make_tuple(2, "", 0.0));
    EXPECT_EQ(rows[2], std::make_tuple(INT64_C(9007199254740993), nasty, 1.5));
    database.write([](Sql& sql) {
        EXPECT_EQ(2, sql.exec("UPDATE things SET size = :s WHERE number > :n", {3.25, 0}));
        EXPECT_EQ(0, sql.exec("DELETE FROM things WHERE number = :n", {77}));
    });
    EXPECT_EQ(std::nullopt, database.read([](Sql& sql) {
        return sql.row<int>("SELECT number FROM things WHERE number = 77");
    }));
}

TEST_F(DatabaseTest, FileIsForItsOwnerAlone) {
    Database database(path_);
    make_table(database);
    for (const auto* suffix : {"", "-wal", "-shm"}) {
        struct stat status {};
        ASSERT_EQ(0, ::stat((path_ + suffix).c_str(), &status)) << suffix;
        EXPECT_EQ(status.st_mode & 0777, 0600u) << suffix;
    }
}

TEST_F(DatabaseTest, AWriteThatThrowsIsUndoneAloneAndKeepsItsException) {
    Database database(path_);
    make_table(database);
    // Held back by a slow first one, the three share a transaction.
    std::promise<void> started;
    std::promise<void> go;
    auto first = database.write_later([&](Sql&) {
        started.set_value();
        go.get_future().wait();
    });
    started.get_future().wait();
    auto good = database.write_later([](Sql& sql) { sql.exec("INSERT INTO things (number) VALUES (1)"); });
    auto bad = database.write_later([](Sql& sql) {
        sql.exec("INSERT INTO things (number) VALUES (2)");
        throw Error(Code::vm_name_taken, "web1");
    });
    auto twice = database.write_later([](Sql& sql) {
        sql.exec("INSERT INTO things (number) VALUES (3)");
        sql.exec("INSERT INTO things (number) VALUES (1)");
    });
    auto last = database.write_later([](Sql& sql) { sql.exec("INSERT INTO things (number) VALUES (4)"); });
    const auto before = database.counters();
    go.set_value();
    first.get();
    good.get();
    last.get();
    EXPECT_THAT([&] { bad.get(); },
                testing::Throws<Error>(testing::Property(&Error::code, Code::vm_name_taken)));
    EXPECT_THAT(failure_of([&] { twice.get(); }), HasSubstr("UNIQUE"));
    EXPECT_EQ(database.counters().transactions - before.transactions, 2u);
    const auto numbers =
        database.read([](Sql& sql) { return sql.rows<int>("SELECT number FROM things ORDER BY number"); });
    EXPECT_EQ(numbers, (std::vector<std::tuple<int>>{{1}, {4}}));
}

TEST_F(DatabaseTest, ReadersSeeOneStateAndCannotWrite) {
    Database database(path_);
    make_table(database);
    database.read([&](Sql& sql) {
        EXPECT_EQ(0, std::get<0>(sql.row<int>("SELECT COUNT(*) FROM things").value()));
        database.write([](Sql& other) { other.exec("INSERT INTO things (number) VALUES (1)"); });
        EXPECT_EQ(0, std::get<0>(sql.row<int>("SELECT COUNT(*) FROM things").value()));
    });
    EXPECT_EQ(count(database), 1);
    failure_of([&] { database.read([](Sql& sql) { sql.exec("DELETE FROM things"); }); });
    EXPECT_EQ(count(database), 1);
}

TEST_F(DatabaseTest, ReaderThatThrowsGivesItsSessionBack) {
    Settings settings;
    settings.readers = 1;
    Database database(path_, settings);
    make_table(database);
    for (int i = 0; i < 3; ++i) {
        EXPECT_THROW(database.read([](Sql&) { throw Error(Code::not_found); }), Error);
        failure_of([&] { database.read([](Sql& sql) { sql.rows<int>("SELECT nothing FROM nowhere"); }); });
    }
    EXPECT_EQ(count(database), 0);
}

TEST_F(DatabaseTest, WriteInsideAWriteIsRefused) {
    Database database(path_);
    EXPECT_THROW(database.write([&](Sql&) { database.write([](Sql&) {}); }), Error);
    database.write([](Sql&) {});
}

TEST_F(DatabaseTest, ClosingWritesWhatIsQueued) {
    {
        Database database(path_);
        make_table(database);
        for (int i = 0; i < 1000; ++i)
            database.write_later([i](Sql& sql) { sql.exec("INSERT INTO things (number) VALUES (:n)", {i}); });
    }
    Database database(path_);
    EXPECT_EQ(count(database), 1000);
}

TEST_F(DatabaseTest, SchemaIsBroughtUpAndANewerOneRefused) {
    const int newest = migrations().back().number;
    for (std::size_t i = 0; i < migrations().size(); ++i)
        EXPECT_EQ(migrations()[i].number, static_cast<int>(i) + 1);
    for (int from = 1; from <= newest; ++from) {
        std::filesystem::remove_all(directory_);
        std::filesystem::create_directory(directory_);
        Settings old;
        old.schema = from;
        EXPECT_EQ(Database(path_, old).schema(), from);
        EXPECT_EQ(Database(path_).schema(), newest);
    }
    Database(path_).write(
        [&](Sql& sql) { sql.exec("UPDATE schema_version SET version = :v", {newest + 1}); });
    const auto refusal = failure_of([&] { Database database(path_); });
    EXPECT_THAT(refusal, HasSubstr("newer bHype"));
    EXPECT_THAT(failure_of([&] { Database database(path_); }), HasSubstr(path_));
}

TEST_F(DatabaseTest, DamagedFileIsSaidToBeDamaged) {
    {
        Database database(path_);
        make_table(database);
    }
    std::ofstream(path_, std::ios::trunc) << std::string(8192, 'x');
    EXPECT_THAT(failure_of([&] { Database database(path_); }), HasSubstr("damaged"));
    std::filesystem::remove(path_);
    EXPECT_THAT(failure_of([&] { Database database(directory_ + "/no/such/place.db"); }),
                HasSubstr("No such file"));
}

#ifdef __linux__
/// Runs `body` in a child that has a file system of its own at directory_, `size` big. 0 when all was well.
int in_small_filesystem(const std::string& directory, const char* options, const std::function<int()>& body) {
    const pid_t child = ::fork();
    if (child == 0) {
        if (::unshare(CLONE_NEWNS | (::geteuid() == 0 ? 0 : CLONE_NEWUSER)) != 0 ||
            ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("none", directory.c_str(), "tmpfs", 0, options) != 0)
            ::_exit(99);
        ::_exit(body());
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool says(const std::function<void()>& action, const char* words) {
    try {
        action();
    } catch (const Error& error) {
        return error.code() == Code::database && error.detail().find(words) != std::string::npos;
    }
    return false;
}

TEST_F(DatabaseTest, FullDiskIsSaidAndLeavesTheDatabaseUsable) {
    const int status = in_small_filesystem(directory_, "size=1m", [&] {
        Database database(path_);
        make_table(database);
        database.write([](Sql& sql) { sql.exec("INSERT INTO things (number) VALUES (-1)"); });
        const std::string ballast(4000, 'b');
        int written = 0;
        const bool full = says(
            [&] {
                for (; written < 10000; ++written)
                    database.write([&](Sql& sql) {
                        sql.exec("INSERT INTO things (number, word) VALUES (:n, :w)", {written, ballast});
                    });
            },
            "its disk is full");
        if (!full)
            return 1;
        // What was told to be durable is there, and nothing more.
        if (count(database) != written + 1)
            return 2;
        if (::mount("none", directory_.c_str(), nullptr, MS_REMOUNT, "size=8m") != 0)
            return 99;
        database.write([](Sql& sql) { sql.exec("INSERT INTO things (number) VALUES (-2)"); });
        return count(database) == written + 2 ? 0 : 3;
    });
    if (status == 99)
        GTEST_SKIP() << "no right to mount a file system";
    EXPECT_EQ(status, 0);
}

TEST_F(DatabaseTest, ReadOnlyDiskIsSaid) {
    const int status = in_small_filesystem(directory_, "size=8m", [&] {
        { Database database(path_); }
        if (::mount("none", directory_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0)
            return 99;
        return says([&] { Database database(path_); }, "Read-only file system") ? 0 : 1;
    });
    if (status == 99)
        GTEST_SKIP() << "no right to mount a file system";
    EXPECT_EQ(status, 0);
}
#endif

/// What a writer was told is durable survives the writer's death at any moment, in the order in which it was
/// asked for.
TEST_F(DatabaseTest, WhatWasToldIsDurableAndInOrderAfterKill) {
    constexpr int writers = 16;
    for (int round = 0; round < 12; ++round) {
        std::filesystem::remove_all(directory_);
        std::filesystem::create_directory(directory_);
        // Each writer tells its highest durable number through shared memory in a file.
        const std::string told_path = directory_ + "/told";
        std::ofstream(told_path) << std::string(writers * sizeof(std::int64_t), '\0');
        const pid_t child = ::fork();
        if (child == 0) {
            Database database(path_);
            make_table(database);
            std::vector<std::thread> threads;
            for (int w = 0; w < writers; ++w)
                threads.emplace_back([&, w] {
                    std::fstream told(told_path, std::ios::in | std::ios::out | std::ios::binary);
                    for (std::int64_t n = 1;; ++n) {
                        const auto insert = [w](std::int64_t k) {
                            return [w, k](Sql& sql) {
                                sql.exec("INSERT INTO things (number) VALUES (:n)", {w * 1000000L + k});
                            };
                        };
                        // Every second one is not waited for, but must not be missing when its successor is
                        // there.
                        if (n % 2 == 1) {
                            database.write_later(insert(n));
                        } else {
                            database.write(insert(n));
                            told.seekp(static_cast<std::streamoff>(sizeof n) * w);
                            told.write(reinterpret_cast<const char*>(&n), sizeof n);
                            told.flush();
                        }
                    }
                });
            for (auto& thread : threads)
                thread.join();
        }
        ::usleep(static_cast<useconds_t>(30000 + round * 7000));
        ::kill(child, SIGKILL);
        int status = 0;
        ::waitpid(child, &status, 0);
        ASSERT_TRUE(WIFSIGNALED(status));

        Database database(path_);
        std::vector<std::int64_t> told(writers);
        std::ifstream(told_path, std::ios::binary)
            .read(reinterpret_cast<char*>(told.data()), writers * sizeof(std::int64_t));
        const bool table = database.read([](Sql& sql) {
            return sql.row<std::string>("SELECT name FROM sqlite_master WHERE name = 'things'").has_value();
        });
        for (int w = 0; w < writers; ++w) {
            if (!table) {
                EXPECT_EQ(told[static_cast<std::size_t>(w)], 0);
                continue;
            }
            const auto [highest, number] = database.read([&](Sql& sql) {
                return sql
                    .row<std::int64_t, std::int64_t>(
                        "SELECT COALESCE(MAX(number), :low) - :low2, COUNT(*) FROM things "
                        "WHERE number > :low3 AND number < :high",
                        {w * 1000000, w * 1000000, w * 1000000, (w + 1) * 1000000})
                    .value();
            });
            EXPECT_GE(highest, told[static_cast<std::size_t>(w)]) << "writer " << w;
            EXPECT_EQ(highest, number) << "a hole in what writer " << w << " wrote";
        }
    }
}

TEST_F(DatabaseTest, SixteenWritersShareTransactions) {
    Database database(path_);
    make_table(database);
    const auto before = database.counters();
    constexpr int writers = 16;
    constexpr int each = 200;
    std::vector<std::thread> threads;
    for (int w = 0; w < writers; ++w)
        threads.emplace_back([&, w] {
            for (int n = 0; n < each; ++n)
                database.write([&](Sql& sql) {
                    sql.exec("INSERT INTO things (number, word) VALUES (:n, :w)", {w * each + n, "word"});
                });
        });
    for (auto& thread : threads)
        thread.join();
    const auto after = database.counters();
    EXPECT_EQ(count(database), writers * each);
    EXPECT_EQ(after.writes - before.writes, static_cast<std::uint64_t>(writers * each));
    EXPECT_LT(after.transactions - before.transactions, static_cast<std::uint64_t>(writers * each) / 3);
}

} // namespace
} // namespace bhype::store
