#include "api/endpoint.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace bhype::api {

namespace {

/// Two spaces a level; empty objects and lists on one line. A committed document is then compared by line.
void print(const json::value& value, std::string& to, std::size_t level) {
    const std::string indent(2 * (level + 1), ' ');
    const std::string outdent(2 * level, ' ');
    if (value.is_object() && !value.get_object().empty()) {
        to += "{\n";
        bool first = true;
        for (const auto& [key, item] : value.get_object()) {
            to += first ? "" : ",\n";
            first = false;
            to += indent + json::serialize(json::string(key)) + ": ";
            print(item, to, level + 1);
        }
        to += "\n" + outdent + "}";
    } else if (value.is_array() && !value.get_array().empty()) {
        to += "[\n";
        bool first = true;
        for (const auto& item : value.get_array()) {
            to += first ? "" : ",\n";
            first = false;
            to += indent;
            print(item, to, level + 1);
        }
        to += "\n" + outdent + "]";
    } else {
        to += json::serialize(value);
    }
}

/// A value that the schema accepts, with the required fields only.
json::value example(const json::value& schema) {
    const auto& object = schema.get_object();
    if (const auto* examples = object.if_contains("examples"))
        return examples->get_array().at(0);
    if (const auto* values = object.if_contains("enum"))
        return values->get_array().at(0);
    if (const auto* choices = object.if_contains("oneOf"))
        return example(choices->get_array().at(0));
    const auto* type = object.if_contains("type");
    if (type == nullptr)
        return nullptr;
    if (*type == "object") {
        json::object made;
        if (const auto* required = object.if_contains("required"))
            for (const auto& name : required->get_array())
                made[name.get_string()] = example(object.at("properties").get_object().at(name.get_string()));
        return made;
    }
    if (*type == "array")
        return json::array();
    if (*type == "boolean")
        return false;
    if (*type == "string")
        return "text";
    if (const auto* least = object.if_contains("minimum"))
        return *least;
    return 0;
}

json::value problem_schema() {
    json::array codes;
    json::object texts;
#define X(name, id, status, title, meaning, advice)                                                          \
    codes.push_back(id);                                                                                     \
    texts[id] = {{"status", status}, {"title", title}, {"meaning", meaning}, {"advice", advice}};
    BHYPE_ERROR_CODES(X)
#undef X
    return {
        {"type", "object"},
        {"description", "RFC 9457 problem document"},
        {"properties",
         json::object{
             {"type", json::object{{"type", "string"},
                                   {"format", "uri-reference"},
                                   {"description", "where a browser finds the code explained"}}},
             {"title", json::object{{"type", "string"}}},
             {"status", json::object{{"type", "integer"}}},
             {"detail", json::object{{"type", "string"}}},
             {"code", json::object{{"type", "string"}, {"enum", codes}, {"x-texts", texts}}},
             {"advice", json::object{{"type", "string"}}},
             {"problems",
              json::object{{"type", "array"},
                           {"items", json::object{{"type", "object"},
                                                  {"properties",
                                                   json::object{{"field", json::object{{"type", "string"}}},
                                                                {"rule", json::object{{"type", "string"}}}}},
                                                  {"required", json::array{"field", "rule"}}}}}}}},
        {"required", json::array{"type", "title", "status", "code", "advice"}}};
}

std::string_view privilege_text(access::Privilege privilege) {
    switch (privilege) {
    case access::Privilege::open:
        return "open";
    case access::Privilege::session:
        return "session";
    case access::Privilege::look:
        return "look";
    case access::Privilege::use:
        return "use";
    case access::Privilege::make:
        return "make";
    case access::Privilege::administer:
        return "administer";
    }
    return "administer";
}

/// get_vms_name_console from GET /api/v1/vms/{name}/console.
std::string operation_id(const Declaration& declaration) {
    std::string id;
    for (const char c : method_text(declaration.method))
        id += static_cast<char>(c | 0x20);
    constexpr std::string_view base = "/api/v1";
    std::string_view path = declaration.path;
    if (path.starts_with(base))
        path.remove_prefix(base.size());
    for (const char c : path)
        if (c == '/' || c == '.' || c == '-')
            id += '_';
        else if (c != '{' && c != '}')
            id += c;
    return id;
}

std::vector<std::string> path_parameters(std::string_view path) {
    std::vector<std::string> names;
    for (auto at = path.find('{'); at != std::string_view::npos; at = path.find('{', at + 1))
        names.emplace_back(path.substr(at + 1, path.find('}', at) - at - 1));
    return names;
}

json::object parameter(std::string_view name, std::string_view in, std::string_view description,
                       bool required) {
    return {{"name", name},
            {"in", in},
            {"description", description},
            {"required", required},
            {"schema", json::object{{"type", "string"}}}};
}

json::array parameters(const Declaration& declaration) {
    json::array list;
    for (const auto& name : path_parameters(declaration.path))
        list.push_back(parameter(name, "path", name, true));
    for (const auto& [name, description] : declaration.query)
        list.push_back(parameter(name, "query", description, false));
    if (declaration.starts_task)
        list.push_back(parameter("Idempotency-Key", "header",
                                 "The same key with the same request gives the same task, not a second one",
                                 false));
    if (declaration.method == Method::patch)
        list.push_back(parameter("If-Match", "header", "ETag of what is changed", false));
    return list;
}

/// Those that the machinery itself answers with, and the endpoint's own.
std::map<int, std::set<std::string>> errors(const Declaration& declaration) {
    std::set<Code> codes(declaration.errors.begin(), declaration.errors.end());
    codes.insert({Code::invalid_request, Code::internal, Code::overloaded, Code::invalid_field});
    if (declaration.privilege != access::Privilege::open)
        codes.insert({Code::no_session, Code::forbidden});
    if (!is_safe(declaration.method) || declaration.socket)
        codes.insert(Code::not_acceptable_origin);
    if (!is_safe(declaration.method))
        codes.insert({Code::unsupported_type, Code::too_large});
    if (!path_parameters(declaration.path).empty())
        codes.insert(Code::not_found);
    if (declaration.method == Method::patch)
        codes.insert(Code::precondition_failed);
    if (declaration.starts_task)
        codes.insert(Code::key_reused);
    std::map<int, std::set<std::string>> by_status;
    for (const auto code : codes)
        by_status[info(code).status].insert(std::string(info(code).id));
    return by_status;
}

json::object success(const Declaration& declaration) {
    if (declaration.socket)
        return {{"description", "The connection becomes a WebSocket"}};
    if (declaration.events)
        return {{"description", "Events without end"},
                {"content", json::object{{"text/event-stream",
                                          json::object{{"schema", json::object{{"type", "string"}}}}}}}};
    if (declaration.bytes)
        return {{"description", declaration.summary},
                {"content", json::object{{"application/octet-stream",
                                          json::object{{"schema", json::object{{"type", "string"},
                                                                               {"format", "binary"}}}}}}}};
    json::object answer{{"description", declaration.summary}};
    if (declaration.starts_task)
        answer["headers"] =
            json::object{{"Location", json::object{{"description", "The task's address"},
                                                   {"schema", json::object{{"type", "string"}}}}}};
    if (declaration.success != 204)
        answer["content"] =
            json::object{{"application/json", json::object{{"schema", declaration.response_schema}}}};
    return answer;
}

json::object operation(const Declaration& declaration, const std::string& request_component) {
    json::object made{{"operationId", operation_id(declaration)},
                      {"summary", declaration.summary},
                      {"tags", json::array{declaration.tag}},
                      {"x-privilege", privilege_text(declaration.privilege)}};
    if (auto list = parameters(declaration); !list.empty())
        made["parameters"] = std::move(list);
    if (!request_component.empty()) {
        const bool required = declaration.request_schema.get_object().contains("required");
        made["requestBody"] = json::object{
            {"required", required},
            {"content", json::object{{"application/json",
                                      json::object{{"schema", json::object{{"$ref", "#/components/schemas/" +
                                                                                        request_component}}},
                                                   {"example", example(declaration.request_schema)}}}}}};
    }
    json::object responses;
    responses[std::to_string(declaration.socket ? 101 : declaration.success)] = success(declaration);
    if (!declaration.instead.is_null())
        responses["200"] = json::object{
            {"description", "What would be done; no task was started"},
            {"content", json::object{{"application/json", json::object{{"schema", declaration.instead}}}}}};
    for (const auto& [status, codes] : errors(declaration)) {
        std::string text;
        json::array list;
        for (const auto& code : codes) {
            text += (text.empty() ? "" : ", ") + code;
            list.push_back(json::string(code));
        }
        responses[std::to_string(status)] = json::object{
            {"description", text},
            {"content",
             json::object{
                 {"application/problem+json",
                  json::object{{"schema", json::object{{"$ref", "#/components/schemas/Problem"}}}}}}},
            {"x-codes", list}};
    }
    made["responses"] = std::move(responses);
    made["security"] =
        declaration.privilege == access::Privilege::open
            ? json::array()
            : json::array{json::object{{"cookie", json::array()}}, json::object{{"peer", json::array()}}};
    return made;
}

} // namespace

