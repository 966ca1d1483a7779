#include "hostd/sha256.h"

#include "base/error.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <vector>

namespace bhype::hostd {

std::string sha256_of(int fd, const std::function<void(std::uint64_t)>& progress) {
    const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> sum(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    bool good = sum && EVP_DigestInit_ex(sum.get(), EVP_sha256(), nullptr) == 1;
    std::vector<char> buffer(1 << 20);
    std::uint64_t bytes = 0;
    while (good) {
        const auto got = ::read(fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            throw Error(Code::command_failed, "the image cannot be read");
        if (got == 0)
            break;
        good = EVP_DigestUpdate(sum.get(), buffer.data(), static_cast<std::size_t>(got)) == 1;
        bytes += static_cast<std::uint64_t>(got);
        if (bytes >> 26 != (bytes - static_cast<std::uint64_t>(got)) >> 26)
            progress(bytes);
    }
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (!good || EVP_DigestFinal_ex(sum.get(), digest, &size) != 1)
        throw Error(Code::internal, "SHA-256");
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
        constexpr char digits[] = "0123456789abcdef";
        text += {digits[digest[i] >> 4], digits[digest[i] & 15]};
    }
    return text;
}

} // namespace bhype::hostd
