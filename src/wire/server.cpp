#include "wire/server.h"

#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace bhype::wire {

namespace {

/// Connections that may be open at once: bhyped's one, the doctor's, and whatever is just closing.
constexpr std::size_t most_connections = 32;
/// A peer that does not read for so long is given up.
constexpr timeval patience{30, 0};

const json::object* object_in(const json::object& body, std::string_view key) {
    const auto* found = body.if_contains(key);
    return found ? found->if_object() : nullptr;
}

/// A request as it stands in its frame.
struct RequestBody {
    std::int64_t number = 0;
    std::string id;
    std::string operation;
    json::value arguments;
    Ranged<1, 86400> deadline = 60;
};
BOOST_DESCRIBE_STRUCT(RequestBody, (), (number, id, operation, arguments, deadline))

} // namespace

void Reply::send(std::string_view kind, json::object body, int descriptor) {
    body["number"] = number_;
    channel_->send({{kind, std::move(body)}}, descriptor);
}

void Reply::progress(double fraction) {
    send("progress", {{"fraction", fraction}});
}

void Reply::ran(const Ran& command) {
    send("ran", {{"command", encode(command)}});
}

void Reply::result(const json::value& result, int descriptor) {
    try {
        send("answer", {{"result", result}}, descriptor);
    } catch (const Error& too_large) {
        error(too_large);
    }
}

void Reply::error(const Error& error) {
    send("answer", {{"error", problem_document(error)}});
}

Server::Server(Fd listening, Handlers handlers)
    : listening_(std::move(listening)), handlers_(std::move(handlers)) {
    acceptor_ = std::thread([this] { accept_loop(); });
}

Server::~Server() {
    stop();
}

void Server::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        for (auto& connection : connections_)
            connection.channel->shut_down();
    }
    [[maybe_unused]] const auto woken = ::write(wake_.writing.get(), "", 1);
    if (acceptor_.joinable())
        acceptor_.join();
    for (auto& connection : connections_)
        if (connection.reader.joinable())
            connection.reader.join();
    connections_.clear();
}

void Server::accept_loop() {
    for (;;) {
        pollfd waiting[2] = {{listening_.get(), POLLIN, 0}, {wake_.reading.get(), POLLIN, 0}};
        ::poll(waiting, 2, 5000);
        const std::lock_guard lock(mutex_);
        if (stopping_)
            return;
        for (auto at = connections_.begin(); at != connections_.end();)
            if (at->over) {
                at->reader.join();
                at = connections_.erase(at);
            } else {
                ++at;
            }
        if (!(waiting[0].revents & POLLIN))
            continue;
        Fd socket(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!socket)
            continue;
        if (connections_.size() >= most_connections || !handlers_.admit(socket.get())) {
            log::warning("a connection was refused");
            continue;
        }
        ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        auto& connection = connections_.emplace_back();
        connection.channel = std::make_shared<Channel>(std::move(socket), longest_request, longest_answer);
        connection.reader = std::thread([this, &connection] {
            serve(connection);
            connection.channel->shut_down();
            connection.over = true;
        });
    }
}

bool Server::greet(Channel& channel) {
    const auto frame = channel.receive();
    if (!frame)
        return false;
    const auto* hello = object_in(frame->body, "hello");
    const auto* version = hello ? hello->if_contains("protocol") : nullptr;
    if (!version || !version->is_int64() || version->get_int64() != protocol_version) {
        channel.send(
            {{"refused", problem_document(Error(Code::invalid_request,
                                                "bhyped and bhype-hostd are of different versions: restart "
                                                "both services"))}});
        return false;
    }
    return channel.send({{"hello", {{"protocol", protocol_version}, {"version", BHYPE_VERSION}}}});
}

void Server::serve(Connection& connection) {
    auto& channel = *connection.channel;
    try {
        if (!greet(channel))
            return;
        // Ready before the list is taken, so that a change in between is told twice rather than never.
        connection.ready = true;
        for (const auto& guest : handlers_.guests())
            channel.send({{"guest", encode(guest)}});
        while (auto frame = channel.receive())
            take(channel, connection.channel, std::move(*frame));
    } catch (const std::exception& error) {
        log::warning("connection closed: {}", error.what());
    }
}

void Server::take(Channel& channel, const std::shared_ptr<Channel>& shared, Frame frame) {
    if (const auto* question = object_in(frame.body, "in_flight")) {
        json::array ids;
        for (const auto& id : handlers_.in_flight())
            ids.push_back(json::string(id));
        channel.send({{"answer", {{"number", question->at("number")}, {"result", std::move(ids)}}}});
        return;
    }
    if (const auto* wish = object_in(frame.body, "cancel")) {
        handlers_.cancel(std::string(wish->at("id").as_string()));
        return;
    }
    const auto* body = frame.body.if_contains("request");
    if (!body)
        throw Error(Code::invalid_request, "a frame of no known kind");
    auto request = decode<RequestBody>(*body);
    auto reply = std::make_shared<Reply>(shared, request.number);
    handlers_.request({std::move(request.id), std::move(request.operation), std::move(request.arguments),
                       std::chrono::seconds(request.deadline), std::move(frame.descriptor)},
                      std::move(reply));
}

void Server::guest_changed(const host::Guest& guest) {
    std::vector<std::shared_ptr<Channel>> channels;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& connection : connections_)
            if (connection.ready && !connection.over)
                channels.push_back(connection.channel);
    }
    for (const auto& channel : channels)
        channel->send({{"guest", encode(guest)}});
}

} // namespace bhype::wire