std::string Router::openapi() const {
    json::object schemas = components_.schemas();
    std::map<std::string, json::object> paths; // by path, methods in the enum's order
    std::vector<const Declaration*> sorted;
    for (const auto& declaration : declarations_)
        sorted.push_back(&declaration);
    std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
        return std::tie(a->path, a->method) < std::tie(b->path, b->method);
    });
    for (const auto* declaration : sorted) {
        std::string component;
        if (!declaration->request_schema.is_null()) {
            component = declaration->request_name;
            if (const auto* other = schemas.if_contains(component);
                other != nullptr && *other != declaration->request_schema)
                component += "Input";
            schemas[component] = declaration->request_schema;
        }
        std::string method(method_text(declaration->method));
        for (char& c : method)
            c = static_cast<char>(c | 0x20);
        paths[declaration->path][method] = operation(*declaration, component);
    }
    schemas["Problem"] = problem_schema();
    std::map<std::string, json::value> by_name;
    for (auto& [name, written] : schemas)
        by_name.emplace(std::string(name), std::move(written));
    json::object sorted_schemas;
    for (auto& [name, written] : by_name)
        sorted_schemas[name] = std::move(written);
    json::object all_paths;
    for (auto& [path, item] : paths)
        all_paths[path] = std::move(item);
    const json::object document{
        {"openapi", "3.1.0"},
        {"info",
         json::object{{"title", "bHype"},
                      {"version", BHYPE_VERSION},
                      {"description",
                       "Virtual machines on FreeBSD. Unsafe requests of browsers need an Origin of this "
                       "host's own. Errors are problem documents with stable codes."},
                      {"license", json::object{{"name", "BSD-2-Clause"}, {"identifier", "BSD-2-Clause"}}}}},
        {"servers", json::array{json::object{{"url", "/"}}}},
        {"paths", std::move(all_paths)},
        {"components",
         json::object{
             {"schemas", std::move(sorted_schemas)},
             {"securitySchemes",
              json::object{
                  {"cookie", json::object{{"type", "apiKey"}, {"in", "cookie"}, {"name", "__Host-bhype"}}},
                  {"peer",
                   json::object{{"type", "http"},
                                {"scheme", "peer"},
                                {"description", "On the host itself, over /var/run/bhype/api/cli.sock: "
                                                "the kernel says who connects"}}}}}}}};
    std::string text;
    print(document, text, 0);
    return text + "\n";
}

} // namespace bhype::api
