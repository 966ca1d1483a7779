#include "vmd/supervisor.h"

#include "base/error.h"
#include "os/files.h"
#include "vmd/child.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace bhype::vmd {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t most_lines = 20;
constexpr milliseconds command_patience{10000};
constexpr milliseconds device_pause{50};
constexpr int device_tries = 200; ///< 10 s
constexpr milliseconds trim_interval{5000};

std::int64_t now_ms() {
    return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

/// 0, 200, 400, 800... ms before the Nth quick reset in a row.
milliseconds back_off(std::int64_t quick_resets) {
    return quick_resets < 2 ? milliseconds(0)
                            : milliseconds(100 << std::min<std::int64_t>(quick_resets - 1, 6));
}

} // namespace

Supervisor::Supervisor(Loop& loop, const Run& run, int dataset, int run_directory, Events events)
    : loop_(loop), run_(run), run_directory_(run_directory), events_(std::move(events)),
      log_(dataset, run.group, run.log_limit) {
    status_.vm = run.vm;
    status_.generation = run.generation;
    status_.vmd_pid = ::getpid();
    trim_log_later();
}

void Supervisor::save() {
    try {
        os::write_file(run_directory_, state_file, status_.fields().print(), 0600);
    } catch (const Error& error) {
        log_.note(std::string("state not written: ") + error.what());
    }
}

void Supervisor::change(State state, std::string reason) {
    status_.state = state;
    status_.reason = std::move(reason);
    status_.since = now_ms() / 1000;
    save();
    events_.changed();
}

void Supervisor::power_on() {
    const bool first = status_.started == 0;
    status_.log_start = log_.size();
    status_.booted = now_ms();
    if (first)
        status_.started = status_.booted / 1000;
    const pid_t pid = start(run_.arguments, log_.descriptor(), true);
    if (pid < 0) {
        clean_up({Outcome::failed, std::string("fork: ") + std::strerror(errno)});
        return;
    }
    const auto id = os::process_id(pid);
    status_.bhyve_pid = pid;
    status_.bhyve_started = id ? id->started : 0;
    ours_ = true;
    watch_.emplace(os::ProcessWatch::child(pid));
    watch_bhyve();
    if (first)
        change(State::starting, "");
    else
        change(status_.state, status_.reason);
    settle_timer_ = loop_.after(milliseconds(run_.settle), [this] {
        settle_timer_ = 0;
        if (status_.state == State::starting)
            change(State::running, "");
    });
    events_.powered();
}

void Supervisor::attach(Status status) {
    status_ = std::move(status);
    status_.vmd_pid = ::getpid();
    log_.note("a new supervisor goes on");
    if (!alive()) { // the other died between two boots
        reboot();
        return;
    }
    const os::ProcessId id{static_cast<pid_t>(status_.bhyve_pid), status_.bhyve_started};
    try {
        watch_.emplace(id);
    } catch (const Error&) {
        clean_up({Outcome::failed, "bhyve ended while its supervisor was away"});
        return;
    }
    watch_bhyve();
    if (status_.stop_until != 0) {
        change(State::stopping, "");
        press();
    } else {
        change(State::running, status_.reason);
    }
    events_.powered();
}

void Supervisor::watch_bhyve() {
    loop_.watch(watch_->descriptor(), POLLIN, [this](short) {
        if (watch_->end())
            bhyve_ended();
    });
}

void Supervisor::trim_log_later() {
    loop_.after(trim_interval, [this] {
        if (log_.trim())
            status_.log_start = 0;
        trim_log_later();
    });
}

bool Supervisor::device_there() const {
    struct stat facts {};
    return ::stat((run_.vmm + "/" + run_.vm).c_str(), &facts) == 0;
}

