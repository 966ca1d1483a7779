#pragma once

#include "base/secret.h"

#include <string>
#include <string_view>

namespace bhype::access {

/// 256 bits from the kernel as 64 hex digits: the cookie's value.
Secret make_token();
/// What is kept of a token: SHA-256 of its text in hex; empty for what cannot be one. Sessions are found by
/// it, so that neither the database nor the time that a look-up takes tells anything about a token.
std::string token_hash(std::string_view token);

} // namespace bhype::access
