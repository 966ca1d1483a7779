#pragma once

// The host's accounts and what they may do here.

#include "access/caller.h"
#include "access/clocks.h"
#include "os/accounts.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

namespace bhype::access {

inline constexpr std::string_view administrators_group = "wheel";
inline constexpr std::string_view members_group = "bhype";
inline constexpr std::string_view viewers_group = "bhype-view";

struct Account {
    UserName name;
    uid_t uid = 0;
    Role role = Role::none;
    std::vector<std::string> groups; ///< sorted
    bool operator==(const Account&) const = default;
};

/// Where accounts come from; tests have their own. As os/accounts.h says of each.
struct Directory {
    std::function<std::optional<os::User>(const std::string&)> by_name = [](const std::string& name) {
        return os::find_user(name);
    };
    std::function<std::optional<os::User>(uid_t)> by_uid = [](uid_t uid) { return os::find_user(uid); };
    std::function<std::vector<std::string>(const os::User&)> groups = os::groups_of;
    std::function<bool(const std::string&)> group_exists = os::group_exists;
};

/// Remembers accounts so that the io thread need not ask the name service, which may block. Those that were
/// asked for within five minutes are looked at again by refresh(), which is called every three seconds: a
/// change of groups takes effect within that. When the name service hangs, an answer is good for thirty
/// seconds. Safe to use from several threads.
class Accounts {
  public:
    explicit Accounts(Directory directory = {}, Clocks clocks = {});

    /// Null: there is no such account, or its name is none that bHype takes.
    using Found = std::shared_ptr<const Account>;

    /// From memory; nothing when memory does not tell.
    std::optional<Found> peek(const UserName& name);
    std::optional<Found> peek(uid_t uid);
    /// The same, without counting as asked for.
    std::optional<Found> remembered(const UserName& name) const;
    /// Asks the name service; an answer of the last three seconds will do. Throws Error(internal) when it
    /// failed.
    Found look(const UserName& name);
    Found look(uid_t uid);
    /// Asks the name service.
    Found look_anew(const UserName& name);
    /// Asks again for those that were asked for lately and forgets the others. Failures are logged.
    void refresh();

    /// Whether it is an account whose role lets it have VMs.
    bool may_own(const UserName& name) const;
    bool group_exists(const GroupName& name) const;

  private:
    struct Entry {
        Found account;
        Steady::time_point looked;
        Steady::time_point asked;
    };
    /// "#1001" or "dev1": user names do not begin with '#'.
    std::optional<Found> peek_key(const std::string& key);
    Found look_key(const std::string& key);
    Found ask(const std::string& key) const;
    Found remember(const std::string& key, Found account);

    Directory directory_;
    Clocks clocks_;
    mutable std::mutex mutex_;
    std::map<std::string, Entry> entries_;
};

/// wheel, else bhype, else bhype-view, else none; uid 0 administers whatever its groups are.
Role role_of(uid_t uid, const std::vector<std::string>& groups);

} // namespace bhype::access
