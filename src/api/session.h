#pragma once

#include "api/endpoint.h"
#include "api/events.h"
#include "api/gate.h"

namespace bhype::api {

enum class RoleName { none, viewer, member, administrator };
BOOST_DESCRIBE_ENUM(RoleName, none, viewer, member, administrator)

struct WhoAmI {
    std::string user;
    RoleName role = RoleName::none;
    std::vector<std::string> groups;
    std::string source; ///< the client's address, or "cli"
};
BOOST_DESCRIBE_STRUCT(WhoAmI, (), (user, role, groups, source))

struct Version {
    std::string version;
    std::string api;
};
BOOST_DESCRIBE_STRUCT(Version, (), (version, api))

/// POST and DELETE /session, /whoami. `ended` is told the hash of a session that logged out.
void declare_session(Router& router, Gate& gate, std::function<void(const std::string& session)> ended);
/// /version and /openapi.json. Call last: the document is written at the first request and kept.
void declare_about(Router& router);

} // namespace bhype::api
