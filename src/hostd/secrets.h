#pragma once

#include "base/secret.h"
#include "base/types.h"

#include <chrono>
#include <map>
#include <mutex>

namespace bhype::hostd {

/// Secrets that wait in memory for the operation that needs them: so they are in no journal and in no frame.
class Secrets {
  public:
    /// The name under which it is taken. Throws Error(overloaded) when too many wait.
    SecretToken keep(Secret secret);
    /// Once, and for ten minutes: then Error(secret_gone).
    Secret take(const SecretToken& token);

  private:
    struct Kept {
        Secret secret;
        std::chrono::steady_clock::time_point until;
    };
    void forget_old();

    std::mutex mutex_;
    std::map<SecretToken, Kept> kept_;
};

} // namespace bhype::hostd
