#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace bhype::os {

/// A user as the name service has it: local files, LDAP, whatever nsswitch.conf(5) names.
struct User {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0; ///< primary group
};

/// None when there is no such user. Block as long as the name service does; Error(internal) when it failed to
/// tell, which is not the same as no.
std::optional<User> find_user(const std::string& name);
std::optional<User> find_user(uid_t uid);
/// Names of the groups of a user, the primary one first.
std::vector<std::string> groups_of(const User& user);
bool group_exists(const std::string& name);

} // namespace bhype::os
