#pragma once

// One bhyve: its start, the guest's reboots, its end and why.

#include "os/process.h"
#include "vmd/log_file.h"
#include "vmd/loop.h"
#include "vmd/protocol.h"

#include <functional>
#include <optional>

namespace bhype::vmd {

class Supervisor {
  public:
    struct Events {
        std::function<void()> changed;                          ///< status() is another
        std::function<void()> powered;                          ///< a bhyve was just started or found
        std::function<void()> gone;                             ///< the end is final, and written down
        std::function<std::vector<std::string>()> serial_lines; ///< what the guest printed last
    };
    Supervisor(Loop& loop, const Run& run, int dataset, int run_directory, Events events);

    void power_on();
    /// Goes on with the bhyve that an earlier vmd has left.
    void attach(Status status);

    const Status& status() const { return status_; }
    LogFile& log() { return log_; }
    bool alive() const { return status_.bhyve_pid != 0; }

    void stop(std::int64_t seconds);
    void kill();
    /// False when there is nothing to reset.
    bool reset();

  private:
    struct Outcome {
        enum { reboot, stopped, failed } what;
        std::string reason;
    };
    void watch_bhyve();
    void bhyve_ended();
    Outcome judge(std::optional<int> status, std::int64_t lived) const;
    /// Brings up the taps from number TAP on, then starts bhyve again.
    void reboot(std::size_t tap = 0);
    void clean_up(Outcome outcome);
    void await_device(Outcome outcome, int tries);
    void finish(const Outcome& outcome);
    void press();
    void change(State state, std::string reason);
    void save();
    void trim_log_later();
    void command(std::vector<std::string> arguments, std::function<void()> then);
    bool device_there() const;

    Loop& loop_;
    const Run& run_;
    int run_directory_;
    Events events_;
    LogFile log_;
    Status status_;
    std::optional<os::ProcessWatch> watch_;
    bool ours_ = false; ///< bhyve is our child
    bool killed_ = false;
    bool reset_asked_ = false;
    bool ending_ = false;
    int settle_timer_ = 0;
    int press_timer_ = 0;
    int kill_timer_ = 0;
    int reboot_timer_ = 0;
};

} // namespace bhype::vmd
