#pragma once

#include "http/message.h"

namespace bhype::http {

struct Options {
    std::size_t header_limit = 8192;
    std::chrono::milliseconds header_deadline{
        10'000}; ///< from the first byte of a request to its last header
    std::chrono::milliseconds body_deadline{30'000};
    std::chrono::milliseconds idle_deadline{75'000}; ///< between two requests of a connection
    std::chrono::milliseconds write_deadline{60'000};
    std::chrono::milliseconds ping_every{15'000}; ///< comments in event streams
    std::size_t web_connections = 1024;
    std::size_t local_connections = 256;
    std::size_t local_connections_per_user = 64;
    std::size_t stream_queue = 64; ///< events that may wait for one client
    std::size_t waiting = 256;     ///< requests that may wait for a worker; others get 503
    int workers = 8;               ///< they wait for hostd and for the database, so more than cores
};

/// Serves HTTP/1.1 on unix sockets: one thread for all connections, a few workers for handlers.
class Server {
  public:
    /// `handler` must outlive the server.
    Server(Handler& handler, Options options);
    /// Stops.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// From nginx; `group` (name, empty: leave) must be one that this process is in or be allowed by root.
    /// The mode is set before anybody can connect. A socket that nobody listens on is replaced. Throws
    /// Error(bad_configuration).
    void listen_web(const std::string& path, mode_t mode = 0660, const std::string& group = {});
    /// For the command line; the kernel says who connects.
    void listen_local(const std::string& path, mode_t mode = 0666);

    void start();
    /// Ends all connections; waits for handlers that are at work. Socket files are removed.
    void stop();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace bhype::http
