#include "hostd/guard.h"

#include "base/log.h"
#include "host/ifconfig.h"
#include "os/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <ctime>

namespace bhype::hostd {

namespace {

constexpr const char* file_name = "uplink.json";
using host::GuardState;

bool waits(GuardState state) {
    return state == GuardState::applying || state == GuardState::armed || state == GuardState::saving ||
           state == GuardState::reverting;
}

} // namespace

/// All that the way back needs.
struct Guard::Record {
    static constexpr bool defaults_apply = true;
    host::UplinkGuard guard;
    std::int64_t seconds = 0;
    std::int64_t begun = 0;    ///< commands begun; the last of them may have run or not
    host::HostNetwork network; ///< as it was
    BOOST_DESCRIBE_CLASS(Record, (), (guard, seconds, begun, network), (), ())

    host::UplinkSteps steps() const { return host::uplink_steps(guard.change, network); }
};

Guard::Guard(const std::string& directory, const std::string& run, Runner quiet)
    : directory_(directory), mark_(run + "/uplink"), quiet_(std::move(quiet)),
      record_(std::make_unique<Record>()) {
    try {
        recover();
    } catch (const Error& error) {
        log::error("{}/{}: {}", directory_, file_name, error.what());
    }
    watcher_ = std::thread([this] { watch(); });
}

Guard::~Guard() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    watcher_.join();
}

void Guard::end() {
    const std::lock_guard work(work_);
    auto record = *record_;
    if (record.guard.state == GuardState::armed)
        take_back(record, "bhype-hostd was stopped", quiet_);
}

void Guard::recover() {
    const auto text = os::read_file(os::open_directory(directory_).get(), file_name, 8 << 20);
    if (!text)
        return;
    auto record = decode_text<Record>(*text);
    *record_ = record;
    const bool same_boot = ::access(mark_.c_str(), F_OK) == 0;
    switch (record.guard.state) {
    case GuardState::applying:
    case GuardState::reverting:
    case GuardState::armed:
        if (!same_boot)
            put(record, GuardState::reverted, "the host was booted before it was confirmed");
        else if (record.guard.state != GuardState::armed)
            take_back(record, "bhype-hostd ended in the middle", quiet_);
        break;
    case GuardState::saving:
        save(record, quiet_);
        if (record.guard.state != GuardState::kept)
            break;
        // What the boot found in rc.conf left the host reachable, the old way or the new one; nobody waits
        // now to see whether a change of that would.
        if (same_boot)
            finish(record, quiet_);
        else
            put(record, GuardState::kept,
                "the host was booted while rc.conf was written: its next boot has all of the change");
        break;
    default:
        break;
    }
}

void Guard::watch() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        if (record_->guard.state != GuardState::armed) {
            changed_.wait(lock);
            continue;
        }
        // The clock of the wall may be set meanwhile; more than what was asked for is never waited.
        const auto left =
            std::clamp<std::int64_t>(record_->guard.until - std::time(nullptr), 0, record_->seconds);
        const auto id = record_->guard.id;
        const auto over = [&] {
            return stopping_ || record_->guard.state != GuardState::armed || record_->guard.id != id;
        };
        if (changed_.wait_for(lock, std::chrono::seconds(left), over))
            continue;
        lock.unlock();
        {
            const std::lock_guard work(work_);
            auto record = *record_;
            if (record.guard.state == GuardState::armed && record.guard.id == id)
                take_back(record, "nobody confirmed it within " + std::to_string(record.seconds) + " s",
                          quiet_);
        }
        lock.lock();
    }
}

void Guard::write(const Record& record) {
    os::write_file(os::open_directory(directory_).get(), file_name, encode_text(record), 0600);
}

void Guard::put(Record& record, GuardState state, std::string reason) {
    record.guard.state = state;
    record.guard.reason = std::move(reason);
    {
        const std::lock_guard lock(mutex_);
        *record_ = record;
    }
    changed_.notify_all();
    write(record);
}

host::UplinkGuard Guard::show() const {
    const std::lock_guard lock(mutex_);
    return record_->guard;
}

bool Guard::holds(const SwitchName& name) const {
    const std::lock_guard lock(mutex_);
    return waits(record_->guard.state) && record_->guard.change.switch_ == name;
}

bool Guard::carries(const SwitchName& name) const {
    const std::lock_guard lock(mutex_);
    const auto& [state, id, change, until, reason, failures] = record_->guard;
    return state == GuardState::kept && change.present && change.switch_ == name;
}

