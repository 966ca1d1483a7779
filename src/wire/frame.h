#pragma once

// Frames on a stream socket: four bytes of length, most significant first, then that many bytes of JSON. A
// descriptor travels as SCM_RIGHTS with the frame's first byte; such a frame says {"fd": true}.

#include "base/fd.h"
#include "base/json.h"

#include <deque>
#include <mutex>
#include <string>

namespace bhype::wire {

inline constexpr std::int64_t protocol_version = 1;
/// Largest frame towards hostd.
inline constexpr std::size_t longest_request = 1 << 20;
/// Largest frame from hostd: a list of 100,000 snapshots takes 21 MiB.
inline constexpr std::size_t longest_answer = 64 << 20;

struct Frame {
    json::object body;
    Fd descriptor;
};

/// One end of a connection. receive() is for one thread, send() for any.
class Channel {
  public:
    Channel(Fd socket, std::size_t longest_received, std::size_t longest_sent);

    /// The next frame, or nothing at the end of the stream. Throws Error(invalid_request) when what came is
    /// no frame: the connection is of no use after that.
    std::optional<Frame> receive();
    /// False when the connection is gone. Throws Error(too_large).
    bool send(const json::object& body, int descriptor = -1);
    /// Ends the connection for both directions; receive() returns.
    void shut_down();
    int socket() const { return socket_.get(); }

  private:
    bool fill(char* to, std::size_t size, bool may_end);

    Fd socket_;
    std::size_t longest_received_;
    std::size_t longest_sent_;
    std::deque<Fd> descriptors_;
    std::mutex sending_;
    bool broken_ = false;
};

/// A stream socket connected to PATH; nothing when nobody listens there.
Fd connect_to(const std::string& path);
/// A socket that listens at PATH with that mode; a socket that is left there from an earlier life is
/// replaced, anything else is not. Throws Error(internal).
Fd listen_at(const std::string& path, unsigned mode, std::int64_t group);

} // namespace bhype::wire
