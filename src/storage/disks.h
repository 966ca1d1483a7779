#pragma once

// The host's disks, with what is known of their health.

#include "storage/disk_health.h"
#include "wire/host.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <thread>

namespace bhype::storage {

/// A disk of the list.
struct DiskView : host::Disk {
    DiskVerdict health = DiskVerdict::unread;
    std::string health_text;               ///< one sentence, without the disk's name
    std::string health_advice;             ///< empty: nothing is to be done
    std::optional<std::int64_t> health_at; ///< epoch seconds when it was last asked
};
BOOST_DESCRIBE_STRUCT(DiskView, (host::Disk), (health, health_text, health_advice, health_at))

/// All that is known of a disk's health.
struct DiskReport {
    DiskName name;
    DiskJudgement judgement;
    bool asleep = false;            ///< since `at`: the figures are those of before
    std::optional<std::int64_t> at; ///< epoch seconds of the figures; none: it was not asked yet
    std::optional<host::DiskHealthResult> figures;
};
BOOST_DESCRIBE_STRUCT(DiskReport, (), (name, judgement, asleep, at, figures))

/// Asks each disk a minute after its start and every half hour, one after another, since a dying one can take
/// half a minute to answer, or never do. The list never waits for that. Safe to call from several threads.
class Disks {
  public:
    Disks(wire::Host& host, alert::Alerts& alerts);
    ~Disks();

    std::vector<DiskView> list();
    /// `fresh`: asks the disk now. Throws Error(not_found).
    DiskReport report(const DiskName& name, bool fresh);

    void start(std::function<void()> changed);
    void stop();

  private:
    /// The last answer of a disk.
    struct Known {
        std::string ident; ///< another disk may come in its place
        std::string used_by;
        std::int64_t at = 0;
        bool asleep = false;
        host::DiskHealthResult figures;
    };

    void watch();
    void round();
    /// Waits when another thread asks that disk already, and is content with its answer.
    void ask(const host::Disk& disk);
    bool is_due(const host::Disk& disk) const;
    bool knows(const host::Disk& disk) const;
    void tell();

    wire::Host& host_;
    alert::Alerts& alerts_;
    std::function<void()> changed_;
    std::mutex telling_;
    mutable std::mutex mutex_;
    std::condition_variable wake_, answered_;
    bool stopping_ = false, woken_ = false;
    bool whole_ = false; ///< each disk was asked once: what no disk has is over
    std::map<std::string, Known> known_;
    std::set<std::string> asking_;
    std::thread thread_;
};

} // namespace bhype::storage
