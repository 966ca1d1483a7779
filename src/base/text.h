#pragma once

#include "base/error.h"

#include <compare>
#include <string>
#include <string_view>

namespace bhype {

/// Facts about a type of text, for messages, for JSON Schema and for the command line.
struct TextRule {
    std::string_view name;    ///< "VM name"
    std::string_view rule;    ///< a sentence for people: what is accepted
    std::string_view pattern; ///< ECMA-262 regular expression, anchored, says the same
    std::string_view example;
    std::size_t longest = 0;
};

/// Base of every kind of text with a rule. A value of such a type is valid by construction.
/// Derived gives `static const TextRule& text_rule()` and `static bool accepts(std::string_view)`.
template <class Derived>
class Text {
  public:
    /// Throws Error(invalid_field) with the rule; `field` is named in the problem.
    static Derived from(std::string_view text, std::string_view field = {}) {
        if (!Derived::accepts(text))
            throw Error(Code::invalid_field, {},
                        {{std::string(field.empty() ? Derived::text_rule().name : field),
                          std::string(Derived::text_rule().rule)}});
        Derived value;
        value.text_ = text;
        return value;
    }
    static std::optional<Derived> parse(std::string_view text) {
        if (!Derived::accepts(text))
            return std::nullopt;
        Derived value;
        value.text_ = text;
        return value;
    }

    const std::string& str() const { return text_; }
    bool empty() const { return text_.empty(); }
    std::strong_ordering operator<=>(const Text& other) const { return text_.compare(other.text_) <=> 0; }
    bool operator==(const Text& other) const { return text_ == other.text_; }

  protected:
    Text() = default;

  private:
    std::string text_;
};

/// Declares `struct NAME`, a kind of text. The definitions of its rule and accepts() are in types.cpp.
#define BHYPE_TEXT(NAME)                                                                                     \
    class NAME : public Text<NAME> {                                                                         \
      public:                                                                                                \
        NAME() = default;                                                                                    \
        static const TextRule& text_rule();                                                                  \
        static bool accepts(std::string_view text);                                                          \
    }

} // namespace bhype
