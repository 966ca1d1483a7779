#pragma once

// Inside of the server: includes Asio and Beast.

#include "http/server.h"
#include "http/workers.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <deque>
#include <unordered_set>

namespace bhype::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Clock = std::chrono::steady_clock;

class Connection;

/// What connections share; touched on the io thread only, except `io`.
struct Shared {
    Shared(Handler& h, Options o)
        : handler(h), options(o), io(std::make_shared<asio::io_context>(1)), workers(o.workers, o.waiting) {}
    Handler& handler;
    Options options;
    std::shared_ptr<asio::io_context> io;
    Workers workers;
    std::unordered_set<Connection*> connections;
    /// The Date field's value, made once a second.
    const std::string& date();

  private:
    std::int64_t date_second_ = -1;
    std::string date_;
};

/// The parsed request; shared with the worker that handles it.
struct Exchange : Request {
    beast::http::request_parser<beast::http::string_body> parser;
    std::string_view header(std::string_view name) const override;
};

/// One connection: reads a request, has it answered, and so on; or becomes a stream; or is given away.
class Connection : public std::enable_shared_from_this<Connection> {
  public:
    Connection(Shared& shared, asio::local::stream_protocol::socket socket, Client client);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void start() { next_request(); }
    void close();
    /// Called once a second.
    void tick(Clock::time_point now);
    const Client& client() const { return client_; }

    /// An event for this stream (io thread).
    void push(std::shared_ptr<const std::string> text);

  private:
    struct Transfer;
    enum class Phase { idle, header, body, handling, writing, streaming, draining, closed };

    void next_request();
    void read();
    void parse();
    void header_complete();
    void body_complete();
    void refuse(Code code, std::string detail);
    void answer(Response response);
    void send(Response response);
    void write_head(const Response& response, std::uint64_t length);
    void sent(bool failed);
    void begin_source();
    void forward();
    void end_transfer();
    void begin_stream();
    void begin_upgrade();
    void drain();
    void write_events();
    void watch_stream();

    Shared& shared_;
    asio::local::stream_protocol::socket socket_;
    Client client_;
    beast::flat_buffer buffer_;
    std::shared_ptr<Exchange> exchange_;
    Phase phase_ = Phase::idle;
    Clock::time_point deadline_;
    bool head_request_ = false;
    bool keep_alive_ = true;
    bool web_socket_ = false;
    std::string head_;
    Response response_;
    std::unique_ptr<asio::steady_timer> hold_;
    std::unique_ptr<Transfer> transfer_; ///< of a Source that is being sent
    std::deque<std::shared_ptr<const std::string>> events_;
    std::shared_ptr<const std::string> event_; ///< being written
    Clock::time_point ping_;
    std::size_t drained_ = 0;
    std::shared_ptr<Connection> waiting_; ///< itself, while a handler is at work
};

} // namespace bhype::http
