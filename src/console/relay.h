#pragma once

#include "access/caller.h"
#include "base/fd.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace bhype::console {

struct Limits {
    std::chrono::milliseconds idle{std::chrono::hours(2)}; ///< without a byte of data in either direction
    std::chrono::milliseconds absolute{std::chrono::hours(12)};
    std::chrono::milliseconds ping_every{30'000};
    std::chrono::milliseconds silent{95'000};    ///< without anything from the browser, pongs included
    std::chrono::milliseconds look_every{2'000}; ///< at limits and at whether callers are still who they were
    std::uint64_t longest_frame = 16 << 20;
    std::size_t most = 512; ///< consoles at once
};

/// Whether a caller is still logged in with the same role and may still use that VM. Asked on the relay's
/// thread: must not block.
using Still = std::function<bool(const access::Caller&, const VmName&)>;

/// Copies bytes between WebSockets (binary frames) and descriptors, on one thread of its own. Idle consoles
/// hold no buffers.
class Relay {
  public:
    /// `every_look` is called on the relay's thread each time.
    Relay(Limits limits, Still still, std::function<void()> every_look);
    ~Relay();
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    /// `socket` has just been upgraded, `early` was read from it before; `guest` is a stream socket. From any
    /// thread.
    void add(Fd socket, std::string early, Fd guest, access::Caller caller, VmName vm);
    /// Closes the consoles of a session (its hash).
    void end_session(const std::string& session);
    std::size_t count() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace bhype::console
