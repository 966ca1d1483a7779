#include "access/token.h"

#include "base/types.h"

#include <openssl/evp.h>

#include <algorithm>

namespace bhype::access {

namespace {
constexpr std::size_t token_bytes = 32;
}

Secret make_token() {
    return Secret(random_hex(token_bytes));
}

std::string token_hash(std::string_view token) {
    const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    if (token.size() != 2 * token_bytes || !std::all_of(token.begin(), token.end(), is_digit))
        return {};
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (EVP_Digest(token.data(), token.size(), digest, &size, EVP_sha256(), nullptr) != 1)
        throw Error(Code::internal, "SHA-256");
    std::string text;
    for (unsigned int i = 0; i < size; ++i) {
        constexpr std::string_view digits = "0123456789abcdef";
        text += digits[digest[i] >> 4];
        text += digits[digest[i] & 15];
    }
    return text;
}

} // namespace bhype::access
