#pragma once

// bhyped's side of the socket to bhype-hostd.

#include "base/fd.h"
#include "base/json.h"
#include "host/operations.h"

#include <functional>
#include <memory>

namespace bhype::wire {

/// A command as hostd ran it, for the task's log. Secrets are not in it.
struct Ran {
    std::string command; ///< as a person would type it
    int exit_status = 0; ///< 128 + n for signal n
    std::string output;  ///< standard output and error, capped
    std::int64_t milliseconds = 0;
};
BOOST_DESCRIBE_STRUCT(Ran, (), (command, exit_status, output, milliseconds))

struct Answer {
    json::value result;
    std::vector<Ran> commands;
    Fd descriptor;
};

struct CallOptions {
    /// "TASKID.N" for operations of tasks: hostd tells which are in flight, and refuses a second one of the
    /// same id.
    std::string id;
    int descriptor = -1; ///< sent along, stays the caller's
    std::function<void(double fraction)> progress;
    std::function<void(const Ran&)> ran; ///< called for each command, also when the operation fails
};

/// Performs operations. Blocking; safe to call from several threads. The real one speaks to hostd; tests have
/// their own.
class Host {
  public:
    virtual ~Host() = default;
    /// Throws what hostd threw, Error(hostd_away) when nothing was sent, Error(result_unknown) when the
    /// connection broke after it was sent.
    virtual Answer perform(std::string_view operation, const json::value& arguments,
                           std::chrono::seconds deadline, const CallOptions& options) = 0;
    /// Ids of operations still in flight in hostd, also those of which commands run on that a hostd which was
    /// killed has started.
    virtual std::vector<std::string> in_flight() = 0;
    /// Asks hostd to end an operation early, which then fails with Error(cancelled). Does not wait, and does
    /// nothing when the operation is not in flight or replaces or destroys something. May be called from
    /// CallOptions::progress.
    virtual void cancel(const std::string& id) { static_cast<void>(id); }

    template <class Operation>
    typename Operation::Result call(const Operation& operation, const CallOptions& options = {}) {
        return decode<typename Operation::Result>(
            perform(Operation::operation, encode(operation), Operation::deadline, options).result);
    }
};

/// Connects lazily and again after a break. `on_guest` gets hostd's events on the reader's thread, also one
/// for each guest after every (re)connect; `on_connected` tells when the connection comes and goes.
std::unique_ptr<Host> connect_host(const std::string& socket_path,
                                   std::function<void(const host::Guest&)> on_guest,
                                   std::function<void(bool)> on_connected);

} // namespace bhype::wire
