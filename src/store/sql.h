#pragma once

// What a room may say to the database: statements with bound values, rows with typed columns. No text is ever
// put together from values. The SQL is the part that SQLite and MariaDB share; what differs is in dialect.h.

#include "base/text.h"

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

namespace bhype::store {

/// A value on its way in or out. Enumerations go through enum_name() first.
class Value {
  public:
    using Data = std::variant<std::monostate, std::int64_t, double, std::string>;

    Value() = default;
    Value(std::nullopt_t) {}
    Value(const char* text) : data_(std::string(text)) {}
    Value(std::string_view text) : data_(std::string(text)) {}
    Value(std::string text) : data_(std::move(text)) {}
    Value(double number) : data_(number) {}
    template <std::integral T>
    Value(T number) : data_(static_cast<std::int64_t>(number)) {}
    template <class Derived>
    Value(const Text<Derived>& text) : data_(text.str()) {}
    template <class T>
    Value(const std::optional<T>& value) {
        if (value)
            *this = Value(*value);
    }

    const Data& data() const { return data_; }

  private:
    Data data_;
};

namespace detail {

enum class ColumnType { integer, real, text };

template <class T>
struct Column {
    static_assert(std::is_integral_v<T> || std::is_same_v<T, double> || std::is_same_v<T, std::string>,
                  "columns are integers, double, std::string, or std::optional of them");
    static constexpr ColumnType type = std::is_same_v<T, double>        ? ColumnType::real
                                       : std::is_same_v<T, std::string> ? ColumnType::text
                                                                        : ColumnType::integer;
    /// NULL reads as the type's zero; ask for std::optional where that matters.
    static T take(Value::Data& data) {
        if constexpr (type == ColumnType::integer)
            return data.index() == 0 ? T{} : static_cast<T>(std::get<std::int64_t>(data));
        else
            return data.index() == 0 ? T{} : std::move(std::get<T>(data));
    }
};
template <class T>
struct Column<std::optional<T>> {
    static constexpr ColumnType type = Column<T>::type;
    static std::optional<T> take(Value::Data& data) {
        return data.index() == 0 ? std::nullopt : std::optional<T>(Column<T>::take(data));
    }
};

} // namespace detail

/// A session inside a transaction. Every failure is Error(database); parameters are written `:name` and are
/// bound in the order in which they stand. Statements are prepared once for a session, hence texts are
/// literals.
class Sql {
  public:
    ~Sql();
    Sql(const Sql&) = delete;
    Sql& operator=(const Sql&) = delete;

    /// Returns how many rows were inserted or deleted, or matched by an update.
    std::int64_t exec(std::string_view text, const std::vector<Value>& parameters = {});

    template <class... Columns>
    std::vector<std::tuple<Columns...>> rows(std::string_view text,
                                             const std::vector<Value>& parameters = {}) {
        std::vector<std::tuple<Columns...>> found;
        auto raw = fetch(text, parameters, {detail::Column<Columns>::type...});
        found.reserve(raw.size());
        for (auto& row : raw)
            found.push_back(take<Columns...>(row, std::index_sequence_for<Columns...>{}));
        return found;
    }
    /// The first row, if any.
    template <class... Columns>
    std::optional<std::tuple<Columns...>> row(std::string_view text,
                                              const std::vector<Value>& parameters = {}) {
        auto found = rows<Columns...>(text, parameters);
        if (found.empty())
            return std::nullopt;
        return std::move(found.front());
    }

  private:
    friend class Session;
    struct Impl;
    explicit Sql(std::unique_ptr<Impl> impl);

    template <class... Columns, std::size_t... I>
    static std::tuple<Columns...> take(std::vector<Value::Data>& row, std::index_sequence<I...>) {
        return {detail::Column<Columns>::take(row[I])...};
    }
    std::vector<std::vector<Value::Data>> fetch(std::string_view text, const std::vector<Value>& parameters,
                                                const std::vector<detail::ColumnType>& columns);

    std::unique_ptr<Impl> impl_;
};

} // namespace bhype::store
