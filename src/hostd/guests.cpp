#include "hostd/guests.h"

#include "base/log.h"
#include "host/bhyve.h"
#include "os/files.h"
#include "os/process.h"
#include "os/tty.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <utility>

namespace bhype::hostd {

namespace {

using namespace std::chrono_literals;
constexpr auto start_patience = 45s;
constexpr int connect_tries = 300; ///< of 10 ms
constexpr auto pause_between_tries = 10ms;
constexpr std::string_view line_lost =
    "\r\n[bhype: bhype-hostd and bhype-vmd ended at the same moment, and this line with them. "
    "The guest goes on; its line comes back when it boots again.]\r\n";

/// A guest that has no bhyve any more is given up after so many; one that has is not.
constexpr int most_attempts = 5;
constexpr auto pause_between_looks = 10ms;

os::ProcessId bhyve_of(const vmd::Status& status) {
    return {static_cast<pid_t>(status.bhyve_pid), status.bhyve_started};
}

/// Of a vmd that has written down that its guest ended: it has nothing left to do.
void await_end(pid_t child) {
    for (int looks = 0; looks < 200; ++looks) {
        if (::waitpid(child, nullptr, WNOHANG) != 0)
            return;
        std::this_thread::sleep_for(pause_between_looks);
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
}

} // namespace

Guests::Guests(std::string run_directory, const Tree& tree, StartProgram start,
               std::function<void(const host::Guest&)> changed)
    : run_(std::move(run_directory)), tree_(tree), start_(std::move(start)), changed_(std::move(changed)),
      changes_(std::chrono::duration_cast<std::chrono::microseconds>(
                   std::chrono::system_clock::now().time_since_epoch())
                   .count()) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        throw Error(Code::internal, "pipe");
    wake_read_ = Fd(ends[0]);
    wake_write_ = Fd(ends[1]);
    std::filesystem::create_directories(run_);
    // Whoever made it before us could change what root reads there.
    const Fd directory = os::open_directory(run_);
    struct stat facts {};
    if (::fstat(directory.get(), &facts) != 0 || facts.st_uid != ::geteuid() ||
        ::fchmod(directory.get(), 0700) != 0)
        throw Error(Code::policy, run_ + " is not root's");
}

Guests::~Guests() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake();
    if (watcher_.joinable())
        watcher_.join();
}

void Guests::wake() const {
    [[maybe_unused]] const auto written = ::write(wake_write_.get(), "", 1);
}

void Guests::recover() {
    std::vector<VmName> found;
    for (const auto& directory : std::filesystem::directory_iterator(run_))
        if (const auto vm = VmName::parse(directory.path().filename().string()))
            found.push_back(*vm);
    for (const auto& vm : found) {
        if (has_run(vm))
            adopt(vm.str());
        else // rc.d/cleanvar takes the files and leaves the folders
            std::filesystem::remove_all(directory(vm));
    }
}

void Guests::begin() {
    watcher_ = std::thread([this] { watch(); });
}

std::optional<vmd::Status> Guests::saved(const std::string& name) const {
    try {
        const Fd directory = os::open_directory(run_ + "/" + name);
        const auto text = os::read_file(directory.get(), vmd::state_file, vmd::longest_text);
        return text ? std::optional(vmd::Status::from(vmd::Fields::parse(*text))) : std::nullopt;
    } catch (const Error&) {
        return std::nullopt;
    }
}

/// The pty's two holders, hostd and the vmd, died together: the guest's line is dead until its next boot.
/// That one gets a new pty; the old one's name may be somebody's terminal by then. Whoever opens the line
/// until then reads why it is silent.
void Guests::renew_line(const std::string& name, Entry& entry) const {
    const Fd directory = os::open_directory(run_ + "/" + name);
    const auto text = os::read_file(directory.get(), vmd::run_file, vmd::longest_text);
    auto pty = os::open_pty();
    auto run = vmd::Run::from(vmd::Fields::parse(text.value_or("")));
    for (auto& argument : run.arguments)
        if (argument.starts_with(host::serial_line))
            argument = std::string(host::serial_line) + pty.path;
    os::write_file(directory.get(), vmd::run_file, run.fields().print(), 0600);
    [[maybe_unused]] const auto told = ::write(pty.slave.get(), line_lost.data(), line_lost.size());
    entry.kept.master = std::move(pty.master);
    entry.kept.slave = std::move(pty.slave);
}

