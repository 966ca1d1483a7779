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
constexpr int connect_tries = 300;
constexpr int end_tries = 200;
constexpr auto pause = 10ms; ///< between tries

/// Of a vmd that has written down that its guest ended: it has nothing left to do.
void await_end(pid_t child) {
    for (int tries = 0; tries < end_tries; ++tries) {
        if (::waitpid(child, nullptr, WNOHANG) != 0)
            return;
        std::this_thread::sleep_for(pause);
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
    [[maybe_unused]] const auto written = ::write(wake_.writing.get(), "", 1);
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
            std::this_thread::sleep_for(pause);
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

} // namespace bhype::hostd
