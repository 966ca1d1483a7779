#include "base/types.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bhype {

namespace {

constexpr bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
constexpr bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
constexpr bool is_letter(char c) {
    return is_lower(c) || is_upper(c);
}
constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_lower_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

template <class Predicate>
bool all(std::string_view text, Predicate predicate) {
    return std::all_of(text.begin(), text.end(), predicate);
}

bool word(std::string_view text, std::size_t longest, std::string_view others) {
    return !text.empty() && text.size() <= longest && (is_letter(text[0]) || is_digit(text[0])) &&
           all(text, [&](char c) { return is_letter(c) || is_digit(c) || others.find(c) != others.npos; });
}

template <class Visit>
bool each_part(std::string_view text, char separator, Visit visit) {
    while (true) {
        const auto end = text.find(separator);
        if (!visit(text.substr(0, end)))
            return false;
        if (end == text.npos)
            return true;
        text.remove_prefix(end + 1);
    }
}

/// A decimal number without a needless zero in front.
bool plain(std::string_view digits, unsigned least, unsigned most) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size() && value >= least && value <= most &&
           (digits.size() == 1 || digits[0] != '0');
}

bool printable_line(std::string_view text, std::size_t longest) {
    return text.size() <= longest && all(text, [](char c) {
               const auto byte = static_cast<unsigned char>(c);
               return byte >= 0x20 && byte != 0x7f;
           });
}

bool reserved_pool_name(std::string_view name) {
    // lib/libzfs/libzfs_pool.c zpool_name_valid()
    constexpr std::array<std::string_view, 5> prefixes{"mirror", "raidz", "draid", "spare", "log"};
    if (name == "log")
        return true;
    return std::any_of(prefixes.begin(), prefixes.end() - 1,
                       [&](auto prefix) { return name.substr(0, prefix.size()) == prefix; });
}

/// From the kernel: std::random_device may be the processor's own generator.
void fill_random(unsigned char* bytes, std::size_t size) {
    constexpr std::size_t most = 256; // getentropy(3)
    for (std::size_t done = 0; done < size; done += most)
        if (::getentropy(bytes + done, std::min(most, size - done)) != 0)
            throw Error(Code::internal, "getentropy");
}

template <std::size_t N>
std::array<unsigned char, N> random_bytes() {
    std::array<unsigned char, N> bytes{};
    fill_random(bytes.data(), N);
    return bytes;
}

std::string hex(std::span<const unsigned char> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const auto byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 0xfU];
    }
    return text;
}

} // namespace

#define RULE(TYPE, NAME, SENTENCE, PATTERN, EXAMPLE, LONGEST)                                                \
    const TextRule& TYPE::text_rule() {                                                                      \
        static constexpr TextRule rule{NAME, SENTENCE, PATTERN, EXAMPLE, LONGEST};                           \
        return rule;                                                                                         \
    }

RULE(VmName, "VM name", "1 to 31 letters, digits, '-' or '_', beginning with a letter or a digit",
     "^[A-Za-z0-9][A-Za-z0-9_-]{0,30}$", "web1", 31)
bool VmName::accepts(std::string_view text) {
    return word(text, 31, "-_");
}

RULE(TemplateName, "template name",
     "1 to 63 letters, digits, '-', '_' or '.', beginning with a letter or a digit",
     "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", "debian-12", 63)
bool TemplateName::accepts(std::string_view text) {
    return word(text, 63, "-_.") && text.find("..") == text.npos;
}

RULE(SwitchName, "switch name", "1 to 8 lower-case letters, digits or '-', beginning with a letter",
     "^[a-z][a-z0-9-]{0,7}$", "nat", 8)