host::UplinkGuard Guard::apply(const host::UplinkApply& operation, const host::HostNetwork& network,
                               const Runner& runner) {
    const std::lock_guard work(work_);
    if (auto present = show(); waits(present.state)) {
        if (present.id == operation.id.str() && present.state == GuardState::armed)
            return present;
        throw Error(Code::uplink_busy);
    }
    Record record;
    record.guard.id = operation.id.str();
    record.guard.change = operation.change;
    record.seconds = operation.seconds;
    record.guard.until = std::time(nullptr) + operation.seconds;
    record.network = network;
    const auto steps = record.steps();
    // Without it hostd would take its next start for a boot, and not go back.
    if (!Fd(::open(mark_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)))
        throw Error(Code::command_failed, mark_);
    put(record, GuardState::applying);
    try {
        for (const auto& step : steps.steps) {
            ++record.begun;
            write(record);
            host::expect_success(step.run, runner(step.run));
        }
        put(record, GuardState::armed);
    } catch (const Error& error) {
        take_back(record, error.detail(), runner);
        throw;
    }
    return record.guard;
}

void Guard::take_back(Record& record, const std::string& reason, const Runner& runner) {
    put(record, GuardState::reverting, reason);
    log::warning("the uplink goes back to what it was: {}", reason);
    const auto steps = record.steps().steps;
    const auto begun = std::min<std::size_t>(steps.size(), static_cast<std::size_t>(record.begun));
    record.guard.failures.clear();
    // The last command that was begun may not have done anything: undoing it may fail, and that is no matter.
    for (std::size_t i = begun; i-- > 0;) {
        if (!steps[i].back)
            continue;
        const auto output = runner(*steps[i].back);
        if (output.exit_status != 0 && i + 1 < begun)
            record.guard.failures.push_back(host::failure_detail(*steps[i].back, output));
    }
    for (const auto& failure : record.guard.failures)
        log::error("the uplink's way back: {}", failure);
    put(record, GuardState::reverted, reason);
}

host::UplinkGuard Guard::confirm(const TaskId& id, const Runner& runner) {
    const std::lock_guard work(work_);
    auto record = *record_;
    if (record.guard.id != id.str() ||
        (record.guard.state != GuardState::armed && record.guard.state != GuardState::kept))
        throw Error(Code::uplink_over, record.guard.id == id.str() ? record.guard.reason : "");
    if (record.guard.state == GuardState::armed) {
        put(record, GuardState::saving);
        save(record, runner);
        if (record.guard.state != GuardState::kept)
            throw Error(Code::command_failed, record.guard.reason);
        finish(record, runner);
    }
    return record.guard;
}

/// rc.conf as wanted, or as it was and all of it back.
void Guard::save(Record& record, const Runner& runner) {
    const auto wanted = record.steps().rc;
    const auto list = host::sysrc_all();
    const auto write_all = [&](const std::vector<host::RcSetting>& settings) {
        for (const auto& command : host::rc_commands(settings, host::parse_sysrc(list, runner(list))))
            host::expect_success(command, runner(command));
    };
    try {
        write_all(wanted);
    } catch (const Error& error) {
        try {
            write_all(host::rc_before(wanted, record.network.rc));
        } catch (const Error& second) {
            log::error("rc.conf: {}", second.what());
        }
        take_back(record, error.detail(), runner);
        return;
    }
    put(record, GuardState::kept);
}

/// The addresses are there and rc.conf is right: what fails now is told, not undone.
void Guard::finish(Record& record, const Runner& runner) {
    record.guard.failures.clear();
    for (const auto& [command, may_fail] : record.steps().finish) {
        const auto output = runner(command);
        if (output.exit_status != 0 && !may_fail)
            record.guard.failures.push_back(host::failure_detail(command, output));
    }
    for (const auto& failure : record.guard.failures)
        log::error("the uplink: {}", failure);
    if (!record.guard.failures.empty())
        put(record, GuardState::kept);
}

host::UplinkGuard Guard::revert(const TaskId& id, const Runner& runner) {
    const std::lock_guard work(work_);
    auto record = *record_;
    if (record.guard.id != id.str())
        return {};
    if (record.guard.state == GuardState::kept)
        throw Error(Code::uplink_over, "it was kept");
    if (record.guard.state == GuardState::armed)
        take_back(record, "it was asked for", runner);
    return record.guard;
}

} // namespace bhype::hostd
