#pragma once

#include "lab/core/command.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bhype::lab {

enum class OidType { integer, unsigned_integer, long_integer, unsigned_long, string };
enum class OidAccess { read_only, read_write, read_only_tunable, tunable };

/// One variable of sysctl(8).
struct Oid {
    std::string_view name;
    OidType type;
    OidAccess access;
    std::function<std::string()> value; ///< what it is before anybody sets it
    std::string_view source;
    std::string_view module{}; ///< it is there while that module is loaded
    int first_release{13};     ///< major releases that have it
    int last_release{99};
};

/// The variables that this release has now, by name.
std::vector<const Oid*> present_oids();

/// The value now.
std::string current_value(const Oid& oid);

/// Sets it until the next boot, with its effect. Returns 0 or an errno.
int set_value(const Oid& oid, const std::string& value);

/// Makes packets within bridges pass the firewall, or not, as net.link.bridge.pfil_* say.
void apply_bridge_filtering();

/// current_value() by name; empty if the release has no such variable.
std::string sysctl_value(std::string_view name);

} // namespace bhype::lab
