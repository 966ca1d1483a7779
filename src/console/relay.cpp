#include "console/relay.h"

#include "base/log.h"
#include "console/link.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/socket.h>

#include <thread>

namespace bhype::console {

namespace asio = boost::asio;

struct Relay::Impl {
    void look() {
        timer.expires_after(hub.limits.look_every);
        timer.async_wait([this](boost::system::error_code error) {
            if (error)
                return;
            const auto now = Clock::now();
            for (const auto& link : all())
                link->tick(now, still(link->caller(), link->vm()));
            if (every_look)
                every_look();
            look();
        });
    }
    std::vector<std::shared_ptr<Link>> all() {
        std::vector<std::shared_ptr<Link>> found;
        for (auto* link : hub.links)
            if (auto held = link->weak_from_this().lock())
                found.push_back(std::move(held));
        return found;
    }

    Hub hub;
    asio::steady_timer timer{hub.io};
    Still still;
    std::function<void()> every_look;
    std::thread thread;
};

Relay::Relay(Limits limits, Still still, std::function<void()> every_look) : impl_(std::make_unique<Impl>()) {
    impl_->hub.limits = limits;
    impl_->still = std::move(still);
    impl_->every_look = std::move(every_look);
    impl_->look();
    impl_->thread = std::thread([impl = impl_.get()] {
        const auto work = asio::make_work_guard(impl->hub.io);
        for (;;) {
            try {
                impl->hub.io.run();
                return;
            } catch (const std::exception& error) {
                log::error("console: {}", error.what());
            }
        }
    });
}

Relay::~Relay() {
    auto& io = impl_->hub.io;
    asio::post(io, [this, &io] {
        impl_->timer.cancel();
        for (const auto& link : impl_->all()) {
            link->close(http::close_code::going_away);
            link->stop();
        }
        io.stop();
    });
    impl_->thread.join();
    io.restart();
    io.poll();
}

void Relay::add(Fd socket, std::string early, Fd guest, access::Caller caller, VmName vm) {
    struct Parts {
        Fd socket;
        std::string early;
        Fd guest;
        access::Caller caller;
        VmName vm;
    };
    const auto parts = std::make_shared<Parts>(
        Parts{std::move(socket), std::move(early), std::move(guest), std::move(caller), std::move(vm)});
    asio::post(impl_->hub.io, [impl = impl_.get(), parts] {
        if (impl->hub.links.size() >= impl->hub.limits.most)
            return;
        std::make_shared<Link>(impl->hub, std::move(parts->socket), std::move(parts->guest),
                               std::move(parts->caller), std::move(parts->vm))
            ->start(std::move(parts->early));
    });
}

void Relay::end_session(const std::string& session) {
    asio::post(impl_->hub.io, [impl = impl_.get(), session] {
        for (const auto& link : impl->all())
            if (!session.empty() && link->caller().session == session)
                link->close(http::close_code::policy);
    });
}

std::size_t Relay::count() const {
    return impl_->hub.count;
}

} // namespace bhype::console
