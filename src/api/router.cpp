#include "api/endpoint.h"

#include <algorithm>
#include <stdexcept>

namespace bhype::api {

/// One path segment. Fixed segments win over a parameter.
struct Router::Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> fixed;
    std::unique_ptr<Node> parameter;
    std::string parameter_name;
    std::vector<std::pair<Method, std::size_t>> endpoints; ///< index in declarations_
};

namespace {

constexpr std::size_t longest_parameter = 255;

/// Calls `visit` with each segment of "/a/b"; false stops.
template <class Visit>
void segments(std::string_view path, Visit visit) {
    while (path.starts_with('/')) {
        path.remove_prefix(1);
        const auto end = path.find('/');
        if (!visit(path.substr(0, end)) || end == std::string_view::npos)
            return;
        path.remove_prefix(end);
    }
}

bool fit_for_parameter(std::string_view text) {
    return !text.empty() && text.size() <= longest_parameter && text != "." && text != ".." &&
           http::valid_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
               return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '/';
           });
}

} // namespace

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::declare(Declaration declaration) {
    auto* node = root_.get();
    segments(declaration.path, [&](std::string_view segment) {
        if (segment.starts_with('{')) {
            const auto name = segment.substr(1, segment.size() - 2);
            if (!node->parameter) {
                node->parameter = std::make_unique<Node>();
                node->parameter_name = name;
            } else if (node->parameter_name != name) {
                throw std::logic_error("two names for one path parameter: " + declaration.path);
            }
            node = node->parameter.get();
        } else {
            auto& next = node->fixed[std::string(segment)];
            if (!next)
                next = std::make_unique<Node>();
            node = next.get();
        }
        return true;
    });
    for (const auto& [method, index] : node->endpoints)
        if (method == declaration.method)
            throw std::logic_error("declared twice: " + declaration.path);
    node->endpoints.emplace_back(declaration.method, declarations_.size());
    std::sort(node->endpoints.begin(), node->endpoints.end());
    if (declaration.starts_task) {
        declaration.success = 202;
        declaration.query.push_back({"wait", "seconds to wait for the task's end, at most 60"});
    }
    declarations_.push_back(std::move(declaration));
}

void Router::add_bytes(Declaration declaration, std::function<Reply(const Call&)> handler) {
    declaration.bytes = true;
    declaration.handler = [handler = std::move(handler)](const Call& call, std::string_view) {
        return handler(call);
    };
    declare(std::move(declaration));
}

void Router::add_events(Declaration declaration,
                        std::function<void(const Call&, std::shared_ptr<http::Stream>)> start) {
    declaration.events = std::move(start);
    declare(std::move(declaration));
}

void Router::add_socket(Declaration declaration,
                        std::function<Socket(const Call&, const std::vector<std::string>& protocols)> open) {
    declaration.socket = std::move(open);
    declare(std::move(declaration));
}

const Router::Node* Router::find(std::string_view path,
                                 std::map<std::string, std::string>& parameters) const {
    if (!path.starts_with('/'))
        return nullptr;
    const Node* node = root_.get();
    segments(path, [&](std::string_view segment) {
        if (const auto found = node->fixed.find(segment); found != node->fixed.end()) {
            node = found->second.get();
            return true;
        }
        if (!node->parameter) {
            node = nullptr;
            return false;
        }
        auto value = http::percent_decode(segment);
        if (!value)
            throw Error(Code::invalid_request, "the path has a broken escape");
        if (!fit_for_parameter(*value)) {
            node = nullptr;
            return false;
        }
        parameters[node->parameter_name] = std::move(*value);
        node = node->parameter.get();
        return true;
    });
    return node != nullptr && !node->endpoints.empty() ? node : nullptr;
}

Router::Match Router::match(Method method, std::string_view path) const {
    Match match;
    const auto* node = find(path, match.path);
    if (node == nullptr)
        return match;
    for (const auto& [each, index] : node->endpoints) {
        if (each == method)
            match.declaration = &declarations_[index];
        match.allowed.push_back(each);
    }
    if (match.declaration != nullptr)
        match.allowed.clear();
    return match;
}

std::vector<Method> Router::methods(std::string_view path) const {
    std::map<std::string, std::string> parameters;
    std::vector<Method> found;
    if (const auto* node = find(path, parameters))
        for (const auto& [method, index] : node->endpoints)
            found.push_back(method);
    return found;
}

std::string_view method_text(Method method) {
    switch (method) {
    case Method::get:
        return "GET";
    case Method::post:
        return "POST";
    case Method::put:
        return "PUT";
    case Method::patch:
        return "PATCH";
    case Method::del:
        return "DELETE";
    }
    return "GET";
}

bool is_safe(Method method) {
    return method == Method::get;
}

} // namespace bhype::api
