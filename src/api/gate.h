#pragma once

#include "access/caller.h"
#include "base/error.h"
#include "base/secret.h"
#include "http/message.h"

#include <chrono>

namespace bhype::api {

/// The cookie's name. The prefix makes browsers insist on Secure, Path=/ and no Domain (RFC 6265bis).
inline constexpr std::string_view session_cookie = "__Host-bhype";

/// Error(too_many_attempts) that knows when to try again.
class RetryLater : public Error {
  public:
    RetryLater(Code code, std::chrono::seconds wait, std::string detail = {})
        : Error(code, std::move(detail)), after(wait) {}
    std::chrono::seconds after;
};

/// Who asks. Clients of the local socket are known by `client.uid`, others by their session's cookie.
class Gate {
  public:
    virtual ~Gate() = default;

    struct Glance {
        std::optional<access::Caller> caller;
        bool settled = true; ///< false: identify() has to be asked, since memory alone does not tell
    };
    /// On the io thread for every request: from memory, must not block. `cookie` is empty when there is none.
    virtual Glance glance(std::string_view cookie, const http::Client& client) = 0;
    /// On a worker; may ask the database and hostd. Nothing: not logged in, or no longer.
    virtual std::optional<access::Caller> identify(std::string_view cookie, const http::Client& client) = 0;
    /// Whether a caller known before still is who it was, with the same role. For streams and consoles, on
    /// the io thread: must not block.
    virtual bool still(const access::Caller& caller) = 0;

    struct LogIn {
        access::Caller caller;
        Secret token; ///< the cookie's value
    };
    /// Throws Error(bad_credentials) or RetryLater(too_many_attempts). Blocks.
    virtual LogIn log_in(const std::string& user, const Secret& password, const http::Client& client) = 0;
    virtual void log_out(const access::Caller& caller) = 0;
};

} // namespace bhype::api
