#include "hostd/hostd.h"

#include "base/log.h"

#include <filesystem>

namespace bhype::hostd {

namespace {
constexpr std::size_t most_waiting = 256;
}

Hostd::Hostd(const Config& config, const Paths& paths, Passwords& passwords, RunCommand run,
             StartProgram start, std::function<bool(int)> admit, gid_t group)
    : config_(config), paths_(paths), tree_(paths.root, group),
      guests_(std::make_unique<Guests>(paths.run + "/vmd", tree_, start,
                                       [this](const host::Guest& guest) {
                                           if (server_)
                                               server_->guest_changed(guest);
                                       })),
      run_(std::move(run)),
      guard_(paths.state, paths.run, [this](const host::Command& command) { return run_(command, {}); }),
      looks_(
          paths.zvol, tree_, [this](const host::Command& command) { return run_(command, {}); },
          std::move(start)),
      house_{config_, paths_, tree_, *guests_, passwords, firewall_, dhcp_, guard_, secrets_, looks_, run_},
      flights_(paths.run + "/flights") {
    auto listening = wire::listen_at(paths.socket, 0660, static_cast<std::int64_t>(group));
    for (std::int64_t i = 0; i < config.workers; ++i)
        workers_.emplace_back([this] { work(); });
    guests_->recover();
    server_ = std::make_unique<wire::Server>(
        std::move(listening),
        wire::Server::Handlers{std::move(admit),
                               [this](wire::Request request, std::shared_ptr<wire::Reply> reply) {
                                   take(std::move(request), std::move(reply));
                               },
                               [this] { return flights_.ids(); },
                               [this](const std::string& id) { flights_.cancel(id); },
                               [this] { return guests_->list(); }});
    guests_->begin();
}

Hostd::~Hostd() {
    server_->stop();
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wanted_.notify_all();
    for (auto& worker : workers_)
        worker.join();
    guests_.reset();
    server_.reset();
}

void Hostd::take(wire::Request request, std::shared_ptr<wire::Reply> reply) {
    const std::lock_guard lock(mutex_);
    if (jobs_.size() >= most_waiting) {
        reply->error(Error(Code::overloaded));
        return;
    }
    Flight flight;
    try {
        if (!request.id.empty())
            flight = flights_.begin(request.id);
    } catch (const Error& error) {
        reply->error(error);
        return;
    }
    const bool slow = is_slow(request.operation);
    jobs_.push_back({std::move(request), std::move(reply), std::move(flight), slow});
    wanted_.notify_one();
}

/// The first in line, but while slow ones have their share of the workers the first that is not slow:
/// consoles, log-ins and kills do not wait behind images that are written.
std::deque<Hostd::Job>::iterator Hostd::next() {
    const auto most_slow = std::max<std::int64_t>(1, config_.workers / 2);
    return std::ranges::find_if(jobs_, [&](const Job& job) { return slow_ < most_slow || !job.slow; });
}

void Hostd::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        wanted_.wait(lock, [this] { return stopping_ || next() != jobs_.end(); });
        const auto chosen = next();
        if (chosen == jobs_.end()) {
            if (jobs_.empty())
                return;
            wanted_.wait(lock); // for a slow one to end
            continue;
        }
        Job job = std::move(*chosen);
        jobs_.erase(chosen);
        slow_ += job.slow ? 1 : 0;
        lock.unlock();
        perform(job);
        lock.lock();
        if (job.slow) {
            --slow_;
            wanted_.notify_all();
        }
    }
}

void Hostd::perform(Job& job) {
    const auto done = [&] { flights_.end(job.request.id); };
    Context context{house_,
                    [&](const wire::Ran& ran) { job.reply->ran(ran); },
                    [&](double fraction) { job.reply->progress(fraction); },
                    std::move(job.request.descriptor),
                    {},
                    std::move(job.flight)};
    try {
        const auto result = dispatch(context, job.request.operation, job.request.arguments);
        done();
        job.reply->result(result, context.output ? context.output.get() : -1);
    } catch (const Error& error) {
        done();
        job.reply->error(error);
    } catch (const std::exception& error) {
        done();
        log::error("{}: {}", job.request.operation, error.what());
        job.reply->error(Error(Code::internal, error.what()));
    }
}

} // namespace bhype::hostd
