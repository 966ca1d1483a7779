#pragma once

// The database: one writer with group commit, a few readers.

#include "store/sql.h"

#include <functional>
#include <future>
#include <type_traits>

namespace bhype::store {

struct Settings {
    /// Sessions that read at the same time; opened when first needed.
    int readers = 4;
    /// How long a lock of another process (a person with sqlite3(1)) is waited for.
    int busy_milliseconds = 10000;
    /// Schema to end at; tests ask for older ones. 0: the newest.
    int schema = 0;
};

/// Safe to use from several threads. Everything throws Error(database) with the reason when the disk is full,
/// the file is read-only or damaged, or the lock of another process is not given up.
class Database {
  public:
    /// Opens the file, makes it (mode 0600) when it is missing, and brings its schema up to date. A schema
    /// that is newer than this program is refused and left as it is.
    explicit Database(const std::string& path, Settings settings = {});
    /// Writes what is still queued.
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// Runs `work` in a transaction, on the writer's thread, and returns what it returned once that is
    /// durable. Calls of several threads share one transaction and one fsync, in the order in which they
    /// came; one that throws is undone alone and gets its exception. `work` must not take locks and must not
    /// call the database; what it changes outside of that it must bear to do again, since it may be called
    /// twice.
    template <class Work>
    auto write(Work&& work) -> std::invoke_result_t<Work, Sql&> {
        using Result = std::invoke_result_t<Work, Sql&>;
        if constexpr (std::is_void_v<Result>) {
            enqueue([&work](Sql& sql) { work(sql); }).get();
        } else {
            std::optional<Result> result;
            enqueue([&](Sql& sql) { result.emplace(work(sql)); }).get();
            return std::move(*result);
        }
    }
    /// The same without waiting. It becomes durable before or with every write that is asked for later.
    std::future<void> write_later(std::function<void(Sql&)> work) { return enqueue(std::move(work)); }

    /// Runs `work` on the caller's thread; it sees one consistent state of the database and cannot change it.
    template <class Work>
    auto read(Work&& work) const -> std::invoke_result_t<Work, Sql&> {
        using Result = std::invoke_result_t<Work, Sql&>;
        if constexpr (std::is_void_v<Result>) {
            with_reader([&](Sql& sql) { work(sql); });
        } else {
            std::optional<Result> result;
            with_reader([&](Sql& sql) { result.emplace(work(sql)); });
            return std::move(*result);
        }
    }

    struct Counters {
        std::uint64_t writes = 0;       ///< calls of write and write_later that were carried out
        std::uint64_t transactions = 0; ///< commits, each with its fsync
    };
    Counters counters() const;
    int schema() const;

  private:
    std::future<void> enqueue(std::function<void(Sql&)> work);
    void with_reader(const std::function<void(Sql&)>& work) const;

    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace bhype::store
