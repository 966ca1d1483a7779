#pragma once

#include "base/fd.h"
#include "base/types.h"

#include <mutex>

namespace bhype::hostd {

/// Checks passwords by PAM. A process of its own, made before there are threads, makes a short-lived child
/// for each question: modules may hang, leak and crash there.
class Passwords {
  public:
    /// Call before any thread is started: it forks.
    explicit Passwords(const std::string& service, bool allow_empty);
    ~Passwords();
    Passwords(const Passwords&) = delete;
    /// The password is read from the descriptor up to its end. False also when there is no answer in time.
    bool check(const UserName& user, const std::string& client, int password);
    /// Whether the policy's account lines refuse a user who has logged in before. False also when there is no
    /// answer in time, or PAM could not tell.
    bool barred(const UserName& user, const std::string& client);

  private:
    bool ask(char kind, const UserName& user, const std::string& client, int password);

    Fd asking_;
    pid_t pid_ = 0;
    std::mutex mutex_;
};

} // namespace bhype::hostd