/// The lock that every vmd holds, when none does: while we hold it none can begin.
Fd Guests::lock_free(const std::string& name) const {
    const Fd directory = os::open_directory(run_ + "/" + name);
    Fd lock = os::open_beneath(directory.get(), vmd::lock_file, O_RDWR | O_CREAT, 0600);
    return ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0 ? std::move(lock) : Fd();
}

void Guests::adopt(const std::string& name) {
    Entry entry;
    auto status = saved(name);
    if (!status) { // the hostd before us was killed while it started this vmd
        entry.lock = lock_free(name);
        status = vmd::Status{};
        if (entry.lock) {
            status->state = vmd::State::failed;
            status->reason = "bhype-hostd ended while it started the VM";
        }
    }
    entry.status = *status;
    entry.status.vm = name;
    try {
        const Fd directory = os::open_directory(run_ + "/" + name);
        const auto dataset = os::read_file(directory.get(), "dataset", 1024);
        entry.dataset = DatasetName::from(dataset.value_or(""));
        entry.kept.dataset = tree_.open(entry.dataset);
    } catch (const Error& error) {
        log::warning("{}: {}", name, error.what());
    }
    if (!entry.status.ended() && connect(name, entry, 2s))
        fetch_line(name, entry);
    entry.change = ++changes_;
    entries_[name] = std::move(entry);
}

/// The pty's descriptors, from a vmd that has them.
void Guests::fetch_line(const std::string& name, Entry& entry) const {
    if (entry.kept.master)
        return;
    try {
        entry.events.ask(vmd::Kind::line, {}, 2s, &entry.kept.master);
        char path[128];
        if (entry.kept.master && ::ptsname_r(entry.kept.master.get(), path, sizeof path) == 0)
            entry.kept.slave = Fd(::open(path, O_RDWR | O_NOCTTY | O_CLOEXEC));
    } catch (const Error& error) {
        log::warning("{}: serial line: {}", name, error.what());
    }
}

pid_t Guests::spawn(const std::string& name, const Entry& entry, bool attach) {
    run::Start program;
    program.program = host::Program::vmd;
    program.arguments = {"--run", run_ + "/" + name};
    if (attach)
        program.arguments.push_back("--attach");
    program.error = STDERR_FILENO;
    program.descriptors = {entry.kept.dataset.get()};
    if (entry.kept.master) {
        program.descriptors.push_back(entry.kept.master.get());
        program.descriptors.push_back(entry.kept.slave.get());
    }
    return start_(program);
}

/// Subscribes to the vmd's events and takes its status.
bool Guests::connect(const std::string& name, Entry& entry, std::chrono::milliseconds patience) const {
    try {
        VmdClient client(run_ + "/" + name + "/" + vmd::socket_file);
        auto status = vmd::Status::from(client.ask(vmd::Kind::status, {}, patience));
        status.vm = name;
        entry.status = std::move(status);
        entry.events = std::move(client);
        return true;
    } catch (const Error&) {
        return false;
    }
}

host::Guest Guests::picture(const Entry& entry) {
    const auto& status = entry.status;
    host::Guest guest;
    guest.vm = VmName::from(status.vm);
    switch (status.state) {
    case vmd::State::starting:
        guest.state = host::GuestState::starting;
        break;
    case vmd::State::running:
        guest.state = host::GuestState::running;
        break;
    case vmd::State::stopping:
        guest.state = host::GuestState::stopping;
        break;
    case vmd::State::stopped:
        guest.state = host::GuestState::stopped;
        break;
    case vmd::State::failed:
        guest.state = host::GuestState::failed;
        break;
    }
    guest.reason = status.reason;
    guest.last_lines = status.last_lines;
    guest.since = status.since;
    guest.started = status.started;
    guest.reboots = status.reboots;
    guest.bhyve_pid = status.bhyve_pid;
    guest.vmd_pid = status.ended() ? 0 : status.vmd_pid;
    guest.generation = status.generation;
    guest.change = entry.change;
    return guest;
}

std::vector<host::Guest> Guests::list() const {
    const std::lock_guard lock(mutex_);
    std::vector<host::Guest> found;
    for (const auto& [name, entry] : entries_)
        found.push_back(picture(entry));
    return found;
}

std::optional<host::Guest> Guests::find(const VmName& vm) const {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(vm.str());
    return found == entries_.end() ? std::nullopt : std::optional(picture(found->second));
}

bool Guests::alive(const VmName& vm) const {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(vm.str());
    return found != entries_.end() && !found->second.status.ended();
}

