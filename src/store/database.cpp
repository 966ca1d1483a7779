#include "store/database.h"

#include "base/error.h"
#include "base/log.h"
#include "store/migrations.h"
#include "store/session.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace bhype::store {

namespace {

using Clock = std::chrono::steady_clock;

/// Members of one transaction at most; bounds how long the first of them waits.
constexpr std::size_t largest_batch = 256;

struct Member {
    std::function<void(Sql&)> work;
    std::promise<void> promise;
    std::exception_ptr failure;
};

void migrate(Sql& sql, const std::string& path, int wanted) {
    const auto all = migrations();
    const int newest = wanted > 0 ? wanted : all.back().number;
    sql.exec(dialect::begin_write);
    sql.exec("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)");
    const auto found = sql.row<int>("SELECT version FROM schema_version");
    const int present = found ? std::get<0>(*found) : 0;
    if (present > all.back().number) {
        sql.exec("ROLLBACK");
        throw Error(
            Code::database,
            fmt::format("{} was written by a newer bHype (schema {}, this one knows {}). Install that "
                        "version again or restore an older copy; nothing was changed",
                        path, present, all.back().number));
    }
    if (!found)
        sql.exec("INSERT INTO schema_version (version) VALUES (0)");
    for (const auto& migration : all) {
        if (migration.number <= present || migration.number > newest)
            continue;
        for (const auto statement : migration.statements)
            sql.exec(dialect::schema_text(statement));
        sql.exec("UPDATE schema_version SET version = :version", {migration.number});
    }
    sql.exec("COMMIT");
}

} // namespace

struct Database::Impl {
    std::string path;
    Settings settings;

    std::mutex mutex;
    std::condition_variable arrived;
    std::deque<Member> queue;
    bool stopping = false;
    std::thread thread;

    std::size_t last_size = 0; ///< of the last transaction

    // The writer's thread alone uses these.
    std::unique_ptr<Session> writer;
    Clock::duration last_commit{};

    std::mutex reader_mutex;
    std::condition_variable reader_free;
    std::vector<std::unique_ptr<Session>> idle;
    int readers = 0;

    std::atomic<std::uint64_t> writes{0};
    std::atomic<std::uint64_t> transactions{0};

    /// The next members of a transaction; none when the database closes.
    std::vector<Member> take() {
        std::unique_lock lock(mutex);
        arrived.wait(lock, [&] { return stopping || !queue.empty(); });
        // Those who were in the last transaction have just been woken and are likely to come again. Waiting
        // for them a fraction of what a commit costs keeps them together; a single writer never waits.
        if (!stopping && queue.size() < last_size)
            arrived.wait_for(lock, last_commit / 2, [&] { return stopping || queue.size() >= last_size; });
        std::vector<Member> batch;
        while (!queue.empty() && batch.size() < largest_batch) {
            batch.push_back(std::move(queue.front()));
            queue.pop_front();
        }
        last_size = batch.size();
        return batch;
    }

    void run() {
        for (auto batch = take(); !batch.empty(); batch = take()) {
            try {
                transact(batch);
            } catch (...) {
                // None of it is durable, whatever each member's own outcome was.
                for (auto& member : batch)
                    if (!member.failure)
                        member.failure = std::current_exception();
                abandon();
            }
            for (auto& member : batch) {
                if (member.failure)
                    member.promise.set_exception(member.failure);
                else
                    member.promise.set_value();
            }
        }
    }

    void transact(std::vector<Member>& batch) {
        if (!writer)
            writer = std::make_unique<Session>(path, dialect::Access::write, settings.busy_milliseconds);
        auto& sql = writer->sql();
        sql.exec(dialect::begin_write);
        // Members hardly ever fail, and a savepoint for each costs as much as its work: the few transactions
        // in which one does are done again with them.
        if (const auto failure = together(sql, batch)) {
            try {
                sql.exec("ROLLBACK");
            } catch (const Error&) { // SQLite has done so by itself, as when the disk is full: nobody's was
                                     // written
                std::rethrow_exception(failure);
            }
            sql.exec(dialect::begin_write);
            each_for_itself(sql, batch);
        }
        const auto begun = Clock::now();
        sql.exec("COMMIT");
        last_commit = Clock::now() - begun;
        writes += batch.size();
        ++transactions;
    }

