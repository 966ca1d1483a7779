#include "api/events.h"

namespace bhype::api {

namespace {
constexpr std::size_t most_streams_of_one = 16;
}

void Events::publish(std::string_view resource, const std::function<bool(const access::Caller&)>& may_see) {
    const auto text = std::make_shared<const std::string>(
        "event: change\ndata: " + json::serialize(json::object{{"resource", resource}}) + "\n\n");
    const std::lock_guard lock(mutex_);
    for (auto at = listeners_.begin(); at != listeners_.end();) {
        if (at->stream->closed()) {
            at = listeners_.erase(at);
            continue;
        }
        if (!may_see || may_see(at->caller))
            at->stream->send(text);
        ++at;
    }
}

void Events::end_session(std::string_view session) {
    const std::lock_guard lock(mutex_);
    for (auto& listener : listeners_)
        if (!session.empty() && listener.caller.session == session)
            listener.stream->close();
}

void Events::add(const access::Caller& caller, std::shared_ptr<http::Stream> stream) {
    const std::lock_guard lock(mutex_);
    std::size_t same = 0;
    std::erase_if(listeners_, [](const Listener& listener) { return listener.stream->closed(); });
    for (const auto& listener : listeners_)
        same += listener.caller.user == caller.user && listener.caller.session == caller.session ? 1 : 0;
    if (same >= most_streams_of_one) {
        stream->close();
        return;
    }
    // The first bytes make browsers tell the page that it is connected.
    static const auto hello = std::make_shared<const std::string>(": here\n\n");
    stream->send(hello);
    listeners_.push_back({caller, std::move(stream)});
}

void Events::declare(Router& router) {
    router.add_events({.method = Method::get,
                       .path = "/api/v1/events",
                       .privilege = access::Privilege::session,
                       .summary = "Changes as they happen: server-sent events `change` with {\"resource\"}",
                       .tag = "events"},
                      [this](const Call& call, std::shared_ptr<http::Stream> stream) {
                          add(call.caller, std::move(stream));
                      });
}

} // namespace bhype::api
