#include "host/address.h"

#include "host/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

#include <fmt/format.h>

namespace bhype::host {

namespace {

struct Binary {
    std::array<unsigned char, 16> bytes{};
    unsigned bits = 0; ///< 32 or 128
    unsigned length = 0;
};

std::optional<Binary> binary(std::string_view text) {
    const auto slash = text.find('/');
    const std::string address(text.substr(0, std::min(slash, text.find('%'))));
    Binary found;
    if (::inet_pton(AF_INET, address.c_str(), found.bytes.data()) == 1)
        found.bits = 32;
    else if (::inet_pton(AF_INET6, address.c_str(), found.bytes.data()) == 1)
        found.bits = 128;
    else
        return std::nullopt;
    const auto length =
        slash == text.npos ? std::optional(found.bits) : number<unsigned>(text.substr(slash + 1));
    if (!length || *length > found.bits)
        return std::nullopt;
    found.length = *length;
    return found;
}

bool same_head(const Binary& a, const Binary& b, unsigned bits) {
    for (unsigned i = 0; i < bits; ++i)
        if (((a.bytes[i / 8] ^ b.bytes[i / 8]) >> (7 - i % 8) & 1) != 0)
            return false;
    return true;
}

} // namespace

std::string Ipv4Network::str() const {
    unsigned length = 0;
    for (auto rest = mask; rest != 0; rest <<= 1)
        ++length;
    return dotted(first) + '/' + std::to_string(length);
}

std::uint32_t ipv4_number(const Ipv4Address& address) {
    std::uint32_t value = 0;
    for (const auto part : split(address.str(), '.'))
        value = value << 8 | number<std::uint32_t>(part).value();
    return value;
}

Ipv4Network ipv4_network(const Ipv4Prefix& prefix) {
    const auto halves = split(prefix.str(), '/');
    const auto address = ipv4_number(Ipv4Address::from(halves.at(0)));
    const std::uint32_t mask = ~std::uint32_t{0} << (32 - number<unsigned>(halves.at(1)).value());
    return {address, address & mask, address | ~mask, mask};
}

std::string dotted(std::uint32_t address) {
    return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

std::string ipv6_network(const Ipv6Prefix& prefix) {
    auto found = binary(prefix.str()).value();
    for (unsigned i = found.length; i < 128; ++i)
        found.bytes[i / 8] &= static_cast<unsigned char>(~(0x80U >> i % 8));
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET6, found.bytes.data(), text.data(), text.size());
    return fmt::format("{}/{}", text.data(), found.length);
}

std::string unusable(std::string_view address) {
    static constexpr std::pair<std::string_view, std::string_view> special[] = {
        {"0.0.0.0/8", "lies in 0.0.0.0/8, which no host can have"},
        {"127.0.0.0/8", "is a loopback address"},
        {"169.254.0.0/16", "is link-local (RFC 3927), which FreeBSD does not forward"},
        {"224.0.0.0/4", "is a multicast address"},
        {"240.0.0.0/4", "lies in 240.0.0.0/4, which is reserved"},
        {"::/128", "is the unspecified address"},
        {"::1/128", "is the loopback address"},
        {"::ffff:0:0/96", "stands for an IPv4 address"},
        {"fe80::/10", "is a link-local address, which every interface makes itself"},
        {"ff00::/8", "is a multicast address"},
    };
    const auto bare = address.substr(0, address.find('/'));
    for (const auto& [range, why] : special)
        if (overlap(bare, range))
            return std::string(why);
    const auto found = binary(address);
    if (!found || found->length + 1 >= found->bits) // RFC 3021, RFC 6164: both ends of a link are hosts
        return {};
    bool zeros = true;
    bool ones = found->bits == 32;
    for (unsigned i = found->length; i < found->bits; ++i) {
        const bool set = (found->bytes[i / 8] >> (7 - i % 8) & 1) != 0;
        zeros = zeros && !set;
        ones = ones && set;
    }
    return zeros  ? found->bits == 32 ? "is the network's own address"
                                      : "is the address of the network's routers"
           : ones ? "is the network's broadcast address"
                  : "";
}

bool overlap(std::string_view a, std::string_view b) {
    const auto one = binary(a);
    const auto other = binary(b);
    return one && other && one->bits == other->bits &&
           same_head(*one, *other, std::min(one->length, other->length));
}

} // namespace bhype::host