void Supervisor::bhyve_ended() {
    const auto end = watch_->end();
    loop_.forget(watch_->descriptor());
    watch_.reset();
    if (ours_)
        ::waitpid(static_cast<pid_t>(status_.bhyve_pid), nullptr, 0);
    status_.bhyve_pid = 0;
    status_.bhyve_started = 0;
    for (int* timer : {&settle_timer_, &kill_timer_})
        loop_.cancel(*timer);

    const auto lived = now_ms() - status_.booted;
    const auto outcome = judge(end->status, lived);
    log_.note("bhyve ended: " + outcome.reason);
    if (outcome.what != Outcome::reboot || killed_ || status_.stop_until != 0) {
        clean_up(outcome.what == Outcome::reboot
                     ? Outcome{Outcome::stopped, killed_ ? "killed" : "stopped when it wanted to reboot"}
                     : outcome);
        return;
    }
    status_.quick_resets = !reset_asked_ && lived < run_.quick ? status_.quick_resets + 1 : 0;
    reset_asked_ = false;
    if (status_.quick_resets >= run_.most_quick) {
        clean_up({Outcome::failed, "the guest reset " + std::to_string(status_.quick_resets) +
                                       " times in a row, each time within " +
                                       std::to_string(run_.quick / 1000) + " s of its start"});
        return;
    }
    ++status_.reboots;
    save();
    reboot_timer_ = loop_.after(back_off(status_.quick_resets), [this] {
        reboot_timer_ = 0;
        reboot();
    });
}

Supervisor::Outcome Supervisor::judge(std::optional<int> status, std::int64_t lived) const {
    if (killed_)
        return {Outcome::stopped, "killed"};
    if (!status)
        return {Outcome::failed, "bhyve ended, and the host did not tell how"};
    if (WIFSIGNALED(*status)) {
        const int signal = WTERMSIG(*status);
        if (signal == SIGTERM && status_.stop_until != 0)
            return {Outcome::stopped, "ended by the power button before the guest listened to it"};
        return {Outcome::failed, std::string("bhyve was ended by signal ") + std::to_string(signal) + " (" +
                                     ::strsignal(signal) + ")"};
    }
    const int code = WEXITSTATUS(*status);
    // bhyve(8), EXIT STATUS; 1 is also what a usage error gives.
    switch (code) {
    case 0:
        return {Outcome::reboot, "rebooted"};
    case 1:
        if (lived < run_.settle && !device_there() && log_.size() > status_.log_start)
            return {Outcome::failed, "bhyve did not start"};
        return {Outcome::stopped,
                status_.stop_until != 0 ? "powered off when asked to" : "powered off by the guest"};
    case 2:
        return {Outcome::stopped, "halted by the guest"};
    case 3:
        return {Outcome::failed, "the guest ended by a triple fault"};
    case 127:
        return {Outcome::failed, "bhyve cannot be executed"};
    default:
        return {Outcome::failed,
                (status_.state == State::starting || lived < run_.settle ? "bhyve did not start: exit status "
                                                                         : "bhyve failed: exit status ") +
                    std::to_string(code)};
    }
}

void Supervisor::reboot(std::size_t tap) {
    // if_tuntap(4) takes the interface down when bhyve closes it.
    if (killed_ || status_.stop_until != 0)
        clean_up({Outcome::stopped, killed_ ? "killed" : "stopped while it rebooted"});
    else if (tap < run_.taps.size())
        command({run_.ifconfig, run_.taps[tap], "up"}, [this, tap] { reboot(tap + 1); });
    else
        power_on();
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): a list made for the call
void Supervisor::command(std::vector<std::string> arguments, std::function<void()> then) {
    const pid_t pid = start(arguments, log_.descriptor(), false);
    if (pid < 0) {
        then();
        return;
    }
    auto watch = std::make_shared<os::ProcessWatch>(os::ProcessWatch::child(pid));
    auto timer = std::make_shared<int>(0);
    *timer = loop_.after(command_patience, [pid, timer] {
        *timer = 0;
        ::kill(pid, SIGKILL);
    });
    loop_.watch(watch->descriptor(), POLLIN, [this, watch, timer, pid, then = std::move(then)](short) {
        if (!watch->end())
            return;
        ::waitpid(pid, nullptr, 0);
        loop_.cancel(*timer);
        loop_.forget(watch->descriptor());
        then();
    });
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): outlives whoever gave it
void Supervisor::clean_up(Outcome outcome) {
    if (ending_)
        return;
    ending_ = true;
    for (int* timer : {&settle_timer_, &press_timer_, &kill_timer_, &reboot_timer_})
        loop_.cancel(*timer);
    if (outcome.what == Outcome::failed) {
        status_.last_lines = log_.lines_since(status_.log_start, most_lines);
        if (status_.last_lines.empty())
            status_.last_lines = events_.serial_lines();
    }
    if (!device_there()) {
        finish(outcome);
        return;
    }
    command({run_.bhyvectl, "--vm=" + run_.vm, "--destroy"},
            [this, outcome] { await_device(outcome, device_tries); });
}

