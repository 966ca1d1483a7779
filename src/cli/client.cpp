#include "cli/client.h"

#include "cli/terminal.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <unistd.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace bhype::cli {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Stream = asio::local::stream_protocol::socket;

struct Client::Connection {
    asio::io_context io;
    Stream stream{io};
    beast::flat_buffer buffer;
};

Client::Client(std::string socket_path) : socket_path_(std::move(socket_path)) {}
Client::~Client() = default;

Response Client::request(const std::string& method, const std::string& target,
                         const std::optional<json::value>& body,
                         const std::map<std::string, std::string>& headers) {
    http::request<http::string_body> request;
    request.method_string(method);
    request.target(target);
    request.version(11);
    request.set(http::field::host, "localhost");
    for (const auto& [name, value] : headers)
        request.set(name, value);
    if (body) {
        request.set(http::field::content_type, "application/json");
        request.body() = json::serialize(*body);
    }
    request.prepare_payload();

    for (int attempt = 0;; ++attempt) {
        const bool fresh = !connection_;
        try {
            if (fresh) {
                connection_ = std::make_unique<Connection>();
                connection_->stream.connect(asio::local::stream_protocol::endpoint(socket_path_));
            }
            http::write(connection_->stream, request);
            http::response_parser<http::string_body> parser;
            parser.body_limit(64 << 20);
            http::read(connection_->stream, connection_->buffer, parser);
            auto answer = parser.release();
            Response response{static_cast<int>(answer.result_int()), std::move(answer.body()), {}};
            for (const auto& field : answer) {
                std::string name(field.name_string().data(), field.name_string().size());
                std::transform(name.begin(), name.end(), name.begin(),
                               [](unsigned char c) { return std::tolower(c); });
                response.headers[name] = std::string(field.value().data(), field.value().size());
            }
            if (!answer.keep_alive())
                connection_.reset();
            return response;
        } catch (const boost::system::system_error& error) {
            connection_.reset();
            // A kept connection may have been closed by the other side; a fresh one tells the truth. A
            // request that changes something carries an Idempotency-Key, so sending it again is safe.
            if (fresh || attempt > 0)
                throw NoDaemon(socket_path_ + ": " + error.code().message());
        }
    }
}

void Client::download(const std::string& target, const std::function<void(std::string_view)>& piece) {
    http::request<http::empty_body> request(http::verb::get, target, 11);
    request.set(http::field::host, "localhost");
    request.set(http::field::connection, "close");
    Connection connection;
    http::response_parser<http::buffer_body> parser;
    parser.body_limit(boost::none);
    std::vector<char> buffer(std::size_t{256} << 10);
    std::string refusal;
    try {
        connection.stream.connect(asio::local::stream_protocol::endpoint(socket_path_));
        http::write(connection.stream, request);
        http::read_header(connection.stream, connection.buffer, parser);
    } catch (const boost::system::system_error& error) {
        throw NoDaemon(socket_path_ + ": " + error.code().message());
    }
    const auto status = static_cast<int>(parser.get().result_int());
    while (!parser.is_done()) {
        auto& body = parser.get().body();
        body.data = buffer.data();
        body.size = buffer.size();
        boost::system::error_code error;
        http::read(connection.stream, connection.buffer, parser, error);
        if (error && error != http::error::need_buffer)
            throw Error(Code::look_unreadable, "the answer breaks off");
        const std::string_view got(buffer.data(), buffer.size() - body.size);
        if (status / 100 == 2)
            piece(got);
        else
            refusal.append(got.substr(0, (1 << 20) - std::min<std::size_t>(refusal.size(), 1 << 20)));
    }
    if (status / 100 != 2)
        refuse({status, std::move(refusal), {}});
}

void refuse(const Response& response) {
    json::value document;
    try {
        document = parse_json(response.body);
    } catch (const Error&) {
        document = json::object{
            {"code", info(Code::internal).id},
            {"detail", "status " + std::to_string(response.status) + " without a problem document"}};
    }
    throw Refused{response.status, error_from(document), document};
}

std::string Client::get_text(const std::string& target) {
    auto response = request("GET", target);
    if (response.status / 100 != 2)
        refuse(response);
    return std::move(response.body);
}

json::value Client::get(const std::string& target) {
    return parse_json(get_text(target));
}

