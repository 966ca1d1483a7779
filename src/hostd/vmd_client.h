#pragma once

#include "base/fd.h"
#include "vmd/protocol.h"

#include <chrono>
#include <string>

namespace bhype::hostd {

/// A connection to one vmd, for one thread. Throws Error(vmd_away) when it does not answer.
class VmdClient {
  public:
    VmdClient() = default;
    /// Connects and exchanges versions.
    explicit VmdClient(const std::string& socket_path);
    /// Sends a request and waits for its answer; throws what the vmd refused with. Events before it are kept.
    vmd::Fields ask(vmd::Kind kind, vmd::Fields fields, std::chrono::milliseconds patience,
                    Fd* descriptor = nullptr);
    /// The next event that is there already; reads without waiting. `gone` when the vmd has ended.
    std::optional<vmd::Message> event(bool& gone);
    /// Whether an event came together with an answer: poll(2) of the socket tells nothing of it.
    bool has_event();
    int socket() const { return socket_.get(); }
    explicit operator bool() const { return bool(socket_); }

  private:
    bool receive(bool wait);
    std::optional<vmd::Message> next(Fd& descriptor);
    Fd socket_;
    vmd::Parser in_;
    std::deque<vmd::Message> events_;
    std::deque<Fd> descriptors_;
    std::uint32_t tag_ = 0;
};

} // namespace bhype::hostd
