#pragma once

// Structs described with BOOST_DESCRIBE_STRUCT go to JSON and back, and write their own JSON Schema.
//
// Decoding collects every problem with its field's path ("disks[1].size") and then throws one
// Error(invalid_field). Unknown fields are problems. A field may be missing when its type is std::optional,
// std::vector, std::map or bool, or when the struct says `static constexpr bool defaults_apply = true;`: then
// its default stands. To teach a new type, specialise Codec.

#include "base/types.h"

#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <boost/mp11.hpp>

#include <cmath>
#include <map>
#include <type_traits>
#include <variant>

namespace bhype {

namespace json = boost::json;

/// Where the decoder is, and what it has found so far.
class Problems {
  public:
    void add(std::string rule) { found_.push_back({path_.empty() ? "body" : path_, std::move(rule)}); }
    void add(std::string_view field, std::string rule) {
        const Enter enter(*this, field);
        add(std::move(rule));
    }
    bool empty() const { return found_.empty(); }
    const std::vector<FieldProblem>& found() const { return found_; }
    /// Throws Error(invalid_field) if there is any.
    void raise() const {
        if (!found_.empty())
            throw Error(Code::invalid_field, {}, found_);
    }

    class Enter {
      public:
        Enter(Problems& problems, std::string_view field)
            : problems_(problems), length_(problems.path_.size()) {
            if (!problems.path_.empty())
                problems.path_ += '.';
            problems.path_ += field;
        }
        Enter(Problems& problems, std::size_t index) : problems_(problems), length_(problems.path_.size()) {
            problems.path_ += '[' + std::to_string(index) + ']';
        }
        ~Enter() { problems_.path_.resize(length_); }
        Enter(const Enter&) = delete;
        Enter& operator=(const Enter&) = delete;

      private:
        Problems& problems_;
        std::size_t length_;
    };

  private:
    std::string path_;
    std::vector<FieldProblem> found_;
};

template <class T, class Enable = void>
struct Codec;

template <class T>
json::value encode(const T& value) {
    return Codec<T>::encode(value);
}
template <class T>
json::value schema() {
    return Codec<T>::schema();
}
template <class T>
void decode_into(const json::value& from, T& to, Problems& problems) {
    Codec<T>::decode(from, to, problems);
}
/// Throws Error(invalid_field) with every problem.
template <class T>
T decode(const json::value& from) {
    T value{};
    Problems problems;
    decode_into(from, value, problems);
    problems.raise();
    return value;
}

/// Parses text with limits on depth (32) and refuses duplicate keys' ambiguity by taking the last.
/// Throws Error(invalid_request) with the place of the mistake.
json::value parse_json(std::string_view text);
/// Parses, then decodes.
template <class T>
T decode_text(std::string_view text) {
    return decode<T>(parse_json(text));
}
template <class T>
std::string encode_text(const T& value) {
    return json::serialize(encode(value));
}

/// An integer between two bounds, both allowed.
template <std::int64_t Least, std::int64_t Most>
struct Ranged {
    static_assert(Least <= Most);
    std::int64_t value = Least;
    constexpr Ranged() = default;
    constexpr Ranged(std::int64_t v) : value(v) {}
    constexpr operator std::int64_t() const { return value; }
};

/// A size between two bounds in MiB, a whole number of MiB.
template <std::uint64_t LeastMiB, std::uint64_t MostMiB>
struct SizeBetween {
    ByteSize value{LeastMiB << 20};
    constexpr SizeBetween() = default;
    constexpr SizeBetween(ByteSize v) : value(v) {}
    constexpr operator ByteSize() const { return value; }
};

namespace detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T>
inline constexpr bool is_map = false;
template <class T>
inline constexpr bool is_map<std::map<std::string, T>> = true;

template <class T>
concept Textual = std::is_base_of_v<Text<T>, T>;
template <class T>
concept Described = boost::describe::has_describe_members<T>::value && std::is_class_v<T>;
template <class T>
concept DescribedEnum = boost::describe::has_describe_enumerators<T>::value && std::is_enum_v<T>;
template <class T>
concept DefaultsApply = requires { requires T::defaults_apply; };

template <class T>
using Members =
    boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;

/// A member's name in JSON: without the underscore that keeps it from being a keyword (`switch_`).
constexpr std::string_view field_name(std::string_view member) {
    return member.ends_with('_') ? member.substr(0, member.size() - 1) : member;
}

/// An enumerator's name in JSON: virtio_blk is "virtio-blk", delete_ is "delete".
template <class T>
const std::string& enumerator_name(T value) {
    static const auto names = [] {
        std::map<T, std::string> found;
        boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto enumerator) {
            std::string text(field_name(enumerator.name));
            for (char& c : text)
                c = c == '_' ? '-' : c;
            found[enumerator.value] = text;
        });
        return found;
    }();
    return names.at(value);
}

