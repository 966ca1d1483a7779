#pragma once

// Inside of the relay: includes Asio.

#include "console/relay.h"
#include "http/websocket.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <sys/uio.h>

#include <atomic>
#include <unordered_set>
#include <vector>

namespace bhype::console {

using Clock = std::chrono::steady_clock;

class Link;

/// What links share on the relay's thread. The two buffers serve all of them: nothing stays there between two
/// events.
struct Hub {
    static constexpr std::size_t buffer_size = 256 << 10;
    Limits limits;
    boost::asio::io_context io{1};
    std::vector<std::uint8_t> from_guest = std::vector<std::uint8_t>(buffer_size);
    std::vector<std::uint8_t> from_browser = std::vector<std::uint8_t>(buffer_size);
    std::vector<iovec> pieces;
    std::unordered_set<Link*> links;
    std::atomic<std::size_t> count = 0;
};

/// One console.
class Link : public std::enable_shared_from_this<Link> {
  public:
    Link(Hub& hub, Fd socket, Fd guest, access::Caller caller, VmName vm);
    ~Link();
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    void start(std::string early);
    void tick(Clock::time_point now, bool still);
    /// Says good-bye with a close code (RFC 6455, 7.4.1).
    void close(std::uint16_t code);
    void stop();
    const access::Caller& caller() const { return caller_; }
    const VmName& vm() const { return vm_; }

  private:
    /// Bytes that the other side did not take yet.
    struct Backlog {
        std::string bytes;
        std::size_t done = 0;
        bool waiting = false;
        bool empty() const { return bytes.empty(); }
    };

    void wait_guest();
    void wait_browser();
    void guest_ready();
    void browser_ready();
    void take(std::uint8_t* bytes, std::size_t size);
    std::uint8_t* frame_begins(std::uint8_t* at, const std::uint8_t* end);
    void to_guest();
    void queue_to_browser(const std::uint8_t* bytes, std::size_t size);
    void send_control(http::Opcode opcode, std::string_view payload);
    void flush(boost::asio::posix::stream_descriptor& to, Backlog& backlog, void (Link::*then)());
    void browser_drained();
    void guest_drained();

    Hub& hub_;
    boost::asio::posix::stream_descriptor browser_;
    boost::asio::posix::stream_descriptor guest_;
    access::Caller caller_;
    VmName vm_;
    Backlog for_browser_;
    Backlog for_guest_;
    std::string partial_; ///< of a frame's header, or of a control frame
    http::FrameHeader frame_;
    std::uint64_t frame_done_ = 0;
    bool in_frame_ = false;
    bool in_message_ = false; ///< a fragmented one
    bool closing_ = false;    ///< the close frame was sent
    bool closed_ = false;
    bool guest_waits_ = false;
    Clock::time_point begun_;
    Clock::time_point last_data_;
    Clock::time_point last_heard_;
    Clock::time_point last_ping_;
    Clock::time_point close_by_;
};

} // namespace bhype::console
