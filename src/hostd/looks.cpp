#include "hostd/looks.h"

#include "base/log.h"
#include "host/look.h"
#include "host/zfs.h"
#include "host/zpool.h"

#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace bhype::hostd {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto pause = 50ms; ///< between tries
constexpr int release_tries = 100;

Fd open_device(const std::string& path) {
    await_device(path);
    Fd device(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!device)
        throw Error(Code::command_failed, path + ": " + std::strerror(errno));
    return device;
}

} // namespace

struct Looks::Clone {
    DatasetName name;
    DatasetName volume;
    SnapshotLabel label;
    int uses = 0;
    Clock::time_point last;
    Pipe wish; ///< its writing end is closed when the look is to end
};

Looks::Disk::~Disk() {
    if (!clone_)
        return;
    device_.reset(); // zfs destroys no volume that is open
    const std::lock_guard lock(looks_->mutex_);
    --clone_->uses;
    clone_->last = Clock::now();
    looks_->changed_.notify_all();
}

int Looks::Disk::wish() const {
    return clone_->wish.reading.get();
}

Looks::Looks(std::string zvol, Tree& tree, Runner quiet, StartProgram start)
    : zvol_(std::move(zvol)), tree_(tree), quiet_(std::move(quiet)), start_(std::move(start)),
      keeper_([this] { keep(); }) {}

Looks::~Looks() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    keeper_.join();
    release("");
}

std::shared_ptr<Looks::Clone> Looks::find(const DatasetName& volume, const SnapshotLabel& label) {
    const std::lock_guard lock(mutex_);
    for (const auto& clone : clones_)
        if (clone->volume == volume && clone->label == label && clone->wish.writing) {
            ++clone->uses;
            return clone;
        }
    return nullptr;
}

/// Out of the list, those that nobody uses and that fulfil it: whoever takes one destroys it.
std::vector<std::shared_ptr<Looks::Clone>> Looks::take(const std::function<bool(const Clone&)>& condition) {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<Clone>> taken;
    std::erase_if(clones_, [&](const auto& clone) {
        const bool out = clone->uses == 0 && condition(*clone);
        if (out)
            taken.push_back(clone);
        return out;
    });
    return taken;
}

Looks::Disk Looks::open(const DatasetName& volume, const SnapshotLabel& label, const Runner& run) {
    auto clone = find(volume, label);
    if (!clone) {
        const std::lock_guard work(work_);
        clone = find(volume, label);
        if (!clone) {
            const auto pool = inside(volume).pool;
            sweep(pool, run);
            make_room(run);
            auto made = std::make_shared<Clone>();
            made->name = DatasetName::from(pool.str() + "/bhype/.new/" + std::string(host::look_prefix) +
                                           random_hex(8));
            made->volume = volume;
            made->label = label;
            made->uses = 1;
            const auto command = host::zfs_clone_to_look(volume, label, made->name);
            host::expect_zfs(command, run(command));
            const std::lock_guard lock(mutex_);
            clones_.push_back(made);
            clone = std::move(made);
        }
    }
    Disk disk(*this, std::move(clone)); // gives its use back whatever comes
    disk.device_ = open_device(zvol_ + "/" + disk.clone_->name.str());
    return disk;
}

void Looks::make_room(const Runner& run) {
    Clock::time_point oldest = Clock::time_point::max();
    {
        const std::lock_guard lock(mutex_);
        if (clones_.size() < most)
            return;
        for (const auto& clone : clones_)
            if (clone->uses == 0)
                oldest = std::min(oldest, clone->last);
    }
    const auto taken = take([&](const Clone& clone) { return clone.last <= oldest; });
    if (taken.empty())
        throw Error(Code::look_limit, std::to_string(most) + " disks of snapshots are being read");
    for (const auto& clone : taken)
        destroy(clone->name, run);
}

void Looks::destroy(const DatasetName& name, const Runner& run) {
    std::string why;
    try {
        const auto command = host::zfs_destroy_look(name);
        host::expect_zfs_or_missing(command, run(command));
    } catch (const Error& error) {
        why = error.what();
    }
    const std::lock_guard lock(mutex_);
    if (why.empty())
        left_.erase(name.str());
    else if (left_.insert(name.str()).second)
        log::warning("{} stays for now: {}", name.str(), why);
}