template <class T>
consteval bool may_be_missing() {
    return is_optional<T> || is_vector<T> || is_map<T> || std::is_same_v<T, bool>;
}

} // namespace detail

template <>
struct Codec<bool> {
    static json::value encode(bool value) { return value; }
    static void decode(const json::value& from, bool& to, Problems& problems) {
        if (from.is_bool())
            to = from.get_bool();
        else
            problems.add("must be true or false");
    }
    static json::value schema() { return {{"type", "boolean"}}; }
};

template <class T>
struct Codec<T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>>> {
    static json::value encode(T value) {
        if constexpr (std::is_signed_v<T>)
            return static_cast<std::int64_t>(value);
        else
            return static_cast<std::uint64_t>(value);
    }
    static void decode(const json::value& from, T& to, Problems& problems) {
        boost::system::error_code error;
        const T value = from.is_number() && !from.is_double() ? from.to_number<T>(error) : T{};
        if (!from.is_number() || from.is_double() || error)
            problems.add("must be a whole number within range");
        else
            to = value;
    }
    static json::value schema() {
        json::object object{{"type", "integer"}};
        if constexpr (std::is_unsigned_v<T>)
            object["minimum"] = 0;
        return object;
    }
};

template <>
struct Codec<double> {
    static json::value encode(double value) { return value; }
    static void decode(const json::value& from, double& to, Problems& problems) {
        if (from.is_number())
            to = from.to_number<double>();
        else
            problems.add("must be a number");
    }
    static json::value schema() { return {{"type", "number"}}; }
};

template <>
struct Codec<std::string> {
    static json::value encode(const std::string& value) { return json::string(value); }
    static void decode(const json::value& from, std::string& to, Problems& problems) {
        if (from.is_string())
            to.assign(from.get_string().data(), from.get_string().size());
        else
            problems.add("must be text");
    }
    static json::value schema() { return {{"type", "string"}}; }
};

template <>
struct Codec<json::value> {
    static json::value encode(const json::value& value) { return value; }
    static void decode(const json::value& from, json::value& to, Problems&) { to = from; }
    static json::value schema() { return json::object{}; }
};

template <>
struct Codec<std::monostate> {
    static json::value encode(std::monostate) { return json::object{}; }
    static void decode(const json::value& from, std::monostate&, Problems& problems) {
        if (!from.is_object() || !from.get_object().empty())
            problems.add("must be an empty object");
    }
    static json::value schema() { return {{"type", "object"}, {"additionalProperties", false}}; }
};

template <detail::Textual T>
struct Codec<T> {
    static json::value encode(const T& value) { return json::string(value.str()); }
    static void decode(const json::value& from, T& to, Problems& problems) {
        const auto& rule = T::text_rule();
        if (!from.is_string())
            problems.add("must be text: " + std::string(rule.rule));
        else if (auto value = T::parse({from.get_string().data(), from.get_string().size()}))
            to = *value;
        else
            problems.add("must be " + std::string(rule.rule));
    }
    static json::value schema() {
        const auto& rule = T::text_rule();
        return {{"type", "string"},
                {"pattern", rule.pattern},
                {"maxLength", rule.longest},
                {"description", rule.rule},
                {"examples", json::array{rule.example}}};
    }
};

