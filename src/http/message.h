#pragma once

// What the server and its handler say to each other. Knows no VM.

#include "base/error.h"
#include "base/fd.h"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bhype::http {

/// HEAD is shown to handlers as GET; the server leaves the body out.
enum class Method { get, options, post, put, patch, del, other };

/// Who is at the other end of the connection.
struct Client {
    bool local = false;  ///< came by the command line's socket; `uid` is what the kernel says
    uid_t uid = 0;       ///< of local clients only
    std::string address; ///< "cli", or the address that nginx gives in X-Real-IP
};

class Request {
  public:
    virtual ~Request() = default;
    Method method = Method::other;
    Client client;
    std::string_view path;  ///< as sent, still percent-encoded
    std::string_view query; ///< without '?', still percent-encoded
    std::string_view body;  ///< empty while only the header has been read
    /// The only field of that name, empty when absent. Those that decide about access occur once at most:
    /// the server refuses requests where Host, Origin, Cookie, Content-Type, If-Match, Idempotency-Key or
    /// X-Real-IP come twice.
    virtual std::string_view header(std::string_view name) const = 0;
    /// For the handler: what head() found out, kept for handle().
    mutable std::shared_ptr<void> context;
};

/// A client that takes server-sent events. Safe to use from any thread.
class Stream {
  public:
    virtual ~Stream() = default;
    /// `text` is a whole event with its empty line. A text that still waits is not sent twice; a client with
    /// too many waiting is closed.
    virtual void send(std::shared_ptr<const std::string> text) = 0;
    virtual void close() = 0;
    virtual bool closed() const = 0;
};

/// A body in parts, which are sent one behind the other without being copied.
using Parts = std::vector<std::shared_ptr<const std::string>>;

/// A body that comes from a descriptor: a pipe that somebody writes.
struct Source {
    Fd from;
    std::uint64_t size = 0;     ///< bytes; when fewer come, the connection ends in the middle of the answer
    std::shared_ptr<void> keep; ///< let go of when the last byte was sent, or the client has gone
};

struct Response {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string_view content_type = "application/json"; ///< must be a literal
    std::string body;
    std::shared_ptr<const Parts> parts; ///< instead of body
    std::shared_ptr<Source> source;     ///< instead of body
    bool close = false;                 ///< after the answer
    std::chrono::milliseconds hold{0};  ///< wait so long before it is sent; costs no thread

    /// Makes it an endless text/event-stream: called on the io thread when the header is written. `alive` is
    /// asked on the io thread before each ping, false ends the stream.
    std::function<void(std::shared_ptr<Stream>)> on_stream;
    std::function<bool()> alive;

    /// Makes it a WebSocket (101): called on the io thread with the connection and what was already read from
    /// it. `protocol` goes to Sec-WebSocket-Protocol.
    std::function<void(Fd, std::string)> on_upgrade;
    std::string protocol;
};

/// RFC 9457.
Response problem(const Error& error);

/// Takes one answer, from any thread; later ones are ignored. When the last copy goes without an answer, the
/// client gets base.internal.
class Responder {
  public:
    explicit Responder(std::function<void(Response)> deliver);
    void operator()(Response response) const;

  private:
    struct Once;
    std::shared_ptr<Once> once_;
};

/// What is to be done with a request whose header was read.
struct Verdict {
    std::size_t body_limit = 0;     ///< longest body that is taken
    std::optional<Response> answer; ///< instead of handle(); a body is then not read
};

class Handler {
  public:
    virtual ~Handler() = default;
    /// On the io thread: must not block.
    virtual Verdict head(const Request& request) = 0;
    /// On a worker's thread, with the whole body; may answer later.
    virtual void handle(std::shared_ptr<const Request> request, Responder respond) = 0;
};

/// "%2e" to "."; nothing when an escape is broken. '+' stays.
std::optional<std::string> percent_decode(std::string_view text);
/// "a=1&b=x%20y"; '+' is a space. Throws Error(invalid_request) for broken escapes, Error(invalid_field) for
/// names that come twice.
std::map<std::string, std::string> parse_query(std::string_view query);
/// The value of one cookie, empty when absent or when it occurs twice (RFC 6265, 4.2.1).
std::string_view cookie(std::string_view header, std::string_view name);
std::string_view status_text(int status);
bool valid_utf8(std::string_view text);

} // namespace bhype::http