json::value Client::send(const std::string& method, const std::string& target,
                         const std::optional<json::value>& body,
                         const std::map<std::string, std::string>& headers) {
    auto with_key = headers;
    with_key.try_emplace("Idempotency-Key", random_hex(16));
    const auto response = request(method, target, body, with_key);
    if (response.status / 100 != 2)
        refuse(response);
    return response.body.empty() ? json::value() : parse_json(response.body);
}

namespace {

constexpr std::chrono::seconds quiet_time{2};

/// Ends the loop when the timer runs out; whoever moves its expiry makes it wait again.
void wait_for_quiet(asio::steady_timer& quiet, asio::io_context& io) {
    quiet.async_wait([&](boost::system::error_code error) {
        if (error == asio::error::operation_aborted)
            wait_for_quiet(quiet, io);
        else
            io.stop();
    });
}

/// Why a console ended, from its close code (RFC 6455, 7.4.1); empty when the guest's side ended.
std::string reason_of(const beast::websocket::stream<Stream>& socket, boost::system::error_code error) {
    if (error != beast::websocket::error::closed)
        return "bhyped closed the connection: " + error.message();
    switch (socket.reason().code) {
    case beast::websocket::close_code::normal:
        return {};
    case beast::websocket::close_code::policy_error:
        return "the console was taken away: somebody took over, or you may not use it any more";
    case beast::websocket::close_code::going_away:
        return "bhyped is being stopped; the VM goes on";
    default:
        return "the console was closed with code " + std::to_string(socket.reason().code);
    }
}

/// What the reading thread shares with the loop, for as long as either needs it.
struct Line {
    asio::io_context io;
    beast::websocket::stream<Stream> socket{io};
    asio::steady_timer quiet{io};
    bool input_ended = false;
};

} // namespace

std::string Client::console(const json::object& ticket) {
    const auto line = std::make_shared<Line>();
    auto& socket = line->socket;
    boost::system::error_code error;
    socket.next_layer().connect(asio::local::stream_protocol::endpoint(socket_path_), error);
    if (error)
        throw NoDaemon(socket_path_ + ": " + error.message());
    socket.set_option(beast::websocket::stream_base::decorator([&](beast::websocket::request_type& request) {
        request.set(http::field::sec_websocket_protocol,
                    "binary, " + std::string(ticket.at("protocol").as_string()));
    }));
    beast::websocket::response_type response;
    socket.handshake(response, "localhost", std::string(ticket.at("path").as_string()), error);
    if (error)
        throw Error(Code::console_ticket, "the console was refused: " + error.message());
    socket.binary(true);

    const RawTerminal raw;
    std::string why;
    beast::flat_buffer output;
    const std::function<void()> read = [&] {
        socket.async_read(output, [&](boost::system::error_code failed, std::size_t) {
            if (failed) {
                why = reason_of(socket, failed);
                line->io.stop();
                return;
            }
            write_all(STDOUT_FILENO, {static_cast<const char*>(output.data().data()), output.size()});
            output.consume(output.size());
            if (line->input_ended)
                line->quiet.expires_after(quiet_time);
            read();
        });
    };
    read();
    // Standard input may be a file, which cannot be waited for as a socket can: a thread reads it.
    std::thread([line, terminal = raw.active()] {
        EscapeWatch escape;
        char input[4096];
        while (true) {
            const auto count = ::read(STDIN_FILENO, input, sizeof input);
            if (count < 0 && errno == EINTR)
                continue;
            std::string text;
            if (count > 0)
                text = escape.filter(std::string_view(input, static_cast<std::size_t>(count)));
            const bool end = count <= 0 || escape.ended();
            const bool at_once = escape.ended() || terminal;
            asio::post(line->io, [line = line.get(), text, end, at_once] {
                boost::system::error_code failed;
                if (!text.empty())
                    line->socket.write(asio::buffer(text), failed);
                if (failed || (end && at_once)) {
                    line->io.stop();
                } else if (end) { // input from a file: what the guest still says is wanted
                    line->input_ended = true;
                    line->quiet.expires_after(quiet_time);
                    wait_for_quiet(line->quiet, line->io);
                }
            });
            if (end)
                return;
        }
    }).detach(); // it may hang in read(2) on the terminal
    line->io.run();
    return why;
}

} // namespace bhype::cli
