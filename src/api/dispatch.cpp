#include "api/dispatch.h"

#include "base/log.h"
#include "http/websocket.h"

#include <algorithm>
#include <charconv>

namespace bhype::api {

struct Dispatch::Routed {
    const Declaration* declaration = nullptr;
    std::map<std::string, std::string> path;
    access::Caller caller;
    bool settled = true;
    std::shared_ptr<Note> note; ///< of the call, once there is one
};

namespace {

constexpr std::size_t body_limit = 1 << 20;
constexpr std::size_t body_limit_before_log_in = 4096;
constexpr std::size_t most_problems = 50;

std::optional<Method> method_of(http::Method method) {
    switch (method) {
    case http::Method::get:
        return Method::get;
    case http::Method::post:
        return Method::post;
    case http::Method::put:
        return Method::put;
    case http::Method::patch:
        return Method::patch;
    case http::Method::del:
        return Method::del;
    default:
        return std::nullopt;
    }
}

std::string allow_list(const std::vector<Method>& methods) {
    std::string list;
    for (const auto method : methods) {
        list += method_text(method);
        list += method == Method::get ? ", HEAD, " : ", ";
    }
    return list + "OPTIONS";
}

bool is_json(std::string_view type) {
    type = type.substr(0, type.find(';'));
    while (!type.empty() && (type.back() == ' ' || type.back() == '\t'))
        type.remove_suffix(1);
    constexpr std::string_view wanted = "application/json";
    return std::equal(type.begin(), type.end(), wanted.begin(), wanted.end(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

/// nginx speaks TLS only, so our own pages have https in front of the very host that they asked for.
bool own_origin(const http::Request& request) {
    const auto origin = request.header("Origin");
    const auto host = request.header("Host");
    constexpr std::string_view scheme = "https://";
    if (host.empty() || !origin.starts_with(scheme))
        return false;
    const auto rest = origin.substr(scheme.size());
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::equal(rest.begin(), rest.end(), host.begin(), host.end(),
                      [&](char a, char b) { return lower(a) == lower(b); });
}

/// If-None-Match (RFC 9110, 13.1.2): a list, weak comparison.
bool none_match_hits(std::string_view list, std::string_view etag) {
    if (list == "*")
        return true;
    for (std::size_t at = list.find('"'); at != std::string_view::npos;) {
        const auto end = list.find('"', at + 1);
        if (end == std::string_view::npos)
            return false;
        if (list.substr(at + 1, end - at - 1) == etag)
            return true;
        at = list.find('"', end + 1);
    }
    return false;
}

std::string if_match(std::string_view field) {
    if (field.empty() || field == "*")
        return {};
    if (field.starts_with("W/"))
        throw Error(Code::precondition_failed, "If-Match compares strongly; a weak ETag never matches");
    if (field.size() < 3 || field.front() != '"' || field.back() != '"' ||
        field.substr(1, field.size() - 2).find('"') != std::string_view::npos)
        throw Error(Code::invalid_request, "If-Match takes one ETag in quotes");
    return std::string(field.substr(1, field.size() - 2));
}

std::string idempotency_key(std::string_view field) {
    if (field.size() > 128 ||
        std::any_of(field.begin(), field.end(), [](char c) { return c <= ' ' || c > '~'; }))
        throw Error(Code::invalid_field, {},
                    {{"Idempotency-Key", "must be 1 to 128 printable ASCII characters without spaces"}});
    return std::string(field);
}

http::Response to_response(Reply reply, std::string_view none_match) {
    http::Response response;
    response.status = reply.status;
    for (auto& [name, value] : reply.headers)
        response.headers.emplace_back(name, value);
    if (!reply.etag.empty()) {
        response.headers.emplace_back("ETag", '"' + reply.etag + '"');
        if (reply.status == 200 && !none_match.empty() && none_match_hits(none_match, reply.etag)) {
            response.status = 304;
            return response;
        }
    }
    if (reply.status == 204)
        return response;
    if (reply.parts) {
        response.parts = std::move(reply.parts);
    } else if (reply.source) {
        response.source = std::move(reply.source);
        response.content_type = "application/octet-stream";
    } else {
        response.body = json::serialize(reply.body);
    }
    return response;
}

Error capped(const Error& error) {
    if (error.problems().size() <= most_problems)
        return error;
    std::vector<FieldProblem> first(error.problems().begin(),
                                    error.problems().begin() + static_cast<long>(most_problems));
    first.push_back(
        {"body", "has " + std::to_string(error.problems().size() - most_problems) + " more problems"});
    return Error(error.code(), error.detail(), std::move(first));
}

Call make_call(const http::Request& request, const Declaration& declaration, const access::Caller& caller,
               std::map<std::string, std::string> path) {
    Call call;
    call.caller = caller;
    call.path = std::move(path);
    if (!request.query.empty()) {
        call.query = http::parse_query(request.query);
        Problems problems;
        for (const auto& [name, value] : call.query)
            if (std::none_of(declaration.query.begin(), declaration.query.end(),
                             [&](const auto& known) { return known.name == name; }))
                problems.add("query." + name.substr(0, 64), "is not a known parameter");
        problems.raise();
    }
    call.if_match = if_match(request.header("If-Match"));
    call.idempotency_key = idempotency_key(request.header("Idempotency-Key"));
    if (!call.idempotency_key.empty()) {
        call.request = std::string(method_text(declaration.method)) + ' ' + std::string(request.path) + '\n' +
                       std::string(request.body);
    }
    return call;
}

} // namespace

Dispatch::Dispatch(const Router& router, Gate& gate, std::function<void(const AuditRecord&)> audit)
    : router_(router), gate_(gate), audit_(std::move(audit)) {}

void Dispatch::check_access(const http::Request& request, const Routed& routed) const {
    const auto& declaration = *routed.declaration;
    if (!request.client.local && (!is_safe(declaration.method) || declaration.socket) && !own_origin(request))
        throw Error(Code::not_acceptable_origin);
    if (declaration.privilege != access::Privilege::open && !routed.caller.may(declaration.privilege))
        throw Error(Code::forbidden);
}

void Dispatch::keep(const http::Request& request, const Routed& routed, int status, std::string code) const {
    const Note nothing;
    const auto& note = routed.note ? *routed.note : nothing;
    if (!audit_ || (is_safe(routed.declaration->method) && note.reads.empty()))
        return;
    if (note.only_asked && code.empty())
        return;
    AuditRecord record{routed.caller.user.empty() ? note.user : routed.caller.user.str(),
                       request.client.address,
                       routed.declaration->method,
                       routed.declaration->path,
                       note.object,
                       status,
                       std::move(code),
                       note.task};
    for (const auto& [name, value] : routed.path)
        record.object += (record.object.empty() ? "" : "/") + value;
    if (!note.reads.empty())
        record.object += ' ' + note.reads;
    audit_(record);
}

http::Response Dispatch::refuse(const http::Request& request, const Routed* routed,
                                const Error& error) const {
    auto response = http::problem(capped(error));
    if (const auto* later = dynamic_cast<const RetryLater*>(&error))
        response.headers.emplace_back("Retry-After", std::to_string(std::max<long>(1, later->after.count())));
    if (response.status == 401)
        response.headers.emplace_back("WWW-Authenticate", "Session realm=\"bhype\"");
    if (error.code() == Code::internal)
        log::error("{} {}: {}", routed ? method_text(routed->declaration->method) : "request",
                   routed ? std::string_view(routed->declaration->path) : "", error.what());
    if (routed)
        keep(request, *routed, response.status, std::string(info(error.code()).id));
    return response;
}

http::Verdict Dispatch::head(const http::Request& request) {
    const auto routed = std::make_shared<Routed>();
    try {
        const auto method = method_of(request.method);
        if (!method) {
            const auto methods = router_.methods(request.path);
            if (methods.empty())
                throw Error(Code::not_found);
            if (request.method == http::Method::options) {
                http::Response response;
                response.status = 204;
                response.headers.emplace_back("Allow", allow_list(methods));
                return {0, std::move(response)};
            }
            auto response = http::problem(Error(Code::method_not_allowed));
            response.headers.emplace_back("Allow", allow_list(methods));
            return {0, std::move(response)};
        }
        auto match = router_.match(*method, request.path);
        if (!match.allowed.empty()) {
            auto response = http::problem(Error(Code::method_not_allowed));
            response.headers.emplace_back("Allow", allow_list(match.allowed));
            return {0, std::move(response)};
        }
        if (match.declaration == nullptr)
            throw Error(Code::not_found);
        routed->declaration = match.declaration;
        routed->path = std::move(match.path);
        const auto& declaration = *routed->declaration;

        bool known = request.client.local;
        if (declaration.privilege != access::Privilege::open) {
            auto glance =
                gate_.glance(http::cookie(request.header("Cookie"), session_cookie), request.client);
            if (glance.settled && !glance.caller)
                throw Error(Code::no_session);
            routed->settled = glance.settled;
            known = known || glance.caller;
            if (glance.caller)
                routed->caller = std::move(*glance.caller);
        } else {
            routed->caller.source = request.client.address;
        }
        if (routed->settled)
            check_access(request, *routed);
        const auto type = request.header("Content-Type");
        if (!is_safe(declaration.method) && !type.empty() && !is_json(type))
            throw Error(Code::unsupported_type);
        if (declaration.at_once && routed->settled) {
            const auto call = make_call(request, declaration, routed->caller, routed->path);
            if (auto reply = declaration.at_once(call))
                return {0, to_response(std::move(*reply), request.header("If-None-Match"))};
        }
        request.context = routed;
        return {known ? body_limit : body_limit_before_log_in, std::nullopt};
    } catch (const Error& error) {
        return {0, refuse(request, routed->declaration ? routed.get() : nullptr, error)};
    } catch (const std::exception& error) {
        return {0, refuse(request, routed->declaration ? routed.get() : nullptr,
                          (log::error("request: {}", error.what()), Error(Code::internal)))};
    }
}

http::Response Dispatch::run(const std::shared_ptr<const http::Request>& request, Routed& routed,
                             const http::Responder& respond, bool& deferred) {
    const auto& declaration = *routed.declaration;
    if (!routed.settled) {
        auto caller =
            gate_.identify(http::cookie(request->header("Cookie"), session_cookie), request->client);
        if (!caller)
            throw Error(Code::no_session);
        routed.caller = std::move(*caller);
        routed.settled = true;
        check_access(*request, routed);
    }
    if (!request->body.empty() && !is_json(request->header("Content-Type")))
        throw Error(Code::unsupported_type);
    const auto call = make_call(*request, declaration, routed.caller, routed.path);
    routed.note = call.note;
    http::Response response;
    if (declaration.socket) {
        if (const auto wrong = http::check_upgrade(*request))
            throw Error(Code::invalid_request, "WebSocket: " + *wrong);
        std::vector<std::string> offered;
        for (const auto name : http::offered_protocols(*request))
            offered.emplace_back(name);
        auto socket = declaration.socket(call, offered);
        response.protocol = std::move(socket.protocol);
        response.on_upgrade = std::move(socket.take);
        return response;
    }
    if (declaration.events) {
        response.on_stream = [&declaration, call](std::shared_ptr<http::Stream> stream) {
            declaration.events(call, std::move(stream));
        };
        response.alive = [this, caller = call.caller] { return gate_.still(caller); };
        return response;
    }
    if (declaration.request_schema.is_null() && !request->body.empty()) {
        const auto body = parse_json(request->body);
        if (!body.is_object() || !body.get_object().empty())
            throw Error(Code::invalid_field, {}, {{"body", "must be absent or an empty object"}});
    }
    auto reply = declaration.handler(call, request->body);
    if (reply.later) {
        deferred = true;
        reply.later([respond, request](Reply late) {
            respond(to_response(std::move(late), request->header("If-None-Match")));
        });
        return response;
    }
    return to_response(std::move(reply), request->header("If-None-Match"));
}

void Dispatch::handle(std::shared_ptr<const http::Request> request, http::Responder respond) {
    const auto routed = std::static_pointer_cast<Routed>(request->context);
    const auto begun = std::chrono::steady_clock::now();
    http::Response response;
    try {
        bool deferred = false;
        response = run(request, *routed, respond, deferred);
        keep(*request, *routed, deferred ? routed->declaration->success : response.status, {});
        if (deferred)
            return;
    } catch (const Error& error) {
        response = refuse(*request, routed.get(), error);
        // Whoever guesses passwords learns nothing from the time, and waits.
        if (error.code() == Code::bad_credentials || error.code() == Code::too_many_attempts) {
            const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(
                std::chrono::steady_clock::now() - begun);
            response.hold = std::max(std::chrono::milliseconds(0), std::chrono::milliseconds(1200) - spent);
        }
    } catch (const std::exception& error) {
        log::error("{} {}: {}", method_text(routed->declaration->method), routed->declaration->path,
                   error.what());
        response = refuse(*request, routed.get(), Error(Code::internal));
    }
    respond(std::move(response));
}

namespace {

/// Null when it is absent.
const std::string* parameter(const Call& call, const std::string& name) {
    const auto found = call.query.find(name);
    return found == call.query.end() ? nullptr : &found->second;
}

} // namespace

std::string query_object(const Call& call) {
    const auto* given = parameter(call, "object");
    if (!given)
        return {};
    const auto& text = *given;
    const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
    if (text.empty() || text.size() > 255 || std::any_of(text.begin(), text.end(), control))
        throw Error(Code::invalid_field, {},
                    {{"query.object", "must be 1 to 255 bytes without control characters"}});
    return text;
}

std::string query_user(const Call& call) {
    const auto* user = parameter(call, "user");
    if (!user)
        return {};
    if (!UserName::accepts(*user))
        throw Error(Code::invalid_field, {},
                    {{"query.user", "must be " + std::string(UserName::text_rule().rule)}});
    return *user;
}

std::int64_t query_number(const Call& call, const std::string& name, std::int64_t fallback,
                          std::int64_t least, std::int64_t most) {
    const auto* given = parameter(call, name);
    if (!given)
        return fallback;
    const auto& text = *given;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < least || value > most)
        throw Error(Code::invalid_field, {},
                    {{"query." + name, "must be a whole number from " + std::to_string(least) + " to " +
                                           std::to_string(most)}});
    return value;
}

bool query_flag(const Call& call, const std::string& name) {
    const auto* given = parameter(call, name);
    if (!given || *given == "0" || *given == "false")
        return false;
    if (*given == "1" || *given == "true")
        return true;
    throw Error(Code::invalid_field, {}, {{"query." + name, "must be 0 or 1"}});
}

} // namespace bhype::api
