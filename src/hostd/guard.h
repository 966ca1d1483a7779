#pragma once

#include "host/uplink.h"
#include "hostd/tree.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace bhype::hostd {

/// The change of the uplinks that waits to be confirmed, and its way back. What it needs for that is on disk
/// before its first command, so that it goes back by itself too when hostd was killed: daemon(8) starts hostd
/// again. A boot brings up what rc.conf has, which is the old until the change was confirmed.
///
/// Safe to call from several threads; one change or way back at a time.
class Guard {
  public:
    /// Its file is uplink.json in `directory`, which a boot leaves alone; a file in `run`, which a boot
    /// empties, tells that the machine has not been booted since. Commands that nobody asked for go through
    /// `quiet`.
    Guard(const std::string& directory, const std::string& run, Runner quiet);
    ~Guard();
    /// For when hostd is stopped: nobody may be there when the time is over, so what waits goes back now.
    void end();
    Guard(const Guard&) = delete;

    host::UplinkGuard show() const;
    /// Whether a change waits that concerns this switch's bridge: nobody else touches it meanwhile.
    bool holds(const SwitchName& name) const;
    /// Whether the bridge has the host's addresses by a change that was kept.
    bool carries(const SwitchName& name) const;

    host::UplinkGuard apply(const host::UplinkApply& operation, const host::HostNetwork& network,
                            const Runner& runner);
    host::UplinkGuard confirm(const TaskId& id, const Runner& runner);
    host::UplinkGuard revert(const TaskId& id, const Runner& runner);

  private:
    struct Record;
    void recover();
    void watch();
    void write(const Record& record);
    void put(Record& record, host::GuardState state, std::string reason = {});
    void take_back(Record& record, const std::string& reason, const Runner& runner);
    void save(Record& record, const Runner& runner);
    void finish(Record& record, const Runner& runner);

    const std::string directory_;
    const std::string mark_;
    const Runner quiet_;
    std::mutex work_; ///< held while commands run
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::unique_ptr<Record> record_;
    bool stopping_ = false;
    std::thread watcher_;
};

} // namespace bhype::hostd
