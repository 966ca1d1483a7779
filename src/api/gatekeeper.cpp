#include "api/gatekeeper.h"

#include "access/token.h"
#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

namespace bhype::api {

namespace {

using access::Account;
using access::Caller;
using access::Role;

constexpr std::chrono::seconds flush_every{60};
constexpr std::chrono::seconds check_every{30};

/// Root needs no look-up, and must get in while the name service hangs.
Caller root() {
    Caller caller;
    caller.user = UserName::from("root");
    caller.role = Role::administrator;
    caller.source = "cli";
    return caller;
}

Caller caller_of(const Account& account, const std::string& source, const std::string& session) {
    return {account.name, account.role, account.groups, source, session};
}

/// Whether the account is the one that logged in and may still be here.
bool holds(const access::Accounts::Found& account, const access::Sessions::Session& session) {
    return account && account->uid == session.uid && account->role != Role::none;
}

} // namespace

Gatekeeper::Gatekeeper(wire::Host& host, access::Accounts& accounts, access::Sessions& sessions,
                       access::Limiter& limiter, std::function<void(const std::string& session)> ended,
                       access::Clocks clocks)
    : host_(host), accounts_(accounts), sessions_(sessions), limiter_(limiter), ended_(std::move(ended)),
      clocks_(std::move(clocks)), flushed_(clocks_.steady()), checked_(flushed_) {
    for (const auto& session : sessions_.all())
        limiter_.know(session.user.str(), session.source);
}

Gatekeeper::~Gatekeeper() {
    stop();
}

void Gatekeeper::start(std::chrono::milliseconds every) {
    thread_ = std::thread([this, every] { run(every); });
}

void Gatekeeper::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable())
        thread_.join();
}

Gate::Glance Gatekeeper::glance(std::string_view cookie, const http::Client& client) {
    if (client.local) {
        if (client.uid == 0)
            return {root(), true};
        const auto account = accounts_.peek(client.uid);
        if (!account)
            return {std::nullopt, false};
        return {*account ? std::optional(caller_of(**account, client.address, {})) : std::nullopt, true};
    }
    const auto session = sessions_.find(access::token_hash(cookie), true);
    if (!session)
        return {std::nullopt, true};
    const auto account = accounts_.peek(session->user);
    if (!account)
        return {std::nullopt, false};
    return {holds(*account, *session) ? std::optional(caller_of(**account, client.address, session->hash))
                                      : std::nullopt,
            true};
}

std::optional<Caller> Gatekeeper::identify(std::string_view cookie, const http::Client& client) {
    if (client.local) {
        if (client.uid == 0)
            return root();
        const auto account = accounts_.look(client.uid);
        return account ? std::optional(caller_of(*account, client.address, {})) : std::nullopt;
    }
    const auto session = sessions_.find(access::token_hash(cookie), true);
    if (!session)
        return std::nullopt;
    const auto account = accounts_.look(session->user);
    if (holds(account, *session))
        return caller_of(*account, client.address, session->hash);
    end(session->hash);
    return std::nullopt;
}

bool Gatekeeper::still(const Caller& caller) {
    std::optional<access::Sessions::Session> session;
    if (caller.session.empty()) {
        if (caller.user.str() == "root")
            return true;
    } else {
        session = sessions_.find(caller.session, false);
        if (!session)
            return false;
    }
    const auto account = accounts_.peek(caller.user);
    // What memory does not tell is looked up by look() soon; nobody is cut off because the name service
    // hangs.
    if (!account)
        return true;
    return *account && (!session || holds(*account, *session)) && (*account)->role == caller.role &&
           (*account)->groups == caller.groups;
}

bool Gatekeeper::password_right(const UserName& user, const Secret& password, const std::string& source) {
    const Fd reading = readable(password); // 1024 bytes at most
    return host_.call(host::PasswordCheck{user, source}, {.id = {}, .descriptor = reading.get()}).accepted;
}

Gate::LogIn Gatekeeper::log_in(const std::string& user, const Secret& password, const http::Client& client) {
    const auto name = UserName::parse(user);
    const std::string key = name ? name->str() : std::string();
    if (const auto wait = limiter_.refused(key, client.address))
        throw RetryLater(Code::too_many_attempts, *wait);
    if (!name || password.reveal().size() > 1024)
        throw Error(Code::bad_credentials);
    Found account;
    try {
        if (!password_right(*name, password, client.address))
            throw Error(Code::bad_credentials);
        account = accounts_.look_anew(*name);
    } catch (const Error& error) {
        if (error.code() != Code::bad_credentials && error.code() != Code::result_unknown)
            limiter_.give_back(key, client.address);
        throw;
    }
    if (!account)
        throw Error(Code::bad_credentials); // gone since
    limiter_.succeeded(key, client.address);
    if (account->role == Role::none)
        throw Error(Code::forbidden,
                    fmt::format("{} is in none of the groups {}, {} and {}", name->str(),
                                access::administrators_group, access::members_group, access::viewers_group));
    auto opened = sessions_.open(*name, account->uid, client.address);
    if (ended_)
        for (const auto& session : opened.ended)
            ended_(session);
    return {caller_of(*account, client.address, opened.session.hash), std::move(opened.token)};
}

void Gatekeeper::log_out(const Caller& caller) {
    if (!caller.session.empty())
        sessions_.end(caller.session);
}

void Gatekeeper::end(const std::string& session) {
    try {
        sessions_.end(session);
    } catch (const Error& error) {
        log::error("sessions: {}", error.what());
    }
    if (ended_)
        ended_(session);
}

void Gatekeeper::look() {
    accounts_.refresh();
    for (const auto& session : sessions_.all())
        if (const auto account = accounts_.remembered(session.user); account && !holds(*account, session))
            end(session.hash);
    const auto now = clocks_.steady();
    if (now - checked_ >= check_every) {
        checked_ = now;
        end_barred();
    }
    if (now - flushed_ < flush_every)
        return;
    flushed_ = now;
    for (const auto& session : sessions_.flush())
        if (ended_)
            ended_(session);
}

void Gatekeeper::end_barred() {
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> in_use;
    for (const auto& session : sessions_.all())
        if (accounts_.remembered(session.user))
            in_use[{session.user.str(), session.source}].push_back(session.hash);
    for (const auto& [who, sessions] : in_use) {
        const host::AccountCheck check{UserName::from(who.first), who.second};
        try {
            if (!host_.call(check).barred)
                continue;
        } catch (const Error&) {
            return; // hostd is away; it will be asked again
        }
        log::info("{} is locked or expired: its sessions end", who.first);
        for (const auto& session : sessions)
            end(session);
    }
}

void Gatekeeper::run(std::chrono::milliseconds every) {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, every, [this] { return stopping_; })) {
        lock.unlock();
        try {
            look();
        } catch (const std::exception& error) {
            log::error("access: {}", error.what());
        }
        lock.lock();
    }
}

} // namespace bhype::api
