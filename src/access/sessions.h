#pragma once

// Who is logged in. The table keeps sessions over a restart; all of them are in memory.

#include "access/caller.h"
#include "access/clocks.h"
#include "base/secret.h"
#include "store/database.h"

#include <mutex>
#include <set>
#include <unordered_map>

namespace bhype::access {

struct SessionLimits {
    std::chrono::seconds idle = std::chrono::hours(2);
    std::chrono::seconds absolute = std::chrono::hours(12);
    /// Of one account; the one that was used longest ago gives way to a new one.
    std::size_t each = 32;
};

/// Safe to use from several threads; find() never waits for the database.
class Sessions {
  public:
    /// Reads those that are still good and removes the others from the table. Throws Error(database).
    explicit Sessions(store::Database& database, SessionLimits limits = {}, Clocks clocks = {});
    /// Writes when they were last used.
    ~Sessions();
    Sessions(const Sessions&) = delete;
    Sessions& operator=(const Sessions&) = delete;

    struct Session {
        std::string hash; ///< see token_hash()
        UserName user;
        uid_t uid = 0;      ///< of the account at log-in: another account of the same name is another user
        std::string source; ///< from where it was logged in
    };
    struct Opened {
        Session session;
        Secret token;
        std::vector<std::string> ended; ///< hashes of sessions that gave way
    };
    /// A new one with a new token. One that the database does not take lives in memory alone.
    Opened open(const UserName& user, uid_t uid, const std::string& source);
    /// A session that has not run out; `use` makes it one that was used now.
    std::optional<Session> find(const std::string& hash, bool use);
    /// Gone for good when it returns; unknown ones are gone already. Throws Error(database), then it is gone
    /// for this process and the table is told at the next flush().
    void end(const std::string& hash);
    std::vector<Session> all() const;
    /// Ends what has run out and writes back when sessions were used. Returns the hashes of those that ended.
    std::vector<std::string> flush();

  private:
    struct Kept {
        Session session;
        Steady::time_point created;
        Steady::time_point used;
        bool written = true; ///< `used` is in the table
    };
    bool over(const Kept& kept, Steady::time_point now) const;
    void forget_written();

    store::Database& database_;
    SessionLimits limits_;
    Clocks clocks_;
    mutable std::mutex mutex_;
    std::unordered_map<std::string, Kept> kept_;
    std::set<std::string> to_delete_; ///< ended, but still in the table
};

} // namespace bhype::access
