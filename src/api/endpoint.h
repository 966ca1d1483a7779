#pragma once

// Endpoints are declared once, here. The router, the checking of input, the permission check, the audit
// record and the OpenAPI document follow from the declaration. An endpoint without a privilege does not
// compile.

#include "access/caller.h"
#include "base/json.h"

#include <functional>
#include <memory>
#include <span>

namespace bhype::api {

enum class Method { get, post, put, patch, del };

/// A request after routing, with its path parameters and query.
struct Call {
    access::Caller caller;
    std::map<std::string, std::string> path; ///< {name} -> "web1", percent-decoded
    std::map<std::string, std::string> query;
    std::string if_match;        ///< If-Match without quotes, empty if none
    std::string idempotency_key; ///< empty if none
    std::string request; ///< method, address and body as sent, for Idempotency-Key; empty if there is no key
};

/// What a handler answers with.
struct Reply {
    int status = 200;
    json::value body;                           ///< not sent with 204
    std::string etag;                           ///< sent quoted; an If-None-Match that equals it gives 304
    std::map<std::string, std::string> headers; ///< Location, Set-Cookie, Retry-After
    std::shared_ptr<const std::string>
        text; ///< instead of body: ready JSON, so that lists are written once per change
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
    std::vector<Code> errors = {}; ///< those of its own, for the document

    // Filled by Router::add.
    json::value request_schema = nullptr;
    json::value response_schema = nullptr;
    std::function<Reply(const Call&, std::string_view body)> handler = nullptr;
};

class Router {
  public:
    /// Without a request body.
    template <class Response>
    void add(Declaration declaration, std::function<Reply(const Call&)> handler) {
        declaration.response_schema = schema<Response>();
        declaration.handler = [handler](const Call& call, std::string_view) { return handler(call); };
        declare(std::move(declaration));
    }
    /// With a JSON body, decoded and checked before the handler sees it.
    template <class Request, class Response>
    void add(Declaration declaration, std::function<Reply(const Call&, const Request&)> handler) {
        declaration.request_schema = schema<Request>();
        declaration.response_schema = schema<Response>();
        declaration.handler = [handler](const Call& call, std::string_view body) {
            return handler(call, decode_text<Request>(body));
        };
        declare(std::move(declaration));
    }

    struct Match {
        const Declaration* declaration = nullptr;
        std::map<std::string, std::string> path;
        std::vector<Method> allowed; ///< when the path exists with other methods only
    };
    Match match(Method method, std::string_view path) const;
    std::span<const Declaration> declarations() const { return declarations_; }
    /// OpenAPI 3.1, keys in a fixed order.
    std::string openapi() const;

  private:
    void declare(Declaration declaration);
    std::vector<Declaration> declarations_;
};

} // namespace bhype::api
