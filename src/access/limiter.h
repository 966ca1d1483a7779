#pragma once

// Limits on log-in attempts. In memory: a restart forgives, and takes longer than the wait.

#include "access/clocks.h"
#include "base/types.h"

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace bhype::access {

/// The rule. Each attempt takes a token from three buckets before the password is looked at; a right password
/// puts them back, a bucket without a token refuses:
/// - the account from this source: 5, one comes back every five minutes;
/// - the account from anywhere: 50, one a minute;
/// - this source for any account: 20, one every thirty seconds.
/// From a source where an account has logged in before, only the first bucket counts for it: strangers who
/// use up the other two, from elsewhere or behind the same NAT, do not lock the account's owner out. A
/// refused attempt takes nothing, so that asking again does not make the wait longer. A source is an IPv4
/// address or an IPv6 /64, since one customer of a provider has all addresses of one.
class Limiter {
  public:
    explicit Limiter(Clocks clocks = {});

    /// Takes the tokens, or says how long to wait. `account` empty: a name that no account can have.
    std::optional<std::chrono::seconds> refused(std::string_view account, const std::string& source);
    /// The attempt that was let through had the right password.
    void succeeded(std::string_view account, const std::string& source);
    /// The password could not be looked at.
    void give_back(std::string_view account, const std::string& source);
    /// The account is known to log in from there.
    void know(std::string_view account, const std::string& source);

    std::size_t size() const;

  private:
    struct Kind {
        double most;
        std::chrono::seconds back; ///< until one token comes back
    };
    struct Bucket {
        double tokens = 0;
        Steady::time_point at;
    };
    class Buckets {
      public:
        explicit Buckets(Kind kind) : kind_(kind) {}
        /// Until there is a token; zero when there is one.
        std::chrono::seconds wait(const std::string& key, Steady::time_point now) const;
        void take(const std::string& key, Steady::time_point now);
        void put(const std::string& key, double tokens, Steady::time_point now);
        std::size_t size() const { return buckets_.size(); }

      private:
        double tokens(const Bucket& bucket, Steady::time_point now) const;
        void make_room(Steady::time_point now);
        Kind kind_;
        std::unordered_map<std::string, Bucket> buckets_; ///< those that are not full
    };
    bool known(const std::string& pair, Steady::time_point now);

    Clocks clocks_;
    mutable std::mutex mutex_;
    Buckets pairs_{{5, std::chrono::minutes(5)}};
    Buckets accounts_{{50, std::chrono::minutes(1)}};
    Buckets sources_{{20, std::chrono::seconds(30)}};
    std::unordered_map<std::string, Steady::time_point> known_; ///< account and source, last log-in
};

/// What counts as one source: see Limiter.
std::string source_key(const std::string& address);

} // namespace bhype::access
