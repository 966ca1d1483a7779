#pragma once

#include "api/endpoint.h"
#include "console/relay.h"
#include "wire/host.h"

#include <mutex>

namespace bhype::console {

struct Ticket {
    std::string ticket;       ///< 64 hex digits; good for one use within 30 seconds
    std::int64_t viewers = 0; ///< others who look on
};

/// Tickets for consoles, the WebSocket that takes them, and the relay behind it.
class Consoles {
  public:
    /// `still`: see Relay. `host` must outlive this.
    Consoles(wire::Host& host, Still still, Limits limits = {},
             std::chrono::milliseconds ticket_life = std::chrono::seconds(30));

    /// Opens the console at the host and keeps it for whoever brings the ticket: so that somebody else's
    /// control is told now, not when the WebSocket fails. Who may open it is the caller's matter. Throws what
    /// the host throws (console_in_use, vm_not_running) and Error(overloaded) with too many tickets open.
    Ticket ticket(const access::Caller& caller, const VmName& vm, host::ConsoleKind kind,
                  host::ConsoleMode mode);
    /// GET /api/v1/console.
    void declare(api::Router& router);
    void end_session(const std::string& session);
    std::size_t open() const { return relay_.count(); }
    std::size_t waiting();

  private:
    struct Waiting {
        access::Caller caller;
        VmName vm;
        Fd guest;
        std::chrono::steady_clock::time_point until;
    };
    api::Socket redeem(const api::Call& call, const std::vector<std::string>& protocols);
    void forget_old();

    wire::Host& host_;
    Still still_;
    std::chrono::milliseconds ticket_life_;
    std::mutex mutex_;
    std::map<std::string, Waiting, std::less<>> waiting_;
    Relay relay_; ///< last: its thread calls forget_old()
};

} // namespace bhype::console