template <>
struct Codec<ByteSize> {
    static json::value encode(ByteSize value) { return value.bytes(); }
    static void decode(const json::value& from, ByteSize& to, Problems& problems) {
        std::optional<ByteSize> size;
        if (from.is_string())
            size = ByteSize::parse({from.get_string().data(), from.get_string().size()});
        else if (from.is_int64() && from.get_int64() >= 0)
            size = ByteSize(static_cast<std::uint64_t>(from.get_int64()));
        else if (from.is_uint64())
            size = ByteSize(from.get_uint64());
        if (size && size->bytes() <= (UINT64_C(1) << 60))
            to = *size;
        else
            problems.add("must be a size: bytes, or text such as 512M or 20G");
    }
    static json::value schema() {
        return {
            {"description", "bytes, or text with K, M, G or T (powers of 1024)"},
            {"oneOf",
             json::array{json::object{{"type", "integer"}, {"minimum", 0}, {"maximum", UINT64_C(1) << 60}},
                         json::object{{"type", "string"}, {"pattern", "^[0-9]{1,18}[KMGTkmgt]?$"}}}}};
    }
};

template <std::uint64_t Least, std::uint64_t Most>
struct Codec<SizeBetween<Least, Most>> {
    static json::value encode(SizeBetween<Least, Most> value) { return value.value.bytes(); }
    static void decode(const json::value& from, SizeBetween<Least, Most>& to, Problems& problems) {
        const auto before = problems.found().size();
        ByteSize size;
        Codec<ByteSize>::decode(from, size, problems);
        if (problems.found().size() != before)
            return;
        if (size.bytes() % (1 << 20) != 0 || size.mebibytes() < Least || size.mebibytes() > Most)
            problems.add("must be from " + ByteSize(Least << 20).str() + " to " + ByteSize(Most << 20).str() +
                         ", a whole number of MiB");
        else
            to.value = size;
    }
    static json::value schema() {
        return {{"description", "from " + ByteSize(Least << 20).str() + " to " + ByteSize(Most << 20).str() +
                                    ": bytes, or text with M, G or T (powers of 1024)"},
                {"oneOf",
                 json::array{json::object{{"type", "integer"},
                                          {"minimum", Least << 20},
                                          {"maximum", Most << 20},
                                          {"multipleOf", 1 << 20}},
                             json::object{{"type", "string"}, {"pattern", "^[0-9]{1,18}[KMGTkmgt]?$"}}}}};
    }
};

template <std::int64_t Least, std::int64_t Most>
struct Codec<Ranged<Least, Most>> {
    static json::value encode(Ranged<Least, Most> value) { return value.value; }
    static void decode(const json::value& from, Ranged<Least, Most>& to, Problems& problems) {
        if (from.is_int64() && from.get_int64() >= Least && from.get_int64() <= Most)
            to.value = from.get_int64();
        else
            problems.add("must be a whole number from " + std::to_string(Least) + " to " +
                         std::to_string(Most));
    }
    static json::value schema() { return {{"type", "integer"}, {"minimum", Least}, {"maximum", Most}}; }
};

template <class T>
struct Codec<std::optional<T>> {
    static json::value encode(const std::optional<T>& value) {
        return value ? bhype::encode(*value) : json::value(nullptr);
    }
    static void decode(const json::value& from, std::optional<T>& to, Problems& problems) {
        if (from.is_null()) {
            to.reset();
            return;
        }
        T value{};
        decode_into(from, value, problems);
        to = std::move(value);
    }
    static json::value schema() { return bhype::schema<T>(); }
};

template <class T>
struct Codec<std::vector<T>> {
    static json::value encode(const std::vector<T>& value) {
        json::array array;
        array.reserve(value.size());
        for (const auto& item : value)
            array.push_back(bhype::encode(item));
        return array;
    }
    static void decode(const json::value& from, std::vector<T>& to, Problems& problems) {
        if (!from.is_array()) {
            problems.add("must be a list");
            return;
        }
        to.clear();
        for (std::size_t i = 0; i < from.get_array().size(); ++i) {
            const Problems::Enter enter(problems, i);
            T item{};
            decode_into(from.get_array()[i], item, problems);
            to.push_back(std::move(item));
        }
    }
    static json::value schema() { return {{"type", "array"}, {"items", bhype::schema<T>()}}; }
};

