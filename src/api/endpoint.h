#pragma once

// Endpoints are declared once, here. The router, the checking of input, the permission check, the audit
// record and the OpenAPI document follow from the declaration. An endpoint without a privilege does not
// compile.

#include "access/caller.h"
#include "api/schema.h"
#include "base/json.h"
#include "http/message.h"

#include <functional>
#include <memory>
#include <span>

namespace bhype::api {

enum class Method { get, post, put, patch, del };

/// What a handler adds to the audit's record of its request.
struct Note {
    std::string user;        ///< who it turned out to be, when nobody was logged in before
    std::string object;      ///< when the path does not name it
    std::string task;        ///< that was begun
    bool only_asked = false; ///< for a plan: nothing to be recorded
    std::string reads;       ///< what of the object: recorded although nothing changes
};

/// A request after routing, with its path parameters and query.
struct Call {
    access::Caller caller;
    std::map<std::string, std::string> path; ///< {name} -> "web1", percent-decoded
    std::map<std::string, std::string> query;
    std::string if_match;        ///< If-Match without quotes, empty if none
    std::string idempotency_key; ///< empty if none
    std::string request;         ///< method, address and body as sent; only with an idempotency_key
    std::shared_ptr<Note> note = std::make_shared<Note>();
};

/// What a handler answers with.
struct Reply {
    int status = 200;
    json::value body;                           ///< not sent with 204
    std::string etag;                           ///< sent quoted; an If-None-Match that equals it gives 304
    std::map<std::string, std::string> headers; ///< Location, Set-Cookie, Retry-After
    /// Instead of body: ready JSON, so that of a list is written what has changed.
    std::shared_ptr<const http::Parts> parts;
    /// Instead of body: bytes that come from a descriptor, as application/octet-stream.
    std::shared_ptr<http::Source> source = nullptr;
    /// Instead of all that: called with a function that takes the reply later, once, from any thread.
    std::function<void(std::function<void(Reply)>)> later = nullptr;
};

/// 200 with that body.
inline Reply ok(json::value body) {
    Reply reply;
    reply.body = std::move(body);
    return reply;
}

/// What becomes of a connection that asked to be a WebSocket.
struct Socket {
    std::string protocol; ///< the one of the offered that is chosen
    /// Gets the connection after the 101 was written, and what was already read from it. On the server's io
    /// thread: must not block.
    std::function<void(Fd, std::string)> take;
};

struct Parameter {
    std::string name;
    std::string description;
};

struct Declaration {
    Method method;
    std::string path; ///< "/api/v1/vms/{name}"
    access::Privilege privilege;
    std::string summary;
    std::string tag; ///< "vms"
    std::vector<Parameter> query = {};
    int success = 200;
    bool starts_task = false;      ///< 202 with a task; takes Idempotency-Key and ?wait
    json::value instead = nullptr; ///< schema of the 200 when no task is started: Router::component()
    std::vector<Code> errors = {}; ///< those of its own, for the document
    /// An answer that is ready, asked for on the io thread: must not block. Nothing: the handler is called.
    std::function<std::optional<Reply>(const Call&)> at_once = nullptr;

    // Filled by Router::add.
    json::value request_schema = nullptr;
    std::string request_name = {}; ///< of the type, for the document
    json::value response_schema = nullptr;
    std::function<Reply(const Call&, std::string_view body)> handler = nullptr;
    std::function<void(const Call&, std::shared_ptr<http::Stream>)> events = nullptr;
    std::function<Socket(const Call&, const std::vector<std::string>& protocols)> socket = nullptr;
    bool bytes = false; ///< answers with bytes, not with JSON
};

class Router {
  public:
    Router();
    ~Router();
    Router(Router&&) noexcept;
    Router& operator=(Router&&) noexcept;

    /// Without a request body.
    template <class Response>
    void add(Declaration declaration, std::function<Reply(const Call&)> handler) {
        declaration.response_schema = components_.answer<Response>();
        declaration.handler = [handler = std::move(handler)](const Call& call, std::string_view) {
            return handler(call);
        };
        declare(std::move(declaration));
    }
    /// With a JSON body, decoded and checked before the handler sees it. No body is the same as {}.
    template <class Request, class Response>
    void add(Declaration declaration, std::function<Reply(const Call&, const Request&)> handler) {
        declaration.request_schema = schema<Request>();
        declaration.request_name = type_name<Request>();
        declaration.response_schema = components_.answer<Response>();
        declaration.handler = [handler = std::move(handler)](const Call& call, std::string_view body) {
            return handler(call, decode_text<Request>(body.empty() ? std::string_view("{}") : body));
        };
        declare(std::move(declaration));
    }
    /// GET that answers with bytes: Reply::source.
    void add_bytes(Declaration declaration, std::function<Reply(const Call&)> handler);
    /// GET that answers with server-sent events. `start` is called on the io thread.
    void add_events(Declaration declaration,
                    std::function<void(const Call&, std::shared_ptr<http::Stream>)> start);
    /// GET that becomes a WebSocket. `open` may block and may throw what the client gets instead.
    void add_socket(Declaration declaration,
                    std::function<Socket(const Call&, const std::vector<std::string>& protocols)> open);

    /// The schema of a T, for Declaration::instead.
    template <class T>
    json::value component() {
        return components_.answer<T>();
    }

    struct Match {
        const Declaration* declaration = nullptr;
        std::map<std::string, std::string> path;
        std::vector<Method> allowed; ///< when the path exists with other methods only
    };
    /// `path` is still percent-encoded. Throws Error(invalid_request) for broken escapes.
    Match match(Method method, std::string_view path) const;
    /// Methods of an existing path, empty for others.
    std::vector<Method> methods(std::string_view path) const;
    std::span<const Declaration> declarations() const { return declarations_; }
    /// OpenAPI 3.1, keys in a fixed order, with a line feed at the end.
    std::string openapi() const;

  private:
    struct Node;
    const Node* find(std::string_view path, std::map<std::string, std::string>& parameters) const;
    void declare(Declaration declaration);
    std::vector<Declaration> declarations_;
    Components components_;
    std::unique_ptr<Node> root_;
};

std::string_view method_text(Method method);
bool is_safe(Method method);

} // namespace bhype::api