bool Guests::has_run(const VmName& vm) const {
    return std::filesystem::exists(directory(vm) + "/" + vmd::run_file);
}

host::Guest Guests::start(const VmName& vm, const DatasetName& dataset, Keepsakes keepsakes) {
    const auto& name = vm.str();
    std::unique_lock lock(mutex_);
    if (const auto found = entries_.find(name);
        found != entries_.end() && (found->second.held || !found->second.status.ended()))
        throw Error(Code::vm_running, name);
    Entry entry;
    entry.dataset = dataset;
    entry.kept = std::move(keepsakes);
    entry.status.vm = name;
    entry.change = ++changes_;
    entry.held = true;
    entry.child = spawn(name, entry, false);
    auto child = entry.child;
    entries_[name] = std::move(entry);
    lock.unlock();

    Entry fresh;
    fresh.status.vm = name;
    bool connected = false;
    const auto fail = [&](const char* reason) {
        fresh.status.state = vmd::State::failed;
        fresh.status.reason = reason;
        fresh.status.since = std::time(nullptr);
    };
    for (int tries = 0; tries < connect_tries && !connected && !fresh.status.ended(); ++tries) {
        connected = connect(name, fresh, 2s);
        if (connected)
            break;
        if (child > 0 && ::waitpid(child, nullptr, WNOHANG) == child)
            child = 0;
        // It may have ended before anybody could connect.
        if (auto status = saved(name); status && status->ended())
            fresh.status = *status;
        else if (child == 0)
            fail("bhype-vmd did not start");
        else
            std::this_thread::sleep_for(pause_between_tries);
    }
    if (!connected && !fresh.status.ended() && !saved(name)) {
        // So slow that it may not have begun: then it must not any more, since the caller hears of a failure.
        if (fresh.lock = lock_free(name); fresh.lock) {
            if (child > 0)
                ::kill(child, SIGKILL);
            fail("bhype-vmd did not start in time");
        }
    }
    lock.lock();
    auto& kept = entries_.at(name);
    kept.held = false;
    kept.child = child;
    kept.lock = std::move(fresh.lock);
    kept.events = std::move(fresh.events);
    if (connected || fresh.status.ended())
        take(lock, name, fresh.status);
    wake(); // one that has begun and does not answer yet is looked for by watch()
    settled_.wait_for(lock, start_patience, [&] {
        const auto found = entries_.find(name);
        return found == entries_.end() || found->second.status.state != vmd::State::starting;
    });
    const auto found = entries_.find(name);
    if (found == entries_.end())
        throw Error(Code::vm_start_failed, "it was removed meanwhile");
    auto guest = picture(found->second);
    if (guest.state == host::GuestState::failed || guest.state == host::GuestState::stopped) {
        std::string detail = guest.reason;
        for (const auto& line : guest.last_lines)
            detail += "\n" + line;
        throw Error(Code::vm_start_failed, detail);
    }
    return guest;
}

vmd::Fields Guests::ask(const VmName& vm, vmd::Kind kind, vmd::Fields fields,
                        std::chrono::milliseconds patience, Fd* descriptor) const {
    if (!alive(vm))
        throw Error(Code::vm_not_running, vm.str());
    VmdClient client(directory(vm) + "/" + vmd::socket_file);
    return client.ask(kind, std::move(fields), patience, descriptor);
}

std::optional<host::Guest> Guests::put(const VmName& vm, vmd::Status status) {
    {
        std::unique_lock lock(mutex_);
        // What it tells by itself may have come first, and an end is final.
        if (const auto found = entries_.find(vm.str());
            found != entries_.end() && !found->second.status.ended())
            take(lock, vm.str(), std::move(status));
    }
    return find(vm);
}

void Guests::forget(const VmName& vm) {
    const auto& name = vm.str();
    std::unique_lock lock(mutex_);
    if (const auto found = entries_.find(name); found != entries_.end()) {
        auto& entry = found->second;
        if (entry.held || !entry.status.ended())
            throw Error(Code::vm_running, name);
        entry.held = true;
        const auto child = std::exchange(entry.child, 0);
        lock.unlock();
        if (child > 0)
            await_end(child);
        lock.lock();
        entries_.erase(name);
    }
    std::filesystem::remove_all(directory(vm));
}

