#include "base/json.h"

namespace bhype {

json::value parse_json(std::string_view text) {
    boost::system::error_code error;
    json::parse_options options;
    options.max_depth = 32;
    json::stream_parser parser({}, options);
    const auto used = parser.write_some(text.data(), text.size(), error);
    if (!error && used < text.size() &&
        text.substr(used).find_first_not_of(" \t\r\n") != std::string_view::npos)
        throw Error(Code::invalid_request, "JSON: text after the value at byte " + std::to_string(used));
    if (!error)
        parser.finish(error);
    if (error)
        throw Error(Code::invalid_request, "JSON: " + error.message() + " near byte " + std::to_string(used));
    return parser.release();
}

json::object problem_document(const Error& error) {
    const auto& code = info(error.code());
    json::object document{{"type", "/docs/errors#" + std::string(code.id)},
                          {"title", code.title},
                          {"status", code.status},
                          {"code", code.id},
                          {"advice", code.advice}};
    if (!error.detail().empty())
        document["detail"] = error.detail();
    if (!error.problems().empty()) {
        json::array problems;
        for (const auto& [field, rule] : error.problems())
            problems.push_back(json::object{{"field", field}, {"rule", rule}});
        document["problems"] = std::move(problems);
    }
    return document;
}

Error error_from(const json::value& document) {
    const auto text = [](const json::object& object, std::string_view key) -> std::string {
        const auto* found = object.if_contains(key);
        return found && found->is_string() ? std::string(found->get_string()) : std::string();
    };
    if (!document.is_object())
        return Error(Code::internal, "not a problem document");
    const auto& object = document.get_object();
    std::vector<FieldProblem> problems;
    if (const auto* list = object.if_contains("problems"); list && list->is_array())
        for (const auto& item : list->get_array())
            if (item.is_object())
                problems.push_back({text(item.get_object(), "field"), text(item.get_object(), "rule")});
    return Error(code_from_id(text(object, "code")).value_or(Code::internal), text(object, "detail"),
                 std::move(problems));
}

} // namespace bhype
