#pragma once

// JSON Schemas of answers as named components of the OpenAPI document. In an answer every field that is not
// std::optional is there; in a request (bhype::schema) lists and switches may be left out.

#include "base/json.h"

namespace bhype::api {

namespace detail {

/// "bhype::task::Task" from the compiler's own text of a function's signature.
template <class T>
constexpr std::string_view qualified_name() {
    const std::string_view text = __PRETTY_FUNCTION__;
    const auto begin = text.find("T = ") + 4;
    return text.substr(begin, text.find_first_of(";]", begin) - begin);
}

template <class T>
json::array member_names() {
    json::array names;
    boost::mp11::mp_for_each<bhype::detail::Members<T>>(
        [&](auto member) { names.push_back(json::string(bhype::detail::field_name(member.name))); });
    return names;
}

/// False for a described struct whose Codec was written by hand.
template <class T>
bool has_plain_codec() {
    const auto written = bhype::schema<T>();
    const auto* properties = written.is_object() ? written.get_object().if_contains("properties") : nullptr;
    if (properties == nullptr || !properties->is_object())
        return false;
    json::array names;
    for (const auto& [key, unused] : properties->get_object())
        names.push_back(json::string(key));
    return names == member_names<T>();
}

} // namespace detail

/// "Task"
template <class T>
std::string type_name() {
    const auto name = detail::qualified_name<T>();
    const auto colon = name.rfind(':');
    return std::string(colon == std::string_view::npos ? name : name.substr(colon + 1));
}

class Components {
  public:
    /// The schema of a T in an answer; structs become components and are referred to.
    template <class T>
    json::value answer() {
        if constexpr (bhype::detail::is_optional<T>) {
            return answer<typename T::value_type>();
        } else if constexpr (bhype::detail::is_vector<T>) {
            return {{"type", "array"}, {"items", answer<typename T::value_type>()}};
        } else if constexpr (bhype::detail::is_map<T>) {
            return {{"type", "object"}, {"additionalProperties", answer<typename T::mapped_type>()}};
        } else if constexpr (std::is_same_v<T, ByteSize>) {
            return {{"type", "integer"}, {"minimum", 0}, {"description", "bytes"}};
        } else if constexpr (bhype::detail::Described<T>) {
            if (!detail::has_plain_codec<T>())
                return schema<T>();
            const auto name = reserve(detail::qualified_name<T>());
            if (!schemas_.contains(name)) {
                schemas_[name] = nullptr;
                auto written = object<T>();
                schemas_[name] = std::move(written);
            }
            return {{"$ref", "#/components/schemas/" + name}};
        } else {
            return schema<T>();
        }
    }
    const json::object& schemas() const { return schemas_; }

  private:
    template <class T>
    json::value object() {
        json::object properties;
        json::array required;
        boost::mp11::mp_for_each<bhype::detail::Members<T>>([&](auto member) {
            using Field = std::remove_cvref_t<decltype(std::declval<T>().*member.pointer)>;
            const auto name = bhype::detail::field_name(member.name);
            properties[name] = answer<Field>();
            if (!bhype::detail::is_optional<Field>)
                required.push_back(json::string(name));
        });
        json::object written{{"type", "object"}, {"properties", std::move(properties)}};
        if (!required.empty())
            written["required"] = std::move(required);
        return written;
    }
    /// A component's name: the type's, with its namespace in front if another type has it already.
    std::string reserve(std::string_view qualified);

    json::object schemas_;
    std::map<std::string, std::string> owners_; ///< component name to qualified type name
};

} // namespace bhype::api
