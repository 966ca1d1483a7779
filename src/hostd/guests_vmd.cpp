// Guests and their vmds: to start one, to hear of it, to find it again or to put another in its place.

#include "base/log.h"
#include "host/bhyve.h"
#include "hostd/guests.h"
#include "os/files.h"
#include "os/process.h"
#include "os/tty.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/wait.h>

#include <cstdlib>
#include <set>

namespace bhype::hostd {

namespace {

using namespace std::chrono_literals;
constexpr std::string_view line_lost =
    "\r\n[bhype: bhype-hostd and bhype-vmd ended at the same moment, and this line with them. "
    "The guest goes on; its line comes back when it boots again.]\r\n";
/// A guest that has no bhyve any more is given up after so many; one that has is not.
constexpr int most_attempts = 5;

os::ProcessId bhyve_of(const vmd::Status& status) {
    return {static_cast<pid_t>(status.bhyve_pid), status.bhyve_started};
}

} // namespace

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
    // The others must not wait for one that hangs.
    const bool connected = connect(name, fresh, 200ms);
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
        std::vector<pollfd> waiting{{wake_.reading.get(), POLLIN, 0}};
        std::vector<std::string> names{""};
        std::vector<std::string> silent;
        std::set<std::string> told;
        for (auto& [name, entry] : entries_)
            if (entry.events) {
                waiting.push_back({entry.events.socket(), POLLIN, 0});
                names.push_back(name);
                if (entry.events.has_event())
                    told.insert(name);
            } else if (!entry.held && !entry.status.ended()) {
                silent.push_back(name);
            }
        lock.unlock();
        ::poll(waiting.data(), waiting.size(), !told.empty() ? 0 : silent.empty() ? 5000 : 50);
        char drained[64];
        while (::read(wake_.reading.get(), drained, sizeof drained) > 0) {
        }
        lock.lock();
        for (std::size_t i = 1; i < names.size() && !stopping_; ++i)
            if (waiting[i].revents != 0 || told.contains(names[i]))
                hear(lock, names[i], waiting[i].fd);
        for (const auto& name : silent)
            if (!stopping_)
                find_vmd(lock, name);
    }
}

} // namespace bhype::hostd
