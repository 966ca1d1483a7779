#include "store/documents.h"

namespace bhype::store {

namespace {

void write(Sql& sql, std::string_view kind, std::string_view name, std::string_view body) {
    if (sql.exec("UPDATE documents SET body = :body WHERE kind = :kind AND name = :name",
                 {body, kind, name}) == 0)
        sql.exec("INSERT INTO documents (kind, name, body) VALUES (:kind, :name, :body)", {kind, name, body});
}

} // namespace

std::map<std::string, std::string> Documents::bodies(std::string_view kind) const {
    std::map<std::string, std::string> found;
    for (auto& [name, body] : database_.read([&](Sql& sql) {
             return sql.rows<std::string, std::string>("SELECT name, body FROM documents WHERE kind = :kind",
                                                       {kind});
         }))
        found.emplace(std::move(name), std::move(body));
    return found;
}

std::optional<std::string> Documents::body(std::string_view kind, std::string_view name) const {
    auto row = database_.read([&](Sql& sql) {
        return sql.row<std::string>("SELECT body FROM documents WHERE kind = :kind AND name = :name",
                                    {kind, name});
    });
    return row ? std::optional(std::move(std::get<0>(*row))) : std::nullopt;
}

void Documents::put_text(std::string_view kind, std::string_view name, const std::string& body) {
    database_.write([&](Sql& sql) { write(sql, kind, name, body); });
}

void Documents::put_text_later(std::string_view kind, std::string_view name, std::string body) {
    database_.write_later(
        [kind = std::string(kind), name = std::string(name), body = std::move(body)](Sql& sql) {
            try {
                write(sql, kind, name, body);
            } catch (const Error& error) {
                log::error("{} {} was not written: {}", kind, name, error.what());
                throw;
            }
        });
}

void Documents::replace_texts(std::string_view kind, const std::map<std::string, std::string>& texts) {
    database_.write([&](Sql& sql) {
        sql.exec("DELETE FROM documents WHERE kind = :kind", {kind});
        for (const auto& [name, body] : texts)
            write(sql, kind, name, body);
    });
}

void Documents::remove(std::string_view kind, std::string_view name) {
    database_.write([&](Sql& sql) {
        sql.exec("DELETE FROM documents WHERE kind = :kind AND name = :name", {kind, name});
    });
}

} // namespace bhype::store
