#include "http/connection.h"

#include "base/log.h"
#include "http/transfer.h"
#include "http/websocket.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <ctime>
#include <limits>

namespace bhype::http {

namespace bh = beast::http;

namespace {

constexpr std::size_t read_size = 4096;
constexpr std::size_t drain_limit = 2 << 20;

/// async_write's condition: as much at once as the socket takes. The usual one gives it 64 KiB at a time.
std::size_t whole(const boost::system::error_code& error, std::size_t) {
    return error ? 0 : std::numeric_limits<int>::max();
}

/// Fields that decide who asks and what is done: twice means that two readers could disagree.
constexpr std::array once_only = {bh::field::host,     bh::field::origin,       bh::field::cookie,
                                  bh::field::if_match, bh::field::content_type, bh::field::authorization};
constexpr std::array<std::string_view, 2> once_only_names = {"Idempotency-Key", "X-Real-IP"};

Method method_of(bh::verb verb) {
    switch (verb) {
    case bh::verb::get:
    case bh::verb::head:
        return Method::get;
    case bh::verb::options:
        return Method::options;
    case bh::verb::post:
        return Method::post;
    case bh::verb::put:
        return Method::put;
    case bh::verb::patch:
        return Method::patch;
    case bh::verb::delete_:
        return Method::del;
    default:
        return Method::other;
    }
}

bool looks_like_address(std::string_view text) {
    return !text.empty() && text.size() <= 45 &&
           text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

bool clean_field(std::string_view text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

class StreamHandle : public Stream {
  public:
    StreamHandle(std::shared_ptr<asio::io_context> io, std::weak_ptr<Connection> connection)
        : io_(std::move(io)), connection_(std::move(connection)) {}
    void send(std::shared_ptr<const std::string> text) override {
        asio::post(*io_, [weak = connection_, text = std::move(text)] {
            if (const auto connection = weak.lock())
                connection->push(text);
        });
    }
    void close() override {
        asio::post(*io_, [weak = connection_] {
            if (const auto connection = weak.lock())
                connection->close();
        });
    }
    bool closed() const override { return connection_.expired(); }

  private:
    std::shared_ptr<asio::io_context> io_;
    std::weak_ptr<Connection> connection_;
};

} // namespace

const std::string& Shared::date() {
    const auto now = std::time(nullptr);
    if (now != date_second_) {
        date_second_ = now;
        std::tm parts{};
        ::gmtime_r(&now, &parts);
        std::array<char, 64> text{};
        date_.assign(text.data(),
                     std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts));
    }
    return date_;
}

std::string_view Exchange::header(std::string_view name) const {
    const auto& message = parser.get();
    const auto found = message.find(beast::string_view(name.data(), name.size()));
    if (found == message.end())
        return {};
    return {found->value().data(), found->value().size()};
}

Connection::Connection(Shared& shared, asio::local::stream_protocol::socket socket, Client client)
    : shared_(shared), socket_(std::move(socket)), client_(std::move(client)), buffer_(64 << 10) {
    shared_.connections.insert(this);
}

Connection::~Connection() {
    shared_.connections.erase(this);
}

void Connection::close() {
    const auto keep = std::move(waiting_);
    phase_ = Phase::closed;
    boost::system::error_code ignored;
    socket_.close(ignored);
    if (hold_)
        hold_->cancel();
    end_transfer();
}

void Connection::tick(Clock::time_point now) {
    if (phase_ == Phase::closed || phase_ == Phase::handling)
        return;
    if (phase_ == Phase::streaming && !event_ && now >= ping_) {
        if (response_.alive && !response_.alive()) {
            close();
            return;
        }
        static const auto ping = std::make_shared<const std::string>(":\n\n");
        push(ping);
        return;
    }
    if (now >= deadline_ && (phase_ != Phase::streaming || event_))
        close();
}

void Connection::next_request() {
    exchange_ = std::make_shared<Exchange>();
    exchange_->client = client_;
    exchange_->parser.header_limit(static_cast<std::uint32_t>(shared_.options.header_limit));
    exchange_->parser.body_limit(boost::none);
    head_request_ = false;
    web_socket_ = false;
    keep_alive_ = true;
    phase_ = Phase::idle;
    deadline_ = Clock::now() + shared_.options.idle_deadline;
    if (buffer_.size() > 0) {
        phase_ = Phase::header;
        deadline_ = Clock::now() + shared_.options.header_deadline;
        parse();
    } else {
        read();
    }
}

void Connection::read() {
    const auto room =
        std::min(buffer_.max_size() - buffer_.size(), phase_ == Phase::body ? read_size * 4 : read_size);
    if (room == 0) {
        close();
        return;
    }
    socket_.async_read_some(buffer_.prepare(room), [self = shared_from_this()](
                                                       boost::system::error_code error, std::size_t count) {
        if (error == asio::error::eof && (self->phase_ == Phase::header || self->phase_ == Phase::body))
            return self->refuse(Code::invalid_request, "HTTP: the request is cut off");
        if (error || self->phase_ == Phase::closed)
            return self->close();
        self->buffer_.commit(count);
        if (self->phase_ == Phase::idle) {
            self->phase_ = Phase::header;
            self->deadline_ = Clock::now() + self->shared_.options.header_deadline;
        }
        self->parse();
    });
}

void Connection::parse() {
    auto& parser = exchange_->parser;
    boost::system::error_code error;
    while (!parser.is_done() && (phase_ == Phase::body || !parser.is_header_done())) {
        const auto used = parser.put(buffer_.data(), error);
        buffer_.consume(used);
        if (error == bh::error::need_more) {
            read();
            return;
        }
        if (error) {
            const bool large = error == bh::error::header_limit || error == bh::error::body_limit ||
                               error == bh::error::buffer_overflow;
            refuse(large ? Code::too_large : Code::invalid_request, large ? "" : "HTTP: " + error.message());
            return;
        }
        if (used == 0 && !parser.is_done() && !(parser.is_header_done() && phase_ != Phase::body)) {
            read();
            return;
        }
    }
    if (phase_ != Phase::body)
        header_complete();
    else
        body_complete();
}

void Connection::header_complete() {
    auto& parser = exchange_->parser;
    const auto& message = parser.get();
    auto& request = *exchange_;
    head_request_ = message.method() == bh::verb::head;
    keep_alive_ = parser.keep_alive();
    if (message.version() != 11)
        return refuse(Code::invalid_request, "HTTP: only version 1.1 is spoken here");
    for (const auto field : once_only)
        if (message.count(field) > 1)
            return refuse(Code::invalid_request, "HTTP: a header field that may occur once occurs twice");
    for (const auto name : once_only_names)
        if (message.count(beast::string_view(name.data(), name.size())) > 1)
            return refuse(Code::invalid_request, "HTTP: a header field that may occur once occurs twice");
    if (message.count(bh::field::host) != 1)
        return refuse(Code::invalid_request, "HTTP: the Host field is missing");
    const std::string_view target(message.target().data(), message.target().size());
    if (!target.starts_with('/'))
        return refuse(Code::invalid_request, "HTTP: the target must begin with a slash");
    request.method = method_of(message.method());
    const auto question = target.find('?');
    request.path = target.substr(0, question);
    request.query = question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
    if (!client_.local) {
        const auto address = request.header("X-Real-IP");
        request.client.address = looks_like_address(address) ? std::string(address) : "unknown";
    }
    web_socket_ = !request.header("Upgrade").empty();

    auto verdict = shared_.handler.head(request);
    const auto length = parser.content_length();
    const bool has_body = parser.chunked() || (length && *length > 0);
    if (verdict.answer) {
        if (has_body)
            verdict.answer->close = true;
        return answer(std::move(*verdict.answer));
    }
    if (length && *length > verdict.body_limit)
        return refuse(Code::too_large, {});
    if (!has_body) {
        phase_ = Phase::body;
        return body_complete();
    }
    parser.body_limit(verdict.body_limit);
    parser.eager(true);
    phase_ = Phase::body;
    deadline_ = Clock::now() + shared_.options.body_deadline;
    if (beast::iequals(message[bh::field::expect], "100-continue") && buffer_.size() == 0) {
        head_ = "HTTP/1.1 100 Continue\r\n\r\n";
        asio::async_write(socket_, asio::buffer(head_),
                          [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                              if (error || self->phase_ == Phase::closed)
                                  self->close();
                              else
                                  self->parse();
                          });
        return;
    }
    parse();
}

void Connection::body_complete() {
    phase_ = Phase::handling;
    exchange_->body = exchange_->parser.get().body();
    Responder respond([io = shared_.io, weak = weak_from_this()](Response response) {
        asio::post(*io, [weak, response = std::make_shared<Response>(std::move(response))] {
            if (const auto self = weak.lock(); self && self->phase_ == Phase::handling)
                self->answer(std::move(*response));
        });
    });
    auto& handler = shared_.handler;
    const auto job = [&handler, request = std::shared_ptr<const Request>(exchange_), respond] {
        try {
            handler.handle(request, respond);
        } catch (const std::exception& error) {
            log::error("request handler: {}", error.what());
            respond(problem(Error(Code::internal)));
        }
    };
    if (!shared_.workers.add(job))
        respond(problem(Error(Code::overloaded)));
    // Nothing is read meanwhile, so whoever waits here for an answer must keep the connection alive itself.
    waiting_ = shared_from_this();
}

void Connection::refuse(Code code, std::string detail) {
    auto response = problem(Error(code, std::move(detail)));
    response.close = true;
    answer(std::move(response));
}

void Connection::answer(Response response) {
    const auto self = shared_from_this();
    waiting_.reset();
    if (phase_ == Phase::closed)
        return;
    phase_ = Phase::handling;
    if (response.hold.count() == 0)
        return send(std::move(response));
    hold_ = std::make_unique<asio::steady_timer>(*shared_.io, response.hold);
    hold_->async_wait(
        [self, held = std::make_shared<Response>(std::move(response))](boost::system::error_code error) {
            if (!error && self->phase_ != Phase::closed)
                self->send(std::move(*held));
        });
}

void Connection::write_head(const Response& response, std::uint64_t length) {
    head_.clear();
    head_ += "HTTP/1.1 ";
    head_ += std::to_string(response.status);
    head_ += ' ';
    head_ += status_text(response.status);
    head_ += "\r\nDate: ";
    head_ += shared_.date();
    for (const auto& [name, value] : response.headers) {
        if (!clean_field(name) || !clean_field(value)) {
            log::error("a header field with control characters was left out");
            continue;
        }
        head_ += "\r\n";
        head_ += name;
        head_ += ": ";
        head_ += value;
    }
    if (response.status != 204 && response.status != 304 && response.status != 101) {
        head_ += "\r\nContent-Type: ";
        head_ += response.on_stream ? std::string_view("text/event-stream") : response.content_type;
        if (!response.on_stream) {
            head_ += "\r\nContent-Length: ";
            head_ += std::to_string(length);
        }
    }
    head_ += "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer"
             "\r\nCross-Origin-Resource-Policy: same-origin";
    if (!keep_alive_)
        head_ += "\r\nConnection: close";
    head_ += "\r\n\r\n";
}

void Connection::send(Response response) {
    response_ = std::move(response);
    if (response_.close || response_.on_stream)
        keep_alive_ = false;
    if (response_.on_upgrade) {
        begin_upgrade();
        return;
    }
    if (response_.on_stream) {
        begin_stream();
        return;
    }
    if (response_.source) {
        begin_source();
        return;
    }
    std::vector<asio::const_buffer> pieces(1);
    std::size_t length = 0;
    const auto add = [&](const std::string& part) {
        pieces.push_back(asio::buffer(part));
        length += part.size();
    };
    if (response_.parts)
        for (const auto& part : *response_.parts)
            add(*part);
    else
        add(response_.body);
    write_head(response_, length);
    const bool bodiless = head_request_ || response_.status == 204 || response_.status == 304;
    phase_ = Phase::writing;
    deadline_ = Clock::now() + shared_.options.write_deadline;
    if (bodiless)
        pieces.resize(1);
    pieces.front() = asio::buffer(head_);
    asio::async_write(socket_, pieces, whole,
                      [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                          self->sent(static_cast<bool>(error));
                      });
}

/// After an answer.
void Connection::sent(bool failed) {
    response_ = {};
    if (failed || phase_ == Phase::closed)
        close();
    else if (keep_alive_)
        next_request();
    else
        drain();
}

/// Closing with unread bytes would make the other side see a reset instead of the answer.
void Connection::drain() {
    boost::system::error_code ignored;
    if (phase_ != Phase::draining) {
        phase_ = Phase::draining;
        deadline_ = Clock::now() + std::chrono::seconds(2);
        socket_.shutdown(asio::socket_base::shutdown_send, ignored);
    }
    buffer_.consume(buffer_.size());
    socket_.async_read_some(buffer_.prepare(read_size * 4),
                            [self = shared_from_this()](boost::system::error_code error, std::size_t count) {
                                self->drained_ += count;
                                if (error || self->drained_ > drain_limit || self->phase_ == Phase::closed)
                                    self->close();
                                else
                                    self->drain();
                            });
}

void Connection::begin_stream() {
    write_head(response_, 0);
    phase_ = Phase::streaming;
    ping_ = Clock::now() + shared_.options.ping_every;
    event_ = std::make_shared<const std::string>(std::move(head_));
    head_.clear();
    deadline_ = Clock::now() + shared_.options.write_deadline;
    asio::async_write(socket_, asio::buffer(*event_),
                      [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                          self->event_.reset();
                          if (error || self->phase_ == Phase::closed)
                              return self->close();
                          self->watch_stream();
                          self->response_.on_stream(
                              std::make_shared<StreamHandle>(self->shared_.io, self->weak_from_this()));
                          self->response_.on_stream = nullptr;
                          self->write_events();
                      });
}

/// A client that hangs up, or that says something in a stream which takes nothing, ends it.
void Connection::watch_stream() {
    exchange_.reset();
    buffer_ = beast::flat_buffer(64);
    socket_.async_read_some(buffer_.prepare(1), [self = shared_from_this()](boost::system::error_code,
                                                                            std::size_t) { self->close(); });
}

void Connection::push(std::shared_ptr<const std::string> text) {
    if (phase_ != Phase::streaming)
        return;
    if (std::any_of(events_.begin(), events_.end(), [&](const auto& waiting) { return *waiting == *text; }))
        return;
    if (events_.size() >= shared_.options.stream_queue)
        return close();
    events_.push_back(std::move(text));
    write_events();
}

void Connection::write_events() {
    if (phase_ != Phase::streaming || event_ || events_.empty())
        return;
    event_ = std::move(events_.front());
    events_.pop_front();
    deadline_ = Clock::now() + shared_.options.write_deadline;
    ping_ = Clock::now() + shared_.options.ping_every;
    asio::async_write(socket_, asio::buffer(*event_),
                      [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                          self->event_.reset();
                          if (error || self->phase_ == Phase::closed)
                              return self->close();
                          self->write_events();
                      });
}

void Connection::begin_upgrade() {
    const auto refusal = check_upgrade(*exchange_);
    if (!web_socket_ || refusal) {
        response_ = {};
        return refuse(Code::invalid_request, refusal ? "WebSocket: " + *refusal : "not a WebSocket upgrade");
    }
    response_.status = 101;
    response_.headers.emplace_back("Upgrade", "websocket");
    response_.headers.emplace_back("Connection", "Upgrade");
    response_.headers.emplace_back("Sec-WebSocket-Accept",
                                   accept_key(exchange_->header("Sec-WebSocket-Key")));
    if (!response_.protocol.empty())
        response_.headers.emplace_back("Sec-WebSocket-Protocol", response_.protocol);
    keep_alive_ = true;
    write_head(response_, 0);
    phase_ = Phase::writing;
    deadline_ = Clock::now() + shared_.options.write_deadline;
    asio::async_write(socket_, asio::buffer(head_),
                      [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                          if (error || self->phase_ == Phase::closed)
                              return self->close();
                          self->phase_ = Phase::closed;
                          boost::system::error_code ignored;
                          const auto rest = self->buffer_.data();
                          std::string early(static_cast<const char*>(rest.data()), rest.size());
                          Fd socket(self->socket_.release(ignored));
                          self->response_.on_upgrade(std::move(socket), std::move(early));
                          self->response_ = {};
                      });
}

} // namespace bhype::http
