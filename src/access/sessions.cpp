#include "access/sessions.h"

#include "access/token.h"
#include "base/log.h"

#include <algorithm>

namespace bhype::access {

namespace {

/// A clock that was set back by less than this since a session was written is not held against it.
constexpr std::int64_t tolerated_skew = 300;

} // namespace

Sessions::Sessions(store::Database& database, SessionLimits limits, Clocks clocks)
    : database_(database), limits_(limits), clocks_(std::move(clocks)) {
    const auto rows = database_.read([](store::Sql& sql) {
        return sql.rows<std::string, std::string, std::int64_t, std::string, std::int64_t, std::int64_t>(
            "SELECT hash, username, uid, source, created, used FROM sessions");
    });
    const auto now = clocks_.steady();
    const auto epoch = clocks_.epoch();
    for (const auto& [hash, user, uid, source, created, used] : rows) {
        Kept kept;
        const auto name = UserName::parse(user);
        if (name)
            kept.session = {hash, *name, static_cast<uid_t>(uid), source};
        kept.created = now - std::chrono::seconds(std::max<std::int64_t>(0, epoch - created));
        kept.used = now - std::chrono::seconds(std::max<std::int64_t>(0, epoch - used));
        // From the future: how old it is cannot be told.
        const bool strange = created > epoch + tolerated_skew || used > epoch + tolerated_skew || uid < 0;
        if (!name || strange || over(kept, now))
            to_delete_.insert(hash);
        else
            kept_.emplace(hash, std::move(kept));
    }
    flush();
}

Sessions::~Sessions() {
    try {
        flush();
    } catch (const std::exception& error) {
        log::error("sessions: {}", error.what());
    }
}

bool Sessions::over(const Kept& kept, Steady::time_point now) const {
    return now - kept.used > limits_.idle || now - kept.created > limits_.absolute;
}

Sessions::Opened Sessions::open(const UserName& user, uid_t uid, const std::string& source) {
    Opened opened;
    opened.token = make_token();
    opened.session = {token_hash(opened.token.reveal()), user, uid, source.substr(0, 64)};
    const auto now = clocks_.steady();
    {
        const std::lock_guard lock(mutex_);
        std::vector<const Kept*> others;
        for (const auto& [hash, kept] : kept_)
            if (kept.session.user == user)
                others.push_back(&kept);
        std::sort(others.begin(), others.end(),
                  [](const Kept* a, const Kept* b) { return a->used < b->used; });
        for (std::size_t i = 0; i + limits_.each <= others.size(); ++i)
            opened.ended.push_back(others[i]->session.hash);
        for (const auto& hash : opened.ended) {
            kept_.erase(hash);
            to_delete_.insert(hash);
        }
        kept_.emplace(opened.session.hash, Kept{opened.session, now, now, true});
    }
    try {
        database_.write([&](store::Sql& sql) {
            const auto epoch = clocks_.epoch();
            sql.exec("INSERT INTO sessions (hash, username, uid, source, created, used) "
                     "VALUES (:hash, :username, :uid, :source, :created, :used)",
                     {opened.session.hash, user, static_cast<std::int64_t>(uid), opened.session.source, epoch,
                      epoch});
        });
    } catch (const Error& error) {
        // Whoever frees a full disk must be able to log in first.
        log::warning("a session of {} will not outlive this process: {}", user.str(), error.what());
    }
    const std::lock_guard lock(mutex_);
    if (!kept_.contains(opened.session.hash)) // ended before its row was there
        to_delete_.insert(opened.session.hash);
    return opened;
}

std::optional<Sessions::Session> Sessions::find(const std::string& hash, bool use) {
    const auto now = clocks_.steady();
    const std::lock_guard lock(mutex_);
    const auto found = kept_.find(hash);
    if (found == kept_.end() || over(found->second, now))
        return std::nullopt;
    if (use) {
        found->second.used = now;
        found->second.written = false;
    }
    return found->second.session;
}

void Sessions::end(const std::string& hash) {
    {
        const std::lock_guard lock(mutex_);
        if (kept_.erase(hash) == 0)
            return;
        to_delete_.insert(hash);
    }
    forget_written();
}

void Sessions::forget_written() {
    std::vector<std::string> gone;
    {
        const std::lock_guard lock(mutex_);
        gone.assign(to_delete_.begin(), to_delete_.end());
    }
    if (gone.empty())
        return;
    database_.write([&](store::Sql& sql) {
        for (const auto& hash : gone)
            sql.exec("DELETE FROM sessions WHERE hash = :hash", {hash});
    });
    const std::lock_guard lock(mutex_);
    for (const auto& hash : gone)
        to_delete_.erase(hash);
}

std::vector<Sessions::Session> Sessions::all() const {
    const std::lock_guard lock(mutex_);
    std::vector<Session> sessions;
    for (const auto& [hash, kept] : kept_)
        sessions.push_back(kept.session);
    return sessions;
}

std::vector<std::string> Sessions::flush() {
    std::vector<std::string> ended;
    std::vector<std::pair<std::string, std::int64_t>> used;
    {
        const auto now = clocks_.steady();
        const auto epoch = clocks_.epoch();
        const std::lock_guard lock(mutex_);
        for (auto& [hash, kept] : kept_) {
            if (over(kept, now)) {
                ended.push_back(hash);
            } else if (!kept.written) {
                const auto ago = std::chrono::duration_cast<std::chrono::seconds>(now - kept.used);
                used.emplace_back(hash, epoch - ago.count());
                kept.written = true;
            }
        }
        for (const auto& hash : ended) {
            kept_.erase(hash);
            to_delete_.insert(hash);
        }
    }
    try {
        if (!used.empty())
            database_.write([&](store::Sql& sql) {
                for (const auto& [hash, moment] : used)
                    sql.exec("UPDATE sessions SET used = :used WHERE hash = :hash", {moment, hash});
            });
        forget_written();
    } catch (const Error& error) {
        log::error("sessions: {}", error.what()); // tried again at the next use and the next flush
    }
    return ended;
}

} // namespace bhype::access