/// Those that an earlier hostd has left.
void Looks::sweep(const PoolName& pool, const Runner& run) {
    {
        const std::lock_guard lock(mutex_);
        if (swept_.contains(pool.str()))
            return;
    }
    tree_.require(pool, run);
    const auto list = host::zfs_list(DatasetName::from(pool.str() + "/bhype/.new"), false);
    for (const auto& dataset : host::parse_zfs_list(list, run(list)))
        if (dataset.type == host::DatasetType::volume && host::is_look(dataset.name))
            destroy(DatasetName::from(dataset.name), run);
    const std::lock_guard lock(mutex_);
    swept_.insert(pool.str());
}

Looks::Reader Looks::start(Disk disk, const host::Command& command) {
    Pipe ends;
    run::Start start;
    start.program = command.program;
    start.arguments = command.arguments;
    start.input = disk.device();
    start.output = ends.writing.get();
    const std::lock_guard lock(mutex_); // a release sees the disk in use, by us or by the reader
    reap();
    if (readers_.size() >= most_readers)
        throw Error(Code::look_limit, std::to_string(most_readers) + " files are being read");
    const auto pid = start_(start);
    readers_[pid] = disk.clone_;
    ++disk.clone_->uses;
    changed_.notify_all();
    return {pid, std::move(ends.reading)};
}

void Looks::end(pid_t reader) {
    const std::lock_guard lock(mutex_);
    if (readers_.contains(reader))
        ::kill(reader, SIGKILL);
}

/// With mutex_ held.
void Looks::reap() {
    for (auto reader = readers_.begin(); reader != readers_.end();) {
        if (::waitpid(reader->first, nullptr, WNOHANG) == 0) {
            ++reader;
            continue;
        }
        --reader->second->uses;
        reader->second->last = Clock::now();
        reader = readers_.erase(reader);
    }
}

void Looks::release(const std::string& dataset, const std::vector<SnapshotLabel>& labels) {
    const auto meant = [&](const Clone& clone) {
        const auto& volume = clone.volume.str();
        return (dataset.empty() || volume == dataset || volume.starts_with(dataset + "/")) &&
               (labels.empty() || std::ranges::find(labels, clone.label) != labels.end());
    };
    const std::lock_guard work(work_);
    for (int tries = 0; tries < release_tries; ++tries) {
        bool waits = false;
        {
            const std::lock_guard lock(mutex_);
            for (const auto& clone : clones_)
                if (meant(*clone)) {
                    clone->wish.writing.reset();
                    waits = true;
                }
            for (const auto& [pid, clone] : readers_)
                if (meant(*clone))
                    ::kill(pid, SIGKILL);
            reap();
        }
        if (!waits)
            return;
        for (const auto& clone : take(meant))
            destroy(clone->name, quiet_);
        std::this_thread::sleep_for(tries == 0 ? 0ms : pause);
    }
}

void Looks::keep() {
    try {
        const auto list = host::zpool_list();
        for (const auto& pool : host::parse_zpool_list(list, quiet_(list))) {
            const std::lock_guard work(work_);
            try {
                sweep(pool.name, quiet_);
            } catch (const Error&) { // no pool of bHype's, or closed: at the first look then
            }
        }
    } catch (const std::exception& error) {
        log::warning("looks into snapshots: {}", error.what());
    }
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        if (clones_.empty() && left_.empty())
            changed_.wait(lock);
        else
            changed_.wait_for(lock, 1s);
        reap();
        const auto again = left_;
        lock.unlock();
        {
            const std::lock_guard work(work_);
            const auto now = Clock::now();
            for (const auto& clone : take([&](const Clone& one) { return now - one.last > kept; }))
                destroy(clone->name, quiet_);
            for (const auto& name : again)
                destroy(DatasetName::from(name), quiet_);
        }
        lock.lock();
    }
}

} // namespace bhype::hostd
