#include "console/consoles.h"

#include <algorithm>

namespace bhype::console {

namespace {

constexpr std::string_view prefix = "bhype.console.";
constexpr std::size_t ticket_bytes = 32;
constexpr std::size_t most_tickets = 256;
constexpr std::size_t most_tickets_of_one = 16;

} // namespace

Consoles::Consoles(wire::Host& host, Still still, Limits limits, std::chrono::milliseconds ticket_life)
    : host_(host), still_(std::move(still)), ticket_life_(ticket_life),
      relay_(limits, still_, [this] { forget_old(); }) {}

void Consoles::forget_old() {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    std::erase_if(waiting_, [&](const auto& item) { return item.second.until <= now; });
}

std::size_t Consoles::waiting() {
    forget_old();
    const std::lock_guard lock(mutex_);
    return waiting_.size();
}

Ticket Consoles::ticket(const access::Caller& caller, const VmName& vm, host::ConsoleKind kind,
                        host::ConsoleMode mode) {
    forget_old();
    {
        const std::lock_guard lock(mutex_);
        const auto same = std::count_if(waiting_.begin(), waiting_.end(), [&](const auto& item) {
            return item.second.caller.user == caller.user;
        });
        if (waiting_.size() >= most_tickets || static_cast<std::size_t>(same) >= most_tickets_of_one)
            throw Error(Code::overloaded, "too many console tickets are waiting to be used");
    }
    const host::ConsoleOpen operation{.vm = vm, .kind = kind, .mode = mode};
    auto answer =
        host_.perform(host::ConsoleOpen::operation, encode(operation), host::ConsoleOpen::deadline, {});
    if (!answer.descriptor)
        throw Error(Code::internal, "console.open came without a descriptor");
    Ticket made{random_hex(ticket_bytes), decode<host::ConsoleOpenResult>(answer.result).viewers};
    const std::lock_guard lock(mutex_);
    waiting_.emplace(made.ticket, Waiting{caller, vm, std::move(answer.descriptor),
                                          std::chrono::steady_clock::now() + ticket_life_});
    return made;
}

api::Socket Consoles::redeem(const api::Call& call, const std::vector<std::string>& protocols) {
    std::string_view brought;
    bool binary = false;
    for (const auto& protocol : protocols) {
        binary = binary || protocol == "binary";
        if (protocol.starts_with(prefix))
            brought = std::string_view(protocol).substr(prefix.size());
    }
    std::optional<Waiting> found;
    {
        const std::lock_guard lock(mutex_);
        if (const auto place = waiting_.find(brought); place != waiting_.end()) {
            // Used up by any attempt: whoever else brings it has stolen it.
            found = std::move(place->second);
            waiting_.erase(place);
        }
    }
    if (!found || !binary || found->until <= std::chrono::steady_clock::now() ||
        found->caller.user != call.caller.user || !still_(call.caller, found->vm))
        throw Error(Code::console_ticket);
    const auto guest = std::make_shared<Fd>(std::move(found->guest));
    return {.protocol = "binary",
            .take = [this, guest, caller = call.caller, vm = found->vm](Fd socket, std::string early) {
                relay_.add(std::move(socket), std::move(early), std::move(*guest), caller, vm);
            }};
}

void Consoles::declare(api::Router& router) {
    router.add_socket({.method = api::Method::get,
                       .path = "/api/v1/console",
                       .privilege = access::Privilege::use,
                       .summary =
                           "WebSocket to the console that a ticket is for: offer the protocols binary and "
                           "bhype.console.TICKET; binary frames are RFB 3.8 or the serial line's bytes",
                       .tag = "vms",
                       .errors = {Code::console_ticket}},
                      [this](const api::Call& call, const std::vector<std::string>& protocols) {
                          return redeem(call, protocols);
                      });
}

void Consoles::end_session(const std::string& session) {
    relay_.end_session(session);
    const std::lock_guard lock(mutex_);
    std::erase_if(waiting_, [&](const auto& item) {
        return !session.empty() && item.second.caller.session == session;
    });
}

} // namespace bhype::console
