#include "api/audit.h"

namespace bhype::api {

/// An entry as the API shows it.
struct AuditEntry {
    std::int64_t number = 0;
    std::int64_t time = 0; ///< epoch seconds
    std::string user;
    std::string source;
    std::string action; ///< "POST /api/v1/vms/{name}/start"
    std::string object;
    std::string outcome;
    std::optional<std::string> task;
};
BOOST_DESCRIBE_STRUCT(AuditEntry, (), (number, time, user, source, action, object, outcome, task))

std::function<void(const AuditRecord&)> audit_into(access::Audit& audit) {
    return [&audit](const AuditRecord& record) {
        access::AuditEntry entry;
        entry.user = record.user;
        entry.source = record.source;
        entry.endpoint = std::string(method_text(record.method)) + ' ' + record.path;
        entry.object = record.object;
        entry.outcome = record.code.empty() ? "ok" : record.code;
        entry.task = record.task;
        audit.record(std::move(entry));
    };
}

void declare_audit(Router& router, const access::Audit& audit) {
    router.add<std::vector<AuditEntry>>(
        {.method = Method::get,
         .path = "/api/v1/audit",
         .privilege = access::Privilege::administer,
         .summary = "Who changed what or tried to, newest first; a task's own outcome is in the task",
         .tag = "audit",
         .query = {{"before", "only entries with a smaller number: the last one of the page before"},
                   {"user", "only those of this user"},
                   {"object", "only those about this: web1"},
                   {"most", "at most so many, 1 to 1000; 100 unless told"}}},
        [&audit](const Call& call) {
            access::AuditQuery query;
            query.before = query_number(call, "before", 0, 1, INT64_MAX);
            query.most = query_number(call, "most", 100, 1, 1000);
            query.user = query_user(call);
            query.object = query_object(call);
            std::vector<AuditEntry> entries;
            for (auto& entry : audit.list(query)) {
                entries.push_back({entry.number, entry.moment, entry.user, entry.source, entry.endpoint,
                                   entry.object, entry.outcome, std::nullopt});
                if (!entry.task.empty())
                    entries.back().task = entry.task;
            }
            return Reply{.body = encode(entries)};
        });
}

} // namespace bhype::api