void Supervisor::await_device(Outcome outcome, int tries) {
    if (!device_there()) {
        finish(outcome);
    } else if (tries == 0) {
        outcome.reason += "; the kernel's VM object could not be removed";
        finish({Outcome::failed, outcome.reason});
    } else {
        loop_.after(device_pause, [this, outcome, tries] { await_device(outcome, tries - 1); });
    }
}

void Supervisor::finish(const Outcome& outcome) {
    log_.note((outcome.what == Outcome::failed ? "failed: " : "stopped: ") + outcome.reason);
    change(outcome.what == Outcome::failed ? State::failed : State::stopped, outcome.reason);
    events_.gone();
}

void Supervisor::stop(std::int64_t seconds) {
    if (ending_)
        return;
    if (seconds == 0) {
        const bool pressing = status_.stop_until != 0;
        loop_.cancel(press_timer_);
        status_.stop_until = 0;
        if (pressing && alive() && !killed_)
            change(State::running, "");
        return;
    }
    status_.stop_seconds = seconds;
    status_.stop_until = now_ms() + seconds * 1000;
    if (!alive()) { // between two boots
        if (reboot_timer_ != 0)
            clean_up({Outcome::stopped, "stopped while it rebooted"});
        return;
    }
    change(State::stopping, "");
    loop_.cancel(press_timer_);
    press();
}

void Supervisor::press() {
    press_timer_ = 0;
    if (!alive() || ending_)
        return;
    const auto left = status_.stop_until - now_ms();
    if (left <= 0) {
        status_.stop_until = 0;
        change(State::running,
               "did not react to the power button within " + std::to_string(status_.stop_seconds) + " s");
        return;
    }
    const os::ProcessId id{static_cast<pid_t>(status_.bhyve_pid), status_.bhyve_started};
    if (ours_ || os::lives(id))
        ::kill(id.pid, SIGTERM);
    press_timer_ = loop_.after(milliseconds(std::min(left, run_.press_interval)), [this] { press(); });
}

void Supervisor::kill() {
    if (ending_)
        return;
    killed_ = true;
    if (!alive()) {
        if (reboot_timer_ != 0)
            clean_up({Outcome::stopped, "killed"});
        return;
    }
    change(State::stopping, "is being killed");
    if (kill_timer_ != 0)
        return;
    kill_timer_ = loop_.after(milliseconds(run_.kill_patience), [this] {
        kill_timer_ = 0;
        const os::ProcessId id{static_cast<pid_t>(status_.bhyve_pid), status_.bhyve_started};
        if (alive() && (ours_ || os::lives(id)))
            ::kill(id.pid, SIGKILL);
    });
    command({run_.bhyvectl, "--vm=" + run_.vm, "--force-poweroff"}, [] {});
}

bool Supervisor::reset() {
    if (!alive() || ending_ || killed_)
        return false;
    reset_asked_ = true;
    log_.note("reset");
    command({run_.bhyvectl, "--vm=" + run_.vm, "--force-reset"}, [] {});
    return true;
}

} // namespace bhype::vmd
