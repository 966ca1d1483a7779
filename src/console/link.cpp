#include "console/link.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace bhype::console {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;
using http::Opcode;
using http::ProtocolError;
namespace close_code = http::close_code;

namespace {

/// A frame's header is written into the room before its payload, so that both go out in one piece.
constexpr std::size_t header_room = 16;

bool would_block() {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

} // namespace

Link::Link(Hub& hub, Fd socket, Fd guest, access::Caller caller, VmName vm)
    : hub_(hub), browser_(hub.io), guest_(hub.io), caller_(std::move(caller)), vm_(std::move(vm)),
      begun_(Clock::now()), last_data_(begun_), last_heard_(begun_), last_ping_(begun_) {
    browser_.assign(socket.release());
    guest_.assign(guest.release());
    hub_.links.insert(this);
    ++hub_.count;
}

Link::~Link() {
    hub_.links.erase(this);
    --hub_.count;
}

void Link::start(std::string early) {
    if (!early.empty())
        take(reinterpret_cast<std::uint8_t*>(early.data()), early.size());
    if (closed_)
        return;
    wait_guest();
    if (for_guest_.empty())
        wait_browser();
}

void Link::stop() {
    closed_ = true;
    boost::system::error_code ignored;
    browser_.close(ignored);
    guest_.close(ignored);
}

void Link::tick(Clock::time_point now, bool still) {
    if (closed_)
        return;
    const auto& limits = hub_.limits;
    if (closing_) {
        if (now >= close_by_)
            stop();
    } else if (!still) {
        close(close_code::policy);
    } else if (now - last_data_ >= limits.idle || now - begun_ >= limits.absolute) {
        close(close_code::normal);
    } else if (now - last_heard_ >= limits.silent) {
        stop();
    } else if (now - last_ping_ >= limits.ping_every) {
        last_ping_ = now;
        send_control(Opcode::ping, {});
    }
}

void Link::close(std::uint16_t code) {
    if (closing_ || closed_)
        return;
    const std::array<char, 2> payload = {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
    send_control(Opcode::close, {payload.data(), payload.size()});
    closing_ = true;
    close_by_ = Clock::now() + std::chrono::seconds(2);
    boost::system::error_code ignored;
    guest_.close(ignored);
}

// ---- from the guest to the browser

void Link::wait_guest() {
    if (closed_ || closing_ || guest_waits_ || !for_browser_.empty())
        return;
    guest_waits_ = true;
    guest_.async_wait(stream_descriptor::wait_read,
                      [self = shared_from_this()](boost::system::error_code error) {
                          self->guest_waits_ = false;
                          if (!error && !self->closed_ && !self->closing_)
                              self->guest_ready();
                      });
}

void Link::guest_ready() {
    if (!for_browser_.empty())
        return; // browser_drained() comes back here
    auto* payload = hub_.from_guest.data() + header_room;
    const auto count = ::recv(guest_.native_handle(), payload, Hub::buffer_size - header_room, MSG_DONTWAIT);
    if (count < 0 && would_block())
        return wait_guest();
    if (count <= 0)
        return close(close_code::normal);
    last_data_ = Clock::now();
    std::array<std::uint8_t, http::longest_frame_header> header{};
    const auto length = http::write_frame_header(
        {.opcode = Opcode::binary, .length = static_cast<std::uint64_t>(count), .mask = std::nullopt},
        header);
    auto* frame = payload - length;
    std::memcpy(frame, header.data(), length);
    queue_to_browser(frame, length + static_cast<std::size_t>(count));
    wait_guest();
}

void Link::queue_to_browser(const std::uint8_t* bytes, std::size_t size) {
    if (for_browser_.empty()) {
        const auto sent = ::send(browser_.native_handle(), bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && !would_block())
            return stop();
        const auto done = static_cast<std::size_t>(std::max<ssize_t>(0, sent));
        bytes += done;
        size -= done;
        if (size == 0)
            return;
    }
    for_browser_.bytes.append(reinterpret_cast<const char*>(bytes), size);
    flush(browser_, for_browser_, &Link::browser_drained);
}

void Link::send_control(Opcode opcode, std::string_view payload) {
    // Answers to pings that nobody reads must not pile up.
    if (closing_ || closed_ || for_browser_.bytes.size() > 2 * Hub::buffer_size)
        return;
    std::array<std::uint8_t, http::longest_frame_header + 125> frame{};
    const auto length =
        http::write_frame_header({.opcode = opcode, .length = payload.size(), .mask = std::nullopt},
                                 std::span(frame).first<http::longest_frame_header>());
    std::copy(payload.begin(), payload.end(), frame.begin() + static_cast<std::ptrdiff_t>(length));
    queue_to_browser(frame.data(), length + payload.size());
}

void Link::browser_drained() {
    if (!closing_)
        wait_guest();
}

void Link::flush(stream_descriptor& to, Backlog& backlog, void (Link::*then)()) {
    if (backlog.waiting)
        return;
    backlog.waiting = true;
    to.async_wait(stream_descriptor::wait_write,
                  [self = shared_from_this(), &to, &backlog, then](boost::system::error_code error) {
                      backlog.waiting = false;
                      if (error || self->closed_)
                          return;
                      const auto left = backlog.bytes.size() - backlog.done;
                      const auto sent = ::send(to.native_handle(), backlog.bytes.data() + backlog.done, left,
                                               MSG_DONTWAIT | MSG_NOSIGNAL);
                      if (sent < 0 && !would_block()) {
                          if (&to == &self->guest_)
                              self->close(close_code::normal);
                          else
                              self->stop();
                          return;
                      }
                      backlog.done += static_cast<std::size_t>(std::max<ssize_t>(0, sent));
                      if (backlog.done < backlog.bytes.size())
                          return self->flush(to, backlog, then);
                      backlog = {};
                      (self.get()->*then)();
                  });
}

// ---- from the browser to the guest

void Link::wait_browser() {
    if (closed_)
        return;
    browser_.async_wait(stream_descriptor::wait_read,
                        [self = shared_from_this()](boost::system::error_code error) {
                            if (!error && !self->closed_)
                                self->browser_ready();
                        });
}

void Link::browser_ready() {
    auto& buffer = hub_.from_browser;
    const auto kept = partial_.size();
    std::memcpy(buffer.data(), partial_.data(), kept);
    const auto count =
        ::recv(browser_.native_handle(), buffer.data() + kept, buffer.size() - kept, MSG_DONTWAIT);
    if (count < 0 && would_block())
        return wait_browser();
    if (count <= 0)
        return stop();
    partial_.clear();
    last_heard_ = Clock::now();
    take(buffer.data(), kept + static_cast<std::size_t>(count));
    // Whoever does not read has nobody read from him: that is the back-pressure.
    if (for_guest_.empty())
        wait_browser();
}

void Link::guest_drained() {
    wait_browser();
}

/// Goes through what was read: payload is unmasked where it lies and sent in one call.
void Link::take(std::uint8_t* bytes, std::size_t size) {
    const auto* end = bytes + size;
    hub_.pieces.clear();
    try {
        for (auto* at = bytes; at < end && !closed_;) {
            if (!in_frame_) {
                auto* payload = frame_begins(at, end);
                if (payload == nullptr) {
                    partial_.assign(reinterpret_cast<const char*>(at), static_cast<std::size_t>(end - at));
                    break;
                }
                at = payload;
                if (static_cast<int>(frame_.opcode) >= 8) {
                    std::string words(reinterpret_cast<const char*>(at), frame_.length);
                    at += frame_.length;
                    http::apply_mask({reinterpret_cast<std::uint8_t*>(words.data()), words.size()},
                                     *frame_.mask, 0);
                    if (frame_.opcode == Opcode::ping) {
                        send_control(Opcode::pong, words);
                    } else if (frame_.opcode == Opcode::close) {
                        to_guest();
                        close(close_code::normal);
                        if (for_browser_.empty())
                            stop();
                        return;
                    }
                    continue;
                }
                in_frame_ = true;
                frame_done_ = 0;
            }
            const auto here =
                std::min<std::uint64_t>(static_cast<std::uint64_t>(end - at), frame_.length - frame_done_);
            const std::span piece(at, static_cast<std::size_t>(here));
            http::apply_mask(piece, *frame_.mask, frame_done_);
            if (!piece.empty())
                hub_.pieces.push_back({piece.data(), piece.size()});
            at += here;
            frame_done_ += here;
            if (frame_done_ == frame_.length) {
                in_frame_ = false;
                in_message_ = !frame_.final;
            }
        }
    } catch (const ProtocolError& error) {
        // Failing the connection (RFC 6455, 7.1.7): whoever breaks the protocol is not waited for.
        close(error.code);
        if (for_browser_.empty())
            stop();
        return;
    }
    to_guest();
}

/// The payload's first byte when the header is whole (and, of a control frame, the payload), else nullptr.
std::uint8_t* Link::frame_begins(std::uint8_t* at, const std::uint8_t* end) {
    const auto size = static_cast<std::size_t>(end - at);
    const auto length = http::read_frame_header({at, size}, frame_);
    if (length == 0)
        return nullptr;
    if (!frame_.mask)
        throw ProtocolError(close_code::protocol_error, "a client's frame without a mask");
    if (static_cast<int>(frame_.opcode) >= 8)
        return size - length < frame_.length ? nullptr : at + length;
    if (frame_.length > hub_.limits.longest_frame)
        throw ProtocolError(close_code::too_large, "a frame that is too long");
    if (in_message_ != (frame_.opcode == Opcode::continuation))
        throw ProtocolError(close_code::protocol_error, "a fragment out of place");
    if (frame_.opcode == Opcode::text)
        throw ProtocolError(close_code::unsupported, "text");
    return at + length;
}

void Link::to_guest() {
    auto& pieces = hub_.pieces;
    if (pieces.empty() || closing_ || closed_) {
        pieces.clear();
        return;
    }
    last_data_ = Clock::now();
    constexpr std::size_t most_pieces = 512; // of IOV_MAX 1024
    std::size_t first = 0;
    while (first < pieces.size() && for_guest_.empty()) {
        msghdr message{};
        message.msg_iov = pieces.data() + first;
        const auto number = std::min(pieces.size() - first, most_pieces);
        message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(number);
        auto sent = ::sendmsg(guest_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && !would_block()) {
            pieces.clear();
            return close(close_code::normal);
        }
        auto left = static_cast<std::size_t>(std::max<ssize_t>(0, sent));
        const auto last = first + number;
        for (; first < last && left >= pieces[first].iov_len; ++first)
            left -= pieces[first].iov_len;
        if (first == last)
            continue;
        pieces[first].iov_base = static_cast<char*>(pieces[first].iov_base) + left;
        pieces[first].iov_len -= left;
        for (; first < pieces.size(); ++first)
            for_guest_.bytes.append(static_cast<const char*>(pieces[first].iov_base), pieces[first].iov_len);
    }
    pieces.clear();
    if (!for_guest_.empty())
        flush(guest_, for_guest_, &Link::guest_drained);
}

} // namespace bhype::console
