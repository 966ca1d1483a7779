#pragma once

// Small things that one room alone reads, each a described struct as JSON: settings, switches, how VMs ended.
// What is searched for or counted has a table of its own.

#include "base/json.h"
#include "base/log.h"
#include "store/database.h"

namespace bhype::store {

/// `kind` is at most 32 characters, `name` at most 255. One that cannot be read is logged and left out, so
/// that a damaged one does not take the others with it.
class Documents {
  public:
    explicit Documents(Database& database) : database_(database) {}

    template <class T>
    std::map<std::string, T> all(std::string_view kind) const {
        std::map<std::string, T> found;
        for (auto& [name, body] : bodies(kind))
            if (auto value = decoded<T>(kind, name, body))
                found.emplace(name, std::move(*value));
        return found;
    }
    template <class T>
    std::optional<T> find(std::string_view kind, std::string_view name) const {
        const auto text = body(kind, name);
        return text ? decoded<T>(kind, name, *text) : std::nullopt;
    }
    /// Durable when it returns.
    template <class T>
    void put(std::string_view kind, std::string_view name, const T& value) {
        put_text(kind, name, encode_text(value));
    }
    /// Does not wait; a failure is logged.
    template <class T>
    void put_later(std::string_view kind, std::string_view name, const T& value) {
        put_text_later(kind, name, encode_text(value));
    }
    /// Makes these all there are of that kind. Durable when it returns.
    template <class T>
    void replace(std::string_view kind, const std::map<std::string, T>& all) {
        std::map<std::string, std::string> texts;
        for (const auto& [name, value] : all)
            texts[name] = encode_text(value);
        replace_texts(kind, texts);
    }
    void remove(std::string_view kind, std::string_view name);

  private:
    template <class T>
    static std::optional<T> decoded(std::string_view kind, std::string_view name, std::string_view body) {
        try {
            return decode_text<T>(body);
        } catch (const Error& error) {
            log::error("database: {} {} cannot be read: {}", kind, name, error.what());
            return std::nullopt;
        }
    }
    std::map<std::string, std::string> bodies(std::string_view kind) const;
    std::optional<std::string> body(std::string_view kind, std::string_view name) const;
    void put_text(std::string_view kind, std::string_view name, const std::string& body);
    void put_text_later(std::string_view kind, std::string_view name, std::string body);
    void replace_texts(std::string_view kind, const std::map<std::string, std::string>& texts);

    Database& database_;
};

} // namespace bhype::store
