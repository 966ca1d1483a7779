#include "access/limiter.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace bhype::access {

namespace {

/// Each table's. More than anybody has who does not attack; the fullest bucket, which says least, gives way.
constexpr std::size_t most_keys = 4096;

std::string pair_key(std::string_view account, const std::string& source) {
    return std::string(account) + ' ' + source;
}

} // namespace

std::string source_key(const std::string& address) {
    in6_addr parsed{};
    if (::inet_pton(AF_INET6, address.c_str(), &parsed) != 1)
        return address;
    char text[INET6_ADDRSTRLEN];
    if (IN6_IS_ADDR_V4MAPPED(&parsed))
        return ::inet_ntop(AF_INET, &parsed.s6_addr[12], text, sizeof text);
    std::memset(&parsed.s6_addr[8], 0, 8);
    return std::string(::inet_ntop(AF_INET6, &parsed, text, sizeof text)) + "/64";
}

double Limiter::Buckets::tokens(const Bucket& bucket, Steady::time_point now) const {
    const std::chrono::duration<double> passed = now - bucket.at;
    return std::min(kind_.most, bucket.tokens + passed / std::chrono::duration<double>(kind_.back));
}

std::chrono::seconds Limiter::Buckets::wait(const std::string& key, Steady::time_point now) const {
    const auto found = buckets_.find(key);
    const double have = found == buckets_.end() ? kind_.most : tokens(found->second, now);
    if (have >= 1)
        return std::chrono::seconds(0);
    return std::chrono::seconds(
        std::max<long>(1, std::lround(std::ceil((1 - have) * static_cast<double>(kind_.back.count())))));
}

void Limiter::Buckets::take(const std::string& key, Steady::time_point now) {
    const auto found = buckets_.find(key);
    if (found != buckets_.end()) {
        found->second = {tokens(found->second, now) - 1, now};
        return;
    }
    if (buckets_.size() >= most_keys)
        make_room(now);
    buckets_[key] = {kind_.most - 1, now};
}

void Limiter::Buckets::put(const std::string& key, double more, Steady::time_point now) {
    const auto found = buckets_.find(key);
    if (found == buckets_.end())
        return;
    found->second = {std::min(kind_.most, tokens(found->second, now) + more), now};
    if (found->second.tokens >= kind_.most)
        buckets_.erase(found);
}

void Limiter::Buckets::make_room(Steady::time_point now) {
    std::erase_if(buckets_, [&](const auto& entry) { return tokens(entry.second, now) >= kind_.most; });
    if (buckets_.size() >= most_keys)
        buckets_.erase(std::max_element(buckets_.begin(), buckets_.end(), [&](const auto& a, const auto& b) {
            return tokens(a.second, now) < tokens(b.second, now);
        }));
}

Limiter::Limiter(Clocks clocks) : clocks_(std::move(clocks)) {}

bool Limiter::known(const std::string& pair, Steady::time_point now) {
    const auto found = known_.find(pair);
    return found != known_.end() && now - found->second < std::chrono::hours(24 * 30);
}

std::optional<std::chrono::seconds> Limiter::refused(std::string_view account, const std::string& source) {
    const auto from = source_key(source);
    const auto pair = pair_key(account, from);
    const std::string name(account);
    const auto now = clocks_.steady();
    const std::lock_guard lock(mutex_);
    auto wait = pairs_.wait(pair, now);
    const bool all = !known(pair, now);
    if (all)
        wait = std::max({wait, sources_.wait(from, now), accounts_.wait(name, now)});
    if (wait.count() > 0)
        return wait;
    pairs_.take(pair, now);
    if (all) {
        sources_.take(from, now);
        accounts_.take(name, now);
    }
    return std::nullopt;
}

void Limiter::give_back(std::string_view account, const std::string& source) {
    const auto from = source_key(source);
    const auto pair = pair_key(account, from);
    const auto now = clocks_.steady();
    const std::lock_guard lock(mutex_);
    pairs_.put(pair, 1, now);
    if (!known(pair, now)) {
        sources_.put(from, 1, now);
        accounts_.put(std::string(account), 1, now);
    }
}

void Limiter::succeeded(std::string_view account, const std::string& source) {
    give_back(account, source);
    const auto pair = pair_key(account, source_key(source));
    {
        const std::lock_guard lock(mutex_);
        pairs_.put(pair, 5, clocks_.steady());
    }
    know(account, source);
}

void Limiter::know(std::string_view account, const std::string& source) {
    const auto now = clocks_.steady();
    const std::lock_guard lock(mutex_);
    const auto pair = pair_key(account, source_key(source));
    if (known_.size() >= most_keys && !known_.contains(pair))
        known_.erase(std::min_element(known_.begin(), known_.end(),
                                      [](const auto& a, const auto& b) { return a.second < b.second; }));
    known_[pair] = now;
}

std::size_t Limiter::size() const {
    const std::lock_guard lock(mutex_);
    return std::max({pairs_.size(), accounts_.size(), sources_.size(), known_.size()});
}

} // namespace bhype::access