template <class T>
struct Codec<std::map<std::string, T>> {
    static json::value encode(const std::map<std::string, T>& value) {
        json::object object;
        for (const auto& [key, item] : value)
            object[key] = bhype::encode(item);
        return object;
    }
    static void decode(const json::value& from, std::map<std::string, T>& to, Problems& problems) {
        if (!from.is_object()) {
            problems.add("must be an object");
            return;
        }
        to.clear();
        for (const auto& [key, item] : from.get_object()) {
            const Problems::Enter enter(problems, std::string_view(key.data(), key.size()));
            decode_into(item, to[std::string(key)], problems);
        }
    }
    static json::value schema() { return {{"type", "object"}, {"additionalProperties", bhype::schema<T>()}}; }
};

template <detail::DescribedEnum T>
struct Codec<T> {
    static json::value encode(T value) { return json::string(detail::enumerator_name(value)); }
    static void decode(const json::value& from, T& to, Problems& problems) {
        bool found = false;
        std::string names;
        boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto enumerator) {
            const auto& text = detail::enumerator_name(enumerator.value);
            names += (names.empty() ? "" : ", ") + text;
            if (from.is_string() && from.get_string() == text) {
                to = enumerator.value;
                found = true;
            }
        });
        if (!found)
            problems.add("must be one of " + names);
    }
    static json::value schema() {
        json::array names;
        boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto enumerator) {
            names.push_back(json::string(detail::enumerator_name(enumerator.value)));
        });
        return {{"type", "string"}, {"enum", names}};
    }
};

/// The text of an enumerator, as JSON has it.
template <detail::DescribedEnum T>
const std::string& enum_name(T value) {
    return detail::enumerator_name(value);
}

template <detail::Described T>
struct Codec<T> {
    static json::value encode(const T& value) {
        json::object object;
        boost::mp11::mp_for_each<detail::Members<T>>([&](auto member) {
            using Field = std::remove_cvref_t<decltype(value.*member.pointer)>;
            if constexpr (detail::is_optional<Field>) {
                if (value.*member.pointer)
                    object[detail::field_name(member.name)] = bhype::encode(*(value.*member.pointer));
            } else {
                object[detail::field_name(member.name)] = bhype::encode(value.*member.pointer);
            }
        });
        return object;
    }
    static void decode(const json::value& from, T& to, Problems& problems) {
        if (!from.is_object()) {
            problems.add("must be an object");
            return;
        }
        const auto& object = from.get_object();
        boost::mp11::mp_for_each<detail::Members<T>>([&](auto member) {
            using Field = std::remove_cvref_t<decltype(to.*member.pointer)>;
            const Problems::Enter enter(problems, detail::field_name(member.name));
            if (const auto* found = object.if_contains(detail::field_name(member.name)))
                decode_into(*found, to.*member.pointer, problems);
            else if (!detail::may_be_missing<Field>() && !detail::DefaultsApply<T>)
                problems.add("is missing");
        });
        for (const auto& [key, unused] : object) {
            bool known = false;
            boost::mp11::mp_for_each<detail::Members<T>>(
                [&](auto member) { known = known || key == detail::field_name(member.name); });
            if (!known)
                problems.add(std::string_view(key.data(), std::min<std::size_t>(key.size(), 64)),
                             "is not a known field");
        }
    }
    static json::value schema() {
        json::object properties;
        json::array required;
        boost::mp11::mp_for_each<detail::Members<T>>([&](auto member) {
            using Field = std::remove_cvref_t<decltype(std::declval<T>().*member.pointer)>;
            properties[detail::field_name(member.name)] = bhype::schema<Field>();
            if (!detail::may_be_missing<Field>() && !detail::DefaultsApply<T>)
                required.push_back(json::string(detail::field_name(member.name)));
        });
        json::object object{{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
        if (!required.empty())
            object["required"] = required;
        return object;
    }
};

/// RFC 9457 problem document: {type, title, status, detail, code, advice, problems?: [{field, rule}]}.
json::object problem_document(const Error& error);
/// The reverse, for clients and for errors that crossed a socket.
Error error_from(const json::value& problem_document);

} // namespace bhype
