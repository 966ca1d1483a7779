#include "access/ownerships.h"

namespace bhype::access {

namespace {

std::string object(std::string_view kind, std::string_view name) {
    return std::string(kind) + '/' + std::string(name);
}

} // namespace

std::map<std::string, Ownership> Ownerships::all(std::string_view kind) const {
    const auto first = object(kind, "");
    auto last = first;
    ++last.back(); // '0' comes after '/'
    std::map<std::string, Ownership> found;
    for (auto& [name, owner, group] : database_.read([&](store::Sql& sql) {
             return sql.rows<std::string, std::string, std::string>(
                 "SELECT object, owner, usergroup FROM ownership WHERE object >= :first AND object < :last",
                 {first, last});
         }))
        found.emplace(name.substr(first.size()), Ownership{std::move(owner), std::move(group)});
    return found;
}

void Ownerships::set(std::string_view kind, std::string_view name, const Ownership& ownership) {
    database_.write([&](store::Sql& sql) {
        if (sql.exec("UPDATE ownership SET owner = :owner, usergroup = :usergroup WHERE object = :object",
                     {ownership.owner, ownership.group, object(kind, name)}) == 0)
            sql.exec("INSERT INTO ownership (object, owner, usergroup) VALUES (:object, :owner, :usergroup)",
                     {object(kind, name), ownership.owner, ownership.group});
    });
}

void Ownerships::forget(std::string_view kind, std::string_view name) {
    database_.write([&](store::Sql& sql) {
        sql.exec("DELETE FROM ownership WHERE object = :object", {object(kind, name)});
    });
}

} // namespace bhype::access
