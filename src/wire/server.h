#pragma once

// hostd's side of the socket: connections, the hello, requests in, answers and events out. Knows no
// operation.

#include "base/fd.h"
#include "wire/frame.h"
#include "wire/host.h"

#include <atomic>
#include <list>
#include <thread>

namespace bhype::wire {

struct Request {
    std::string id; ///< of a task's operation; may be empty
    std::string operation;
    json::value arguments;
    std::chrono::seconds deadline{};
    Fd descriptor;
};

/// Answers one request; any thread may use it, also after the connection is gone.
class Reply {
  public:
    Reply(std::shared_ptr<Channel> channel, std::int64_t number)
        : channel_(std::move(channel)), number_(number) {}
    void progress(double fraction);
    void ran(const Ran& command);
    void result(const json::value& result, int descriptor = -1);
    void error(const Error& error);

  private:
    void send(std::string_view kind, json::object body, int descriptor = -1);
    std::shared_ptr<Channel> channel_;
    std::int64_t number_;
};

class Server {
  public:
    struct Handlers {
        /// Says whether the process at the other end may speak at all.
        std::function<bool(int socket)> admit;
        /// Must not block: it is called on the connection's reading thread.
        std::function<void(Request, std::shared_ptr<Reply>)> request;
        std::function<std::vector<std::string>()> in_flight;
        /// The operation with that id is not wanted any more.
        std::function<void(const std::string& id)> cancel;
        /// What a new connection is told at once.
        std::function<std::vector<host::Guest>()> guests;
    };

    /// `listening` as listen_at() gives it.
    Server(Fd listening, Handlers handlers);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Tells every connection.
    void guest_changed(const host::Guest& guest);
    /// Takes no new connections and ends those there are.
    void stop();

  private:
    struct Connection {
        std::shared_ptr<Channel> channel;
        std::thread reader;
        std::atomic<bool> ready = false; ///< the hello is done
        std::atomic<bool> over = false;
    };
    void accept_loop();
    void serve(Connection& connection);
    bool greet(Channel& channel);
    void take(Channel& channel, const std::shared_ptr<Channel>& shared, Frame frame);

    Fd listening_;
    Handlers handlers_;
    Pipe wake_;
    std::mutex mutex_;
    std::list<Connection> connections_;
    bool stopping_ = false;
    std::thread acceptor_;
};

} // namespace bhype::wire
