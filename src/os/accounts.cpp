#include "os/accounts.h"

#include "base/error.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace bhype::os {

namespace {

/// getpwnam(3) names these as what systems return for an entry that does not exist.
bool means_absent(int error) {
    return error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
}

/// `ask` is one of the get*_r functions, bound to its key.
template <class Entry, class Ask>
bool fetch(Entry& entry, std::vector<char>& space, const Ask& ask) {
    space.resize(1024);
    for (;;) {
        Entry* found = nullptr;
        const int error = ask(&entry, space.data(), space.size(), &found);
        if (error == ERANGE && space.size() < (1U << 24)) { // a group may have thousands of members
            space.resize(space.size() * 4);
            continue;
        }
        if (error == EINTR)
            continue;
        if (found)
            return true;
        if (means_absent(error))
            return false;
        throw Error(Code::internal, std::string("name service: ") + std::strerror(error));
    }
}

template <class Ask>
std::optional<User> fetch_user(const Ask& ask) {
    passwd entry{};
    std::vector<char> space;
    if (!fetch(entry, space, ask))
        return std::nullopt;
    return User{entry.pw_name, entry.pw_uid, entry.pw_gid};
}

} // namespace

std::optional<User> find_user(const std::string& name) {
    return fetch_user([&](passwd* entry, char* space, std::size_t size, passwd** found) {
        return ::getpwnam_r(name.c_str(), entry, space, size, found);
    });
}

std::optional<User> find_user(uid_t uid) {
    return fetch_user([&](passwd* entry, char* space, std::size_t size, passwd** found) {
        return ::getpwuid_r(uid, entry, space, size, found);
    });
}

std::vector<std::string> groups_of(const User& user) {
    std::vector<gid_t> ids(32);
    for (;;) {
        int count = static_cast<int>(ids.size());
        if (::getgrouplist(user.name.c_str(), user.gid, ids.data(), &count) >= 0) {
            ids.resize(static_cast<std::size_t>(count));
            break;
        }
        // FreeBSD does not always say how many there are.
        if (ids.size() > 65536)
            throw Error(Code::internal, "name service: more than 65536 groups of " + user.name);
        ids.resize(ids.size() * 4);
    }
    std::vector<std::string> names;
    for (const gid_t id : ids) {
        group entry{};
        std::vector<char> space;
        const bool known = fetch(entry, space, [&](group* to, char* bytes, std::size_t size, group** found) {
            return ::getgrgid_r(id, to, bytes, size, found);
        });
        if (known && std::find(names.begin(), names.end(), entry.gr_name) == names.end())
            names.emplace_back(entry.gr_name);
    }
    return names;
}

bool group_exists(const std::string& name) {
    group entry{};
    std::vector<char> space;
    return fetch(entry, space, [&](group* to, char* bytes, std::size_t size, group** found) {
        return ::getgrnam_r(name.c_str(), to, bytes, size, found);
    });
}

} // namespace bhype::os
