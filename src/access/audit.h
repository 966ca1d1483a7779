#pragma once

// Who did what, from where, with what outcome.

#include "access/clocks.h"
#include "store/database.h"

#include <atomic>
#include <mutex>

namespace bhype::access {

struct AuditEntry {
    std::int64_t number = 0; ///< grows by one
    std::int64_t moment = 0; ///< epoch seconds
    std::string user;        ///< empty: nobody was logged in
    std::string source;      ///< address, or "cli"
    std::string endpoint;    ///< "POST /api/v1/vms/{name}/start"
    std::string object;      ///< "web1"
    std::string outcome;     ///< "ok" or the id of an error code
    std::string task;        ///< id, empty when none was begun
};

struct AuditLimits {
    std::int64_t most = 100'000; ///< entries that are kept
    /// Entries of nobody in a minute. More are counted, not kept: strangers must not be able to push out what
    /// users did.
    int strangers = 60;
};

struct AuditQuery {
    std::int64_t before = 0; ///< only smaller numbers; 0: from the newest
    std::int64_t most = 100;
    std::string user;   ///< empty: any
    std::string object; ///< empty: any
};

/// Safe to use from several threads.
class Audit {
  public:
    explicit Audit(store::Database& database, AuditLimits limits = {}, Clocks clocks = {});

    /// Does not wait and does not fail: what the database does not take goes to the log. `number` and
    /// `moment` are filled in.
    void record(AuditEntry entry);
    /// Newest first. Throws Error(database).
    std::vector<AuditEntry> list(const AuditQuery& query) const;

  private:
    store::Database& database_;
    AuditLimits limits_;
    Clocks clocks_;
    std::mutex mutex_;
    Steady::time_point minute_;
    int strangers_ = 0;
    std::shared_ptr<std::atomic<int>> waiting_ = std::make_shared<std::atomic<int>>(0);
};

} // namespace bhype::access
