#pragma once

#include "access/accounts.h"
#include "access/limiter.h"
#include "access/sessions.h"
#include "api/gate.h"
#include "wire/host.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace bhype::api {

/// The gate over the host's accounts, the kept sessions and hostd's check of passwords.
///
/// A log-in needs the right password and a role. Unknown user and wrong password get the same answer; an
/// account without a role is told Error(forbidden), but only with the right password: who has that knows that
/// the account is there, guesses are limited all the same, and "wrong" would send its owner to change a
/// password that is right.
///
/// Every three seconds the accounts that are in use are looked at again: a session of an account that has
/// gone, has another uid or no role any more ends. Every thirty seconds PAM is asked whether they are locked
/// or expired; while hostd does not answer, nobody is.
class Gatekeeper : public Gate {
  public:
    /// `ended` is told the hashes of sessions that end other than by log_out(), on some thread.
    Gatekeeper(wire::Host& host, access::Accounts& accounts, access::Sessions& sessions,
               access::Limiter& limiter, std::function<void(const std::string& session)> ended = {},
               access::Clocks clocks = {});
    ~Gatekeeper() override;

    Glance glance(std::string_view cookie, const http::Client& client) override;
    std::optional<access::Caller> identify(std::string_view cookie, const http::Client& client) override;
    bool still(const access::Caller& caller) override;
    LogIn log_in(const std::string& user, const Secret& password, const http::Client& client) override;
    void log_out(const access::Caller& caller) override;

    /// From here on look() is called by itself.
    void start(std::chrono::milliseconds every = std::chrono::seconds(3));
    void stop();
    void look();

  private:
    using Found = access::Accounts::Found;
    bool password_right(const UserName& user, const Secret& password, const std::string& source);
    void end(const std::string& session);
    void end_barred();
    void run(std::chrono::milliseconds every);

    wire::Host& host_;
    access::Accounts& accounts_;
    access::Sessions& sessions_;
    access::Limiter& limiter_;
    std::function<void(const std::string&)> ended_;
    access::Clocks clocks_;

    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    access::Steady::time_point flushed_;
    access::Steady::time_point checked_; ///< by PAM
    std::thread thread_;
};

} // namespace bhype::api
