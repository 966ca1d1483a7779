#pragma once

#include "base/fd.h"
#include "base/json.h"

#include <functional>
#include <memory>
#include <stdexcept>

namespace bhype::cli {

struct Response {
    int status = 0;
    std::string body;
    std::map<std::string, std::string> headers; ///< names in lower case
};

/// HTTP/1.1 over bhyped's unix socket; who we are, bhyped asks the kernel.
class Client {
  public:
    explicit Client(std::string socket_path);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Whatever status comes back. Throws NoDaemon when nobody answers.
    Response request(const std::string& method, const std::string& target,
                     const std::optional<json::value>& body = {},
                     const std::map<std::string, std::string>& headers = {});
    /// GET of bytes: calls `piece` with those of a 2xx answer as they come. Throws Refused for every other,
    /// Error(look_unreadable) when they break off.
    void download(const std::string& target, const std::function<void(std::string_view)>& piece);
    /// The body of a 2xx answer; throws Refused for every other.
    std::string get_text(const std::string& target);
    json::value get(const std::string& target);
    json::value send(const std::string& method, const std::string& target,
                     const std::optional<json::value>& body = {},
                     const std::map<std::string, std::string>& headers = {});

    /// Copies between the terminal and a console until the guest's side ends or "~." is typed after a new
    /// line. Returns why it ended when that was neither. A thread of it may still read the terminal: the
    /// program is to end next.
    std::string console(const json::object& ticket);

  private:
    struct Connection;
    std::string socket_path_;
    std::unique_ptr<Connection> connection_;
};

/// bhyped does not answer: exit status 4.
struct NoDaemon : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The API refused: exit status 3 (or 1 for a server's own failure).
struct Refused {
    int status = 0;
    Error error;
    json::value document; ///< the problem document (RFC 9457)
};
/// Throws Refused with what the answer says.
[[noreturn]] void refuse(const Response& response);

} // namespace bhype::cli
