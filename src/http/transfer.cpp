// A Connection's answer that comes from a descriptor.

#include "http/transfer.h"
#include "http/connection.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>

namespace bhype::http {

void Connection::end_transfer() {
    if (!transfer_)
        return;
    boost::system::error_code ignored;
    transfer_->from.close(ignored); // whoever writes at the other end is told
    response_.source.reset();
}

void Connection::begin_source() {
    auto& source = *response_.source;
    write_head(response_, source.size);
    phase_ = Phase::writing;
    deadline_ = Clock::now() + shared_.options.write_deadline;
    transfer_ = std::make_unique<Transfer>(*shared_.io, source.from.release());
    transfer_->left = head_request_ ? 0 : source.size;
    asio::async_write(socket_, asio::buffer(head_),
                      [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                          if (error || self->phase_ == Phase::closed)
                              self->close();
                          else
                              self->forward();
                      });
}

/// As much as is there, and then the next: the client's pace is the writer's.
void Connection::forward() {
    if (transfer_->left == 0) {
        transfer_.reset();
        sent(false);
        return;
    }
    auto& buffer = transfer_->buffer;
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), transfer_->left));
    deadline_ = Clock::now() + shared_.options.write_deadline;
    transfer_->from.async_read_some(
        asio::buffer(buffer.data(), most),
        [self = shared_from_this()](boost::system::error_code error, std::size_t count) {
            if (error || self->phase_ == Phase::closed)
                return self->close(); // too short: the client sees it by Content-Length
            self->transfer_->left -= count;
            self->deadline_ = Clock::now() + self->shared_.options.write_deadline;
            asio::async_write(self->socket_, asio::buffer(self->transfer_->buffer.data(), count),
                              [self](boost::system::error_code failed, std::size_t) {
                                  if (failed || self->phase_ == Phase::closed)
                                      self->close();
                                  else
                                      self->forward();
                              });
        });
}

} // namespace bhype::http
