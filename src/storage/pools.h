#pragma once

// The host's pools as they are, what is wrong with them, and when they are scrubbed.

#include "storage/health.h"
#include "storage/layout.h"
#include "task/task.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace bhype::storage {

/// When a pool is scrubbed.
struct ScrubSchedule {
    std::string schedule; ///< crontab(5)'s five fields, in the host's time zone
    UserName user;        ///< who asked for it: whose tasks they are
};
BOOST_DESCRIBE_STRUCT(ScrubSchedule, (), (schedule, user))

struct PoolView {
    PoolName name;
    std::string guid;
    std::string health; ///< ONLINE, DEGRADED, ...
    bool bhype = false; ///< it holds bHype's VMs
    ByteSize size;      ///< of the disks
    ByteSize used;      ///< by file systems, volumes and snapshots
    ByteSize available; ///< to them
    std::int64_t percent = 0;
    std::string reason; ///< zpool's words for what is wrong
    std::string action; ///< and for what to do
    std::string errors; ///< "No known data errors"
    host::Scan scan;
    std::vector<host::Vdev> vdevs;
    std::vector<StorageFinding> findings;    ///< the worst first
    std::optional<host::KeyKind> encryption; ///< of its root
    bool locked = false;                     ///< its key is not loaded: nothing in it can be used
    std::optional<std::string> scrub;        ///< its schedule
    std::vector<std::int64_t> next_scrubs;   ///< five, epoch seconds
    std::string zone;                        ///< of the schedule: "CET"
};
BOOST_DESCRIBE_STRUCT(PoolView, (),
                      (name, guid, health, bhype, size, used, available, percent, reason, action, errors,
                       scan, vdevs, findings, encryption, locked, scrub, next_scrubs, zone))

/// Safe to call from several threads.
class Pools {
  public:
    struct Keep {
        std::function<std::optional<PoolName>()> bhype;                       ///< the pool that bHype uses
        std::function<std::map<std::string, ScrubSchedule>()> load_schedules; ///< by pool
        std::function<void(const std::map<std::string, ScrubSchedule>&)> save_schedules;
    };
    Pools(wire::Host& host, alert::Alerts& alerts, Keep keep);
    ~Pools();

    /// As the host has them now. Alerts follow.
    std::vector<PoolView> look();
    /// Throws Error(not_found).
    PoolView look(const PoolName& name);
    /// None: it is not scrubbed by schedule.
    void set_schedule(const PoolName& pool, std::optional<ScrubSchedule> schedule);
    /// Of scrubs that are due between two moments: not at the first, but at the second.
    std::map<PoolName, ScrubSchedule> due(std::int64_t after, std::int64_t now) const;

    /// Looks every half minute, every few seconds while a pool is scanned, and when woken.
    void start(std::function<void()> pools_changed,
               std::function<void(const PoolName&, const ScrubSchedule&, std::int64_t due)> scrub);
    void stop();
    void wake();

  private:
    void watch();
    PoolView view(const host::Pool& pool, const std::vector<host::PoolState>& states) const;

    wire::Host& host_;
    alert::Alerts& alerts_;
    Keep keep_;
    std::function<void()> pools_changed_;
    std::function<void(const PoolName&, const ScrubSchedule&, std::int64_t)> scrub_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool stopping_ = false;
    bool woken_ = false;
    std::map<std::string, ScrubSchedule> schedules_;
    std::string last_; ///< what the watch saw, as text
    std::thread thread_;
};

} // namespace bhype::storage