bool SwitchName::accepts(std::string_view text) {
    return !text.empty() && text.size() <= 8 && is_lower(text[0]) &&
           all(text, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

RULE(InterfaceName, "interface name",
     "1 to 15 letters, digits, '.', '_' or '-', beginning with a letter or a digit",
     "^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$", "igb0", 15)
bool InterfaceName::accepts(std::string_view text) {
    return word(text, 15, "._-");
}

RULE(PoolName, "pool name",
     "1 to 64 letters, digits, '-', '_', '.' or ':', beginning with a letter; not mirror, raidz, draid, "
     "spare or log",
     "^[A-Za-z][A-Za-z0-9._:-]{0,63}$", "tank", 64)
bool PoolName::accepts(std::string_view text) {
    return word(text, 64, "-_.:") && is_letter(text[0]) && !reserved_pool_name(text);
}

RULE(DatasetName, "dataset name",
     "a pool and components of letters, digits, '-', '_', '.' and ':' joined by '/', at most 200 characters",
     "^[A-Za-z][A-Za-z0-9._:-]*(/[A-Za-z0-9._:][A-Za-z0-9._:-]*)*$", "tank/bhype/vm/web1", 200)
bool DatasetName::accepts(std::string_view text) {
    if (text.size() > 200)
        return false;
    bool first = true;
    return each_part(text, '/', [&](std::string_view part) {
        const bool good =
            first ? PoolName::accepts(part)
                  : !part.empty() && part != "." && part != ".." && part[0] != '-' && all(part, [](char c) {
                        return is_letter(c) || is_digit(c) ||
                               std::string_view("-_.:").find(c) != std::string_view::npos;
                    });
        first = false;
        return good;
    });
}

RULE(SnapshotLabel, "snapshot name",
     "1 to 63 letters, digits, '-', '_', '.' or ':', beginning with a letter or a digit",
     "^[A-Za-z0-9][A-Za-z0-9._:-]{0,62}$", "template", 63)
bool SnapshotLabel::accepts(std::string_view text) {
    return word(text, 63, "-_.:");
}

RULE(PlanName, "plan name", "1 to 31 lower-case letters, digits or '-', beginning with a letter",
     "^[a-z][a-z0-9-]{0,30}$", "nightly", 31)
bool PlanName::accepts(std::string_view text) {
    return !text.empty() && text.size() <= 31 && is_lower(text.front()) &&
           all(text, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

RULE(DiskName, "disk name", "a device name such as nda0 or ada1, without /dev/", "^[a-z]{1,8}[0-9]{1,4}$",
     "nda0", 12)
bool DiskName::accepts(std::string_view text) {
    const auto digits = text.find_first_of("0123456789");
    return digits != text.npos && digits >= 1 && digits <= 8 && text.size() - digits <= 4 &&
           all(text.substr(0, digits), is_lower) && all(text.substr(digits), is_digit);
}

RULE(PoolGuid, "pool GUID", "1 to 20 digits, as `zpool import` shows them", "^[0-9]{1,20}$",
     "14077227812832852083", 20)
bool PoolGuid::accepts(std::string_view text) {
    return !text.empty() && text.size() <= 20 && all(text, is_digit);
}

RULE(VdevName, "device of a pool",
     "a device without /dev/, a group such as mirror-0, or a GUID: at most 64 letters, digits, '-', '_', "
     "'.', ':' "
     "and '/', beginning with a letter or a digit, without '..' and '//'",
     "^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$", "nda0p3", 64)
bool VdevName::accepts(std::string_view text) {
    return word(text, 64, "-_.:/") && text.find("..") == text.npos && text.find("//") == text.npos;
}

RULE(MacAddress, "MAC address",
     "six pairs of lower-case hex digits joined by ':', not multicast and not all zero",
     "^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$", "58:9c:fc:12:34:56", 17)
bool MacAddress::accepts(std::string_view text) {
    if (text.size() != 17 || text == "00:00:00:00:00:00")
        return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (i % 3 == 2 ? text[i] != ':' : !is_lower_hex(text[i]))
            return false;
    return std::string_view("02468ace").find(text[1]) != std::string_view::npos;
}

RULE(Uuid, "UUID", "a UUID in lower case, 8-4-4-4-12 hex digits",
     "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "6f1c3f7e-0f3c-4a53-9b8e-1c2d3e4f5a6b", 36)
bool Uuid::accepts(std::string_view text) {
    if (text.size() != 36)
        return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !is_lower_hex(text[i]))
            return false;
    }
    return true;
}

RULE(UserName, "user name", "1 to 32 letters, digits, '-', '_' or '.', beginning with a letter or '_'",
     "^[A-Za-z_][A-Za-z0-9._-]{0,31}$", "dev1", 32)
bool UserName::accepts(std::string_view text) {
    return !text.empty() && text.size() <= 32 && (is_letter(text[0]) || text[0] == '_') &&
           all(text, [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.'; });
}

RULE(GroupName, "group name", "1 to 32 letters, digits, '-', '_' or '.', beginning with a letter or '_'",
     "^[A-Za-z_][A-Za-z0-9._-]{0,31}$", "developers", 32)
bool GroupName::accepts(std::string_view text) {
    return UserName::accepts(text);
}

RULE(HostPath, "path",
     "an absolute path without '..', '//', ',', '%', '\\' and control characters, at most 512 characters",
     "^(/[^/,%\\\\\\u0000-\\u001f]+)+$", "/var/images/debian.iso", 512)
bool HostPath::accepts(std::string_view text) {
    if (text.size() < 2 || text[0] != '/' || !printable_line(text, 512) ||
        text.find_first_of(",%\\") != text.npos)
        return false;
    return each_part(text.substr(1), '/',
                     [](std::string_view part) { return !part.empty() && part != "." && part != ".."; });
}

RULE(GuestPath, "path in a guest",
     "an absolute path without '.', '..', '//', a '/' at its end and control characters, at most 64 names "
     "and 4096 bytes; \\\\ stands for a backslash and \\xHH for any other byte",
     "^/$|^(/([^/\\\\\\u0000-\\u001f\\u007f]|\\\\\\\\|\\\\x[0-9a-f]{2})+)+$", "/etc/fstab", 4096)
bool GuestPath::accepts(std::string_view text) {
    if (text == "/")
        return true;
    if (text.empty() || text[0] != '/' || !printable_line(text, 4096) || std::ranges::count(text, '/') > 64)
        return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\')
            continue;
        const auto escape = text.substr(i + 1, 3);
        if (escape.starts_with('\\'))
            i += 1;
        else if (escape.size() == 3 && escape[0] == 'x' && is_lower_hex(escape[1]) && is_lower_hex(escape[2]))
            i += 3;
        else
            return false;
    }
    return each_part(text.substr(1), '/',
                     [](std::string_view part) { return !part.empty() && part != "." && part != ".."; });
}

RULE(PartitionName, "partition",
     "a partition's number, with a letter from a to h for a BSD partition in it; 0 for the whole disk",
     "^(0|[1-9][0-9]{0,2}[a-h]?)$", "1", 4)
bool PartitionName::accepts(std::string_view text) {
    if (text == "0")
        return true;
    if (text.size() > 1 && text.back() >= 'a' && text.back() <= 'h')
        text.remove_suffix(1);
    return !text.empty() && text.size() <= 3 && text[0] != '0' && all(text, is_digit);
}

RULE(CdImage, "CD image", "an absolute path as /var/bhype/images/debian.iso, or empty for no CD",
     "^((/[^/,%\\\\\\u0000-\\u001f]+)+)?$", "/var/bhype/images/debian.iso", 512)
bool CdImage::accepts(std::string_view text) {
    return text.empty() || HostPath::accepts(text);
}

RULE(Note, "note", "one line of at most 200 characters", "^[^\\u0000-\\u001f]{0,200}$",
     "build host of team A", 200)
bool Note::accepts(std::string_view text) {
    return printable_line(text, 200);
}

RULE(Tag, "tag", "1 to 24 lower-case letters, digits, '-' and '_', beginning with a letter or a digit",
     "^[a-z0-9][a-z0-9_-]{0,23}$", "test", 24)
bool Tag::accepts(std::string_view text) {
    return !text.empty() && text.size() <= 24 && text[0] != '-' && text[0] != '_' &&
           std::ranges::all_of(text, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
           });
}

RULE(Ipv4Address, "IPv4 address", "an IPv4 address such as 10.77.0.5", "^([0-9]{1,3}\\.){3}[0-9]{1,3}$",
     "10.77.0.5", 15)
bool Ipv4Address::accepts(std::string_view text) {
    int parts = 0;
    return text.size() <= 15 &&
           each_part(text, '.', [&](std::string_view part) { return ++parts <= 4 && plain(part, 0, 255); }) &&
           parts == 4;
}

RULE(FixedAddress, "fixed address", "an IPv4 address such as 10.77.0.5, or empty for any",
     "^(([0-9]{1,3}\\.){3}[0-9]{1,3})?$", "10.77.0.5", 15)
bool FixedAddress::accepts(std::string_view text) {
    return text.empty() || Ipv4Address::accepts(text);
}

RULE(Ipv4Prefix, "IPv4 prefix", "an IPv4 address with a prefix length of 8 to 30, such as 10.77.0.1/24",
     "^([0-9]{1,3}\\.){3}[0-9]{1,3}/[0-9]{1,2}$", "10.77.0.1/24", 18)
bool Ipv4Prefix::accepts(std::string_view text) {
    const auto slash = text.find('/');
    return slash != text.npos && Ipv4Address::accepts(text.substr(0, slash)) &&
           plain(text.substr(slash + 1), 8, 30);
}

RULE(Ipv6Prefix, "IPv6 prefix",
     "an IPv6 address in its shortest form with a prefix length of 16 to 126, such as fd00:77::1/64; not "
     "link-local or multicast",
     "^[0-9a-f:]{2,39}/[0-9]{2,3}$", "fd00:77::1/64", 43)
bool Ipv6Prefix::accepts(std::string_view text) {
    const auto slash = text.find('/');
    if (slash > 39 || !plain(text.substr(slash + 1), 16, 126)) // npos as well
        return false;
    const std::string address(text.substr(0, slash));
    in6_addr binary{};
    if (::inet_pton(AF_INET6, address.c_str(), &binary) != 1)
        return false;
    const auto* byte = binary.s6_addr;
    const bool link_local = byte[0] == 0xfe && (byte[1] & 0xc0) == 0x80;
    const bool multicast = byte[0] == 0xff;
    // Unspecified, loopback, IPv4 in IPv6 (RFC 4291, 2.5).
    const bool special = std::all_of(byte, byte + 10, [](unsigned char one) { return one == 0; });
    if (link_local || multicast || special)
        return false;
    std::array<char, INET6_ADDRSTRLEN> shortest{};
    return ::inet_ntop(AF_INET6, &binary, shortest.data(), shortest.size()) && address == shortest.data();
}

RULE(DomainName, "domain",
     "labels of 1 to 63 lower-case letters, digits or '-' joined by '.', at most 100 characters",
     "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$", "lab.example", 100)
bool DomainName::accepts(std::string_view text) {
    return text.size() <= 100 && each_part(text, '.', [](std::string_view label) {
               return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
                      all(label, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
           });
}

RULE(DhcpValue, "DHCP option's value",
     "1 to 100 letters, digits, '.', ':', '/', '_' or '-', with ',' between values",
     "^[A-Za-z0-9._/:-]+(,[A-Za-z0-9._/:-]+)*$", "192.0.2.1", 100)
bool DhcpValue::accepts(std::string_view text) {
    return text.size() <= 100 && each_part(text, ',', [](std::string_view part) {
               return !part.empty() && all(part, [](char c) {
                   return is_letter(c) || is_digit(c) ||
                          std::string_view("._/:-").find(c) != std::string_view::npos;
               });
           });
}

RULE(Sha256, "SHA-256", "64 lower-case hex digits", "^[0-9a-f]{64}$",
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 64)
bool Sha256::accepts(std::string_view text) {
    return text.size() == 64 && all(text, is_lower_hex);
}

RULE(TaskId, "task id", "'t' and 16 hex digits", "^t[0-9a-f]{16}$", "t0123456789abcdef", 17)
bool TaskId::accepts(std::string_view text) {
    return text.size() == 17 && text[0] == 't' && all(text.substr(1), is_lower_hex);
}

RULE(SecretToken, "secret's token", "'s' and 32 hex digits, as POST /api/v1/secrets answers",
     "^s[0-9a-f]{32}$", "s0123456789abcdef0123456789abcdef", 33)
bool SecretToken::accepts(std::string_view text) {
    return text.size() == 33 && text[0] == 's' && all(text.substr(1), is_lower_hex);
}

RULE(DeviceName, "device name", "a lower-case word and a number, such as disk0", "^[a-z]{1,8}[0-9]{1,3}$",
     "disk0", 11)
bool DeviceName::accepts(std::string_view text) {
    return DiskName::accepts(text) && text.size() <= 11;
}

std::optional<ByteSize> ByteSize::parse(std::string_view text) {
    unsigned shift = 0;
    if (!text.empty()) {
        constexpr std::string_view units = "KMGT";
        const char last = static_cast<char>(is_lower(text.back()) ? text.back() - 'a' + 'A' : text.back());
        if (const auto unit = units.find(last); unit != units.npos) {
            shift = 10 * (static_cast<unsigned>(unit) + 1);
            text.remove_suffix(1);
        }
    }
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() ||
        value > (UINT64_C(1) << 62) >> shift)
        return std::nullopt;
    return ByteSize(value << shift);
}

std::string ByteSize::str() const {
    constexpr std::array<std::pair<unsigned, char>, 4> units{{{40, 'T'}, {30, 'G'}, {20, 'M'}, {10, 'K'}}};
    for (const auto& [shift, letter] : units)
        if (bytes_ != 0 && bytes_ % (UINT64_C(1) << shift) == 0)
            return std::to_string(bytes_ >> shift) + letter;
    return std::to_string(bytes_);
}

std::string ByteSize::human() const {
    constexpr std::string_view units = "BKMGTPE";
    double value = static_cast<double>(bytes_);
    std::size_t unit = 0;
    while (value >= 999.5 && unit + 1 < units.size()) {
        value /= 1024;
        ++unit;
    }
    const bool tenths = value < 9.95 && value != static_cast<double>(static_cast<int>(value));
    char text[16];
    std::snprintf(text, sizeof text, "%.*f%c", tenths ? 1 : 0, value, units[unit]);
    return text;
}

std::string random_hex(std::size_t bytes) {
    std::vector<unsigned char> random(bytes);
    fill_random(random.data(), bytes);
    return hex(random);
}

Uuid random_uuid() {
    auto b = random_bytes<16>();
    b[6] = static_cast<unsigned char>((b[6] & 0x0fU) | 0x40U); // RFC 9562 section 5.4: version 4
    b[8] = static_cast<unsigned char>((b[8] & 0x3fU) | 0x80U);
    auto text = hex(b);
    for (const std::size_t dash : {8, 13, 18, 23})
        text.insert(dash, 1, '-');
    return Uuid::from(text);
}

MacAddress random_mac() {
    auto b = random_bytes<3>();
    if (b[0] == 0 && b[1] == 0 && b[2] == 0)
        b[2] = 1;
    const auto text = hex(b);
    return MacAddress::from("58:9c:fc:" + text.substr(0, 2) + ":" + text.substr(2, 2) + ":" + text.substr(4));
}

TaskId random_task_id() {
    return TaskId::from("t" + random_hex(8));
}

} // namespace bhype