    /// The first failure; none when all went well.
    static std::exception_ptr together(Sql& sql, const std::vector<Member>& batch) {
        try {
            for (const auto& member : batch)
                member.work(sql);
            return nullptr;
        } catch (...) {
            return std::current_exception();
        }
    }

    static void each_for_itself(Sql& sql, std::vector<Member>& batch) {
        for (auto& member : batch) {
            sql.exec("SAVEPOINT member");
            try {
                member.work(sql);
            } catch (...) {
                member.failure = std::current_exception();
            }
            // When the disk is full, SQLite may have undone the whole transaction by itself; then there is no
            // such savepoint any more, and this throws for all.
            if (member.failure)
                sql.exec("ROLLBACK TO SAVEPOINT member");
            sql.exec("RELEASE SAVEPOINT member");
        }
    }

    /// After a failure of the database itself the session is closed, which undoes what it began.
    void abandon() {
        try {
            std::rethrow_exception(std::current_exception());
        } catch (const std::exception& error) {
            log::error("database: {}", error.what());
        } catch (...) {
            log::error("database: unknown exception");
        }
        writer.reset();
    }
};

Database::Database(const std::string& path, Settings settings) : impl_(std::make_unique<Impl>()) {
    impl_->path = path;
    impl_->settings = settings;
    migrate(Session(path, dialect::Access::write, settings.busy_milliseconds).sql(), path, settings.schema);
    impl_->thread = std::thread([this] { impl_->run(); });
}

Database::~Database() {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->stopping = true;
    }
    impl_->arrived.notify_all();
    impl_->thread.join();
}

std::future<void> Database::enqueue(std::function<void(Sql&)> work) {
    if (std::this_thread::get_id() == impl_->thread.get_id())
        throw Error(Code::internal, "a write inside a write would wait for itself");
    Member member{std::move(work), {}, nullptr};
    auto future = member.promise.get_future();
    bool wake = false;
    {
        const std::lock_guard lock(impl_->mutex);
        if (impl_->stopping)
            throw Error(Code::database, "the database is closed");
        impl_->queue.push_back(std::move(member));
        wake = impl_->queue.size() == 1 || impl_->queue.size() == impl_->last_size;
    }
    if (wake)
        impl_->arrived.notify_one();
    return future;
}

void Database::with_reader(const std::function<void(Sql&)>& work) const {
    auto& impl = *impl_;
    std::unique_ptr<Session> session;
    {
        std::unique_lock lock(impl.reader_mutex);
        impl.reader_free.wait(lock,
                              [&] { return !impl.idle.empty() || impl.readers < impl.settings.readers; });
        if (!impl.idle.empty()) {
            session = std::move(impl.idle.back());
            impl.idle.pop_back();
        } else {
            ++impl.readers;
        }
    }
    const auto give_back = [&](std::unique_ptr<Session> good) {
        {
            const std::lock_guard lock(impl.reader_mutex);
            if (good)
                impl.idle.push_back(std::move(good));
            else
                --impl.readers;
        }
        impl.reader_free.notify_one();
    };
    std::exception_ptr failure;
    try {
        if (!session)
            session =
                std::make_unique<Session>(impl.path, dialect::Access::read, impl.settings.busy_milliseconds);
        session->sql().exec(dialect::begin_read);
        try {
            work(session->sql());
        } catch (...) {
            failure = std::current_exception();
        }
        session->sql().exec(failure ? "ROLLBACK" : "COMMIT");
    } catch (...) {
        if (!failure)
            failure = std::current_exception();
        session.reset();
    }
    give_back(std::move(session));
    if (failure)
        std::rethrow_exception(failure);
}

Database::Counters Database::counters() const {
    return {impl_->writes.load(), impl_->transactions.load()};
}

int Database::schema() const {
    return read(
        [](Sql& sql) { return std::get<0>(sql.row<int>("SELECT version FROM schema_version").value()); });
}

} // namespace bhype::store
