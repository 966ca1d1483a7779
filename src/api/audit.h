#pragma once

#include "access/audit.h"
#include "api/dispatch.h"

namespace bhype::api {

/// For Dispatch: keeps its records.
std::function<void(const AuditRecord&)> audit_into(access::Audit& audit);

/// GET /api/v1/audit, for administrators.
void declare_audit(Router& router, const access::Audit& audit);

} // namespace bhype::api
