#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace bhype::lab {

/// An account that is made for a lab.
struct NewAccount {
    std::string name;
    std::string password;
    std::vector<std::string> groups;
};

/// NAME:PASSWORD[:GROUP,...]. Throws std::invalid_argument.
NewAccount parse_account(const std::string& text);

/// Writes passwd, group and shadow as a fresh FreeBSD has them, and the given accounts with a home each.
void write_accounts(const std::filesystem::path& root, const std::vector<NewAccount>& accounts);

struct Account {
    std::string name;
    uid_t uid{};
    gid_t gid{};
    std::vector<gid_t> groups; ///< its own group among them
    std::string home;
};

/// Reads the files themselves: the library's functions would look at the machine's configuration.
std::optional<Account> find_account(const std::filesystem::path& etc, const std::string& name);

/// Numbers of a group; absent if there is none of that name.
std::optional<gid_t> find_group(const std::filesystem::path& etc, const std::string& name);

} // namespace bhype::lab