void Guests::take(std::unique_lock<std::mutex>& lock, const std::string& name, vmd::Status status) {
    auto& entry = entries_.at(name);
    status.vm = name;
    entry.status = std::move(status);
    entry.change = ++changes_;
    if (entry.status.ended())
        entry.kept = {}; // nothing holds the dataset any more
    const auto guest = picture(entry);
    settled_.notify_all();
    lock.unlock();
    changed_(guest);
    lock.lock();
}

/// Takes what a vmd tells. When it has gone, the guest has ended and that is written down, or find_vmd() sees
/// to another.
void Guests::hear(std::unique_lock<std::mutex>& lock, const std::string& name, int socket) {
    bool gone = false;
    while (!gone) {
        const auto found = entries_.find(name);
        if (found == entries_.end() || found->second.events.socket() != socket)
            return;
        const auto event = found->second.events.event(gone);
        if (event && event->kind == vmd::Kind::changed)
            take(lock, name, vmd::Status::from(event->fields));
        else if (!event && !gone)
            return;
    }
    if (const auto found = entries_.find(name);
        found != entries_.end() && found->second.events.socket() == socket) {
        found->second.events = {};
        find_vmd(lock, name);
    }
}

/// For a guest that has not ended and of whose vmd we do not hear: it ended, is not there yet or is slow.
void Guests::find_vmd(std::unique_lock<std::mutex>& lock, const std::string& name) {
    const auto known = entries_.find(name);
    if (known == entries_.end())
        return;
    const bool has_line = bool(known->second.kept.master);
    Entry fresh;
    lock.unlock();
    const auto before = saved(name);
    // The others must not wait for one that hangs.
    const bool connected = !(before && before->ended()) && connect(name, fresh, 200ms);
    if (connected && !has_line)
        fetch_line(name, fresh);
    lock.lock();
    const auto found = entries_.find(name);
    if (found == entries_.end() || found->second.held || found->second.events || found->second.status.ended())
        return;
    auto& entry = found->second;
    if (entry.child > 0 && ::waitpid(entry.child, nullptr, WNOHANG) == entry.child)
        entry.child = 0;
    if (connected) {
        entry.events = std::move(fresh.events);
        entry.attempts = 0;
        if (!entry.kept.master) {
            entry.kept.master = std::move(fresh.kept.master);
            entry.kept.slave = std::move(fresh.kept.slave);
        }
        take(lock, name, fresh.status);
    } else if (const auto status = saved(name); status && status->ended()) {
        take(lock, name, *status);
    } else if (entry.child == 0 && !vmd_there(name)) {
        if (entry.attempts >= most_attempts && !(status && os::lives(bhyve_of(*status)))) {
            auto end = status.value_or(vmd::Status{});
            end.state = vmd::State::failed;
            end.reason = "its supervisor died and could not be replaced";
            take(lock, name, end);
        } else if (std::chrono::steady_clock::now() >= entry.next_attempt) {
            replace(name, entry);
        }
    }
}

bool Guests::vmd_there(const std::string& name) const {
    try {
        return !lock_free(name);
    } catch (const Error&) { // its directory is gone
        return false;
    }
}

void Guests::replace(const std::string& name, Entry& entry) {
    entry.next_attempt = std::chrono::steady_clock::now() + std::chrono::seconds(entry.attempts++);
    log::warning("{}: its bhype-vmd died; a new one goes on", name);
    try {
        if (!entry.kept.master)
            renew_line(name, entry);
        entry.child = spawn(name, entry, true);
    } catch (const Error& error) {
        log::warning("{}: {}", name, error.what());
    }
}

void Guests::watch() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        std::vector<pollfd> waiting{{wake_read_.get(), POLLIN, 0}};
        std::vector<std::string> names{""};
        std::vector<std::string> silent;
        for (const auto& [name, entry] : entries_)
            if (entry.events) {
                waiting.push_back({entry.events.socket(), POLLIN, 0});
                names.push_back(name);
            } else if (!entry.held && !entry.status.ended()) {
                silent.push_back(name);
            }
        lock.unlock();
        ::poll(waiting.data(), waiting.size(), silent.empty() ? 5000 : 50);
        char drained[64];
        while (::read(wake_read_.get(), drained, sizeof drained) > 0) {
        }
        lock.lock();
        for (std::size_t i = 1; i < names.size() && !stopping_; ++i)
            if (waiting[i].revents != 0)
                hear(lock, names[i], waiting[i].fd);
        for (const auto& name : silent)
            if (!stopping_)
                find_vmd(lock, name);
    }
}

} // namespace bhype::hostd
