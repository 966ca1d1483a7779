#include "hostd/secrets.h"

#include "base/error.h"

namespace bhype::hostd {

namespace {

constexpr std::chrono::minutes longest{10};
constexpr std::size_t most = 64;

} // namespace

SecretToken Secrets::keep(Secret secret) {
    const std::lock_guard lock(mutex_);
    forget_old();
    if (kept_.size() >= most)
        throw Error(Code::overloaded, "too many secrets wait to be used");
    auto token = SecretToken::from("s" + random_hex(16));
    kept_.emplace(token, Kept{std::move(secret), std::chrono::steady_clock::now() + longest});
    return token;
}

Secret Secrets::take(const SecretToken& token) {
    const std::lock_guard lock(mutex_);
    forget_old();
    const auto found = kept_.find(token);
    if (found == kept_.end())
        throw Error(Code::secret_gone);
    auto secret = std::move(found->second.secret);
    kept_.erase(found);
    return secret;
}

void Secrets::forget_old() {
    const auto now = std::chrono::steady_clock::now();
    std::erase_if(kept_, [&](const auto& one) { return one.second.until < now; });
}

} // namespace bhype::hostd
