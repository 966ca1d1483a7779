#pragma once

#include "api/endpoint.h"
#include "api/gate.h"

#include <list>
#include <mutex>

namespace bhype::api {

/// "This resource changed", to everybody who listens and may see it. Safe from any thread.
class Events {
  public:
    /// `resource`: "vms/web1", "tasks/t...", "host", "switches". Without `may_see` all get it.
    void publish(std::string_view resource, const std::function<bool(const access::Caller&)>& may_see = {});
    /// Ends the streams of a session (its hash); they would end at the next ping anyhow.
    void end_session(std::string_view session);
    /// GET /events.
    void declare(Router& router);

  private:
    struct Listener {
        access::Caller caller;
        std::shared_ptr<http::Stream> stream;
    };
    void add(const access::Caller& caller, std::shared_ptr<http::Stream> stream);

    std::mutex mutex_;
    std::list<Listener> listeners_;
};

} // namespace bhype::api
