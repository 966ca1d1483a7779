#include "access/accounts.h"

#include "base/log.h"

#include <algorithm>

namespace bhype::access {

namespace {

constexpr std::chrono::seconds fresh_for{3};
constexpr std::chrono::seconds trusted_for{30};
constexpr std::chrono::minutes refreshed_for{5};
constexpr std::size_t most_entries = 4096;

} // namespace

Role role_of(uid_t uid, const std::vector<std::string>& groups) {
    const auto in = [&](std::string_view name) {
        return std::find(groups.begin(), groups.end(), name) != groups.end();
    };
    if (uid == 0 || in(administrators_group))
        return Role::administrator;
    if (in(members_group))
        return Role::member;
    return in(viewers_group) ? Role::viewer : Role::none;
}

Accounts::Accounts(Directory directory, Clocks clocks)
    : directory_(std::move(directory)), clocks_(std::move(clocks)) {}

std::optional<Accounts::Found> Accounts::peek(const UserName& name) {
    return peek_key(name.str());
}
std::optional<Accounts::Found> Accounts::peek(uid_t uid) {
    return peek_key('#' + std::to_string(uid));
}
Accounts::Found Accounts::look(const UserName& name) {
    return look_key(name.str());
}
Accounts::Found Accounts::look(uid_t uid) {
    return look_key('#' + std::to_string(uid));
}

Accounts::Found Accounts::look_anew(const UserName& name) {
    return remember(name.str(), ask(name.str()));
}

std::optional<Accounts::Found> Accounts::remembered(const UserName& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(name.str());
    return found == entries_.end() ? std::nullopt : std::optional(found->second.account);
}

std::optional<Accounts::Found> Accounts::peek_key(const std::string& key) {
    const auto now = clocks_.steady();
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end())
        return std::nullopt;
    found->second.asked = now;
    if (now - found->second.looked > trusted_for)
        return std::nullopt;
    return found->second.account;
}

Accounts::Found Accounts::look_key(const std::string& key) {
    {
        const auto now = clocks_.steady();
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(key);
        if (found != entries_.end() && now - found->second.looked <= fresh_for) {
            found->second.asked = now;
            return found->second.account;
        }
    }
    return remember(key, ask(key));
}

Accounts::Found Accounts::ask(const std::string& key) const {
    const auto user = key.front() == '#' ? directory_.by_uid(static_cast<uid_t>(std::stoul(key.substr(1))))
                                         : directory_.by_name(key);
    if (!user)
        return nullptr;
    // A directory that does not mind upper and lower case answers with the account's own spelling.
    const auto name = UserName::parse(user->name);
    if (!name || (key.front() != '#' && name->str() != key))
        return nullptr;
    auto account = std::make_shared<Account>();
    account->name = *name;
    account->uid = user->uid;
    account->groups = directory_.groups(*user);
    std::sort(account->groups.begin(), account->groups.end());
    account->role = role_of(account->uid, account->groups);
    return account;
}

Accounts::Found Accounts::remember(const std::string& key, Found account) {
    const auto now = clocks_.steady();
    const std::lock_guard lock(mutex_);
    if (entries_.size() >= most_entries && !entries_.contains(key))
        entries_.clear(); // they are asked for again; no host has so many users at once
    auto& entry = entries_[key];
    entry.account = account;
    entry.looked = now;
    entry.asked = std::max(entry.asked, now);
    return account;
}

void Accounts::refresh() {
    std::vector<std::string> wanted;
    {
        const auto now = clocks_.steady();
        const std::lock_guard lock(mutex_);
        std::erase_if(entries_, [&](const auto& entry) { return now - entry.second.asked > refreshed_for; });
        for (const auto& [key, entry] : entries_)
            wanted.push_back(key);
    }
    for (const auto& key : wanted) {
        try {
            auto account = ask(key);
            const auto now = clocks_.steady();
            const std::lock_guard lock(mutex_);
            if (const auto found = entries_.find(key); found != entries_.end()) {
                found->second.account = std::move(account);
                found->second.looked = now;
            }
        } catch (const Error& error) {
            log::warning("account {}: {}", key, error.what());
        }
    }
}

bool Accounts::may_own(const UserName& name) const {
    const auto account = ask(name.str());
    return account && (account->role == Role::member || account->role == Role::administrator);
}

bool Accounts::group_exists(const GroupName& name) const {
    return directory_.group_exists(name.str());
}

} // namespace bhype::access
