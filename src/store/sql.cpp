#include "store/session.h"

#include "base/error.h"

#include <unordered_map>

namespace bhype::store {

namespace {

/// Where SOCI finds a parameter and puts a column. The address must stay as long as the statement.
struct Slot {
    long long integer = 0;
    double real = 0;
    std::string text;
    soci::indicator indicator = soci::i_ok;
};

/// 'n', 'i', 'r', 't': what a parameter is bound as.
char letter(const Value& value) {
    return "nirt"[value.data().index()];
}

struct Prepared {
    Prepared(soci::session& session, const std::string& text, std::string_view parameter_types,
             const std::vector<detail::ColumnType>& column_types)
        : statement(session), parameters(parameter_types.size()), columns(column_types.size()) {
        for (std::size_t i = 0; i < parameters.size(); ++i) {
            auto& slot = parameters[i];
            if (parameter_types[i] == 'i')
                statement.exchange(soci::use(slot.integer, slot.indicator));
            else if (parameter_types[i] == 'r')
                statement.exchange(soci::use(slot.real, slot.indicator));
            else
                statement.exchange(soci::use(slot.text, slot.indicator));
        }
        for (std::size_t i = 0; i < columns.size(); ++i) {
            auto& slot = columns[i];
            if (column_types[i] == detail::ColumnType::integer)
                statement.exchange(soci::into(slot.integer, slot.indicator));
            else if (column_types[i] == detail::ColumnType::real)
                statement.exchange(soci::into(slot.real, slot.indicator));
            else
                statement.exchange(soci::into(slot.text, slot.indicator));
        }
        statement.alloc();
        statement.prepare(text);
        statement.define_and_bind();
    }

    void bind(const std::vector<Value>& values) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            auto& slot = parameters[i];
            const auto& data = values[i].data();
            slot.indicator = data.index() == 0 ? soci::i_null : soci::i_ok;
            if (const auto* integer = std::get_if<std::int64_t>(&data))
                slot.integer = *integer;
            else if (const auto* real = std::get_if<double>(&data))
                slot.real = *real;
            else if (const auto* words = std::get_if<std::string>(&data))
                slot.text = *words;
        }
    }

    soci::statement statement;
    std::vector<Slot> parameters;
    std::vector<Slot> columns;
};

} // namespace

struct Sql::Impl {
    std::string path;
    std::unique_ptr<soci::session> session;
    std::unordered_map<std::string, std::unique_ptr<Prepared>> statements;

    /// Runs `use` with the prepared statement. One that failed is not kept: it may still hold a lock.
    template <class Use>
    auto with(std::string_view text, const std::vector<Value>& parameters,
              const std::vector<detail::ColumnType>& columns, Use use) {
        std::string key;
        key.reserve(text.size() + parameters.size() + columns.size() + 2);
        key = text;
        key += '\n';
        for (const auto& value : parameters)
            key += letter(value);
        key += '\n';
        for (const auto type : columns)
            key += static_cast<char>('0' + static_cast<int>(type));
        try {
            auto& prepared = statements[key];
            if (!prepared)
                prepared = std::make_unique<Prepared>(
                    *session, std::string(text),
                    std::string_view(key).substr(text.size() + 1, parameters.size()), columns);
            prepared->bind(parameters);
            return use(*prepared);
        } catch (const std::exception& error) {
            statements.erase(key);
            throw Error(Code::database, dialect::explain(error, path));
        }
    }
};

Sql::Sql(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Sql::~Sql() = default;

std::int64_t Sql::exec(std::string_view text, const std::vector<Value>& parameters) {
    return impl_->with(text, parameters, {}, [](Prepared& prepared) {
        prepared.statement.execute(true);
        return static_cast<std::int64_t>(prepared.statement.get_affected_rows());
    });
}

std::vector<std::vector<Value::Data>> Sql::fetch(std::string_view text, const std::vector<Value>& parameters,
                                                 const std::vector<detail::ColumnType>& columns) {
    return impl_->with(text, parameters, columns, [&](Prepared& prepared) {
        std::vector<std::vector<Value::Data>> found;
        // To the last row, always: a statement that is left in the middle keeps its lock.
        for (bool more = prepared.statement.execute(true); more; more = prepared.statement.fetch()) {
            auto& row = found.emplace_back(columns.size());
            for (std::size_t i = 0; i < columns.size(); ++i) {
                const auto& slot = prepared.columns[i];
                if (slot.indicator == soci::i_null)
                    continue;
                if (columns[i] == detail::ColumnType::integer)
                    row[i] = static_cast<std::int64_t>(slot.integer);
                else if (columns[i] == detail::ColumnType::real)
                    row[i] = slot.real;
                else
                    row[i] = slot.text;
            }
        }
        return found;
    });
}

Session::Session(const std::string& path, dialect::Access access, int busy_milliseconds)
    : sql_([&] {
          auto impl = std::make_unique<Sql::Impl>();
          impl->path = path;
          try {
              impl->session = dialect::open(path, access, busy_milliseconds);
          } catch (const Error&) {
              throw;
          } catch (const std::exception& error) {
              throw Error(Code::database, dialect::explain(error, path));
          }
          return impl;
      }()) {}
Session::~Session() {
    // Statements before the session that prepared them.
    sql_.impl_->statements.clear();
}

} // namespace bhype::store
