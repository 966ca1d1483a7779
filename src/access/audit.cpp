#include "access/audit.h"

#include "base/error.h"
#include "base/log.h"

namespace bhype::access {

namespace {

/// Entries that wait for the database; more mean that it does not keep up, and memory has an end.
constexpr int most_waiting = 10'000;
constexpr std::int64_t prune_every = 256;

/// At the end of a character.
void cut(std::string& text, std::size_t longest) {
    if (text.size() <= longest)
        return;
    while (longest > 0 && (static_cast<unsigned char>(text[longest]) & 0xc0U) == 0x80)
        --longest;
    text.resize(longest);
}

std::string line(const AuditEntry& entry) {
    return fmt::format("{} {} {} {}: {} {}", entry.user.empty() ? "-" : entry.user, entry.source,
                       entry.endpoint, entry.object, entry.outcome, entry.task);
}

} // namespace

Audit::Audit(store::Database& database, AuditLimits limits, Clocks clocks)
    : database_(database), limits_(limits), clocks_(std::move(clocks)), minute_(clocks_.steady()) {}

void Audit::record(AuditEntry entry) {
    if (entry.user.empty()) {
        const std::lock_guard lock(mutex_);
        const auto now = clocks_.steady();
        if (now - minute_ >= std::chrono::minutes(1)) {
            if (strangers_ > limits_.strangers)
                log::warning("audit: {} refusals of requests without a user were not kept",
                             strangers_ - limits_.strangers);
            minute_ = now;
            strangers_ = 0;
        }
        if (++strangers_ > limits_.strangers)
            return;
    }
    entry.moment = clocks_.epoch();
    cut(entry.object, 255);
    cut(entry.source, 64);
    if (*waiting_ >= most_waiting) {
        log::warning("audit, not kept: {}", line(entry));
        return;
    }
    const auto write = [entry, waiting = waiting_, most = limits_.most](store::Sql& sql) {
        --*waiting;
        try {
            const auto last = sql.row<std::int64_t>("SELECT COALESCE(MAX(number), 0) FROM audit");
            const auto number = std::get<0>(last.value()) + 1;
            sql.exec("INSERT INTO audit (number, moment, username, source, endpoint, object, outcome, task) "
                     "VALUES (:number, :moment, :username, :source, :endpoint, :object, :outcome, :task)",
                     {number, entry.moment, entry.user, entry.source, entry.endpoint, entry.object,
                      entry.outcome, entry.task});
            if (number % prune_every == 0)
                sql.exec("DELETE FROM audit WHERE number <= :number", {number - most});
        } catch (const Error& error) {
            log::error("audit, not kept: {}: {}", line(entry), error.what());
            throw;
        }
    };
    ++*waiting_;
    try {
        database_.write_later(write);
    } catch (const Error& error) {
        log::error("audit, not kept: {}: {}", line(entry), error.what());
    }
}

std::vector<AuditEntry> Audit::list(const AuditQuery& query) const {
    const auto before = query.before > 0 ? query.before : INT64_MAX;
    std::vector<AuditEntry> entries;
    for (auto& [number, moment, user, source, endpoint, object, outcome, task] :
         database_.read([&](store::Sql& sql) {
             return sql.rows<std::int64_t, std::int64_t, std::string, std::string, std::string, std::string,
                             std::string, std::string>(
                 "SELECT number, moment, username, source, endpoint, object, outcome, task FROM audit "
                 "WHERE number < :before AND (:anybody = 1 OR username = :username) "
                 "AND (:anything = 1 OR object = :object) ORDER BY number DESC LIMIT :most",
                 {before, query.user.empty() ? 1 : 0, query.user, query.object.empty() ? 1 : 0, query.object,
                  query.most});
         }))
        entries.push_back({number, moment, std::move(user), std::move(source), std::move(endpoint),
                           std::move(object), std::move(outcome), std::move(task)});
    return entries;
}

} // namespace bhype::access
