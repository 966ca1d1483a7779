#pragma once

#include "base/text.h"

#include <cstdint>

namespace bhype {

/// Name of a VM: also bhyve's VM name and a ZFS dataset component, hence no dot and no slash;
/// at most 31 characters (sys/dev/vmm/vmm_dev.c allows 229, but the tap's description and the tables need
/// less).
BHYPE_TEXT(VmName);
/// Name of a template: a file name without ".toml" and a ZFS dataset component.
BHYPE_TEXT(TemplateName);
/// Name of a switch of bHype's: 1 to 8 characters, since its bridge is "bh-NAME" and interface names end
/// at 15.
BHYPE_TEXT(SwitchName);
/// Name of a network interface (net/if.h: IFNAMSIZ 16 with the NUL).
BHYPE_TEXT(InterfaceName);
/// ZFS pool (zpoolconcepts(7), zpool-create(8): begins with a letter; reserved words are refused).
BHYPE_TEXT(PoolName);
/// ZFS dataset, pool included: components of [A-Za-z0-9_.:-] joined by '/', at most 200 characters here. The
/// component ".new" is bHype's own. Spaces, '@', '#' and '%' are refused.
BHYPE_TEXT(DatasetName);
/// Part of a snapshot's name after the '@'.
BHYPE_TEXT(SnapshotLabel);
/// Name of a snapshot plan; with the time behind it a snapshot's label.
BHYPE_TEXT(PlanName);
/// A disk's device name without /dev/: nda0, ada1, da2, vtbd0.
BHYPE_TEXT(DiskName);
/// A pool's number, as zpool import shows it: digits.
BHYPE_TEXT(PoolGuid);
/// What a pool calls a device or a group in it, without /dev/: nda0, nda0p3, gpt/disk0, mirror-1, or a GUID.
BHYPE_TEXT(VdevName);
/// 58:9c:fc:12:34:56, lower case, unicast.
BHYPE_TEXT(MacAddress);
/// RFC 9562 text form, lower case.
BHYPE_TEXT(Uuid);
/// Login name (pw(8)): at most 32 characters, does not start with '-'.
BHYPE_TEXT(UserName);
/// Group name, same rule.
BHYPE_TEXT(GroupName);
/// Absolute, normal path without ',' '%' '\\' and control characters: those cannot pass through `bhyve -s`.
BHYPE_TEXT(HostPath);
/// Absolute path in a file system of a guest, without "." and ".." and of at most 64 components. What is no
/// printable UTF-8 is written \xHH, byte by byte, and a backslash \\ (look/names.h).
BHYPE_TEXT(GuestPath);
/// A partition of a guest's disk by its number, with a letter for a BSD partition in it; "0" is the whole
/// disk.
BHYPE_TEXT(PartitionName);
/// The image of a CD drive: a HostPath; empty: the drive goes.
BHYPE_TEXT(CdImage);
/// A person's words about an object: one line, no control characters, at most 200 characters.
BHYPE_TEXT(Note);
/// A word that people sort VMs by.
BHYPE_TEXT(Tag);
/// IPv4 address, "10.77.0.5".
BHYPE_TEXT(Ipv4Address);
/// An IPv4 address that DHCP is to keep for a NIC; empty: whichever is free.
BHYPE_TEXT(FixedAddress);
/// IPv4 address with prefix length, "10.77.0.1/24".
BHYPE_TEXT(Ipv4Prefix);
/// IPv6 address with prefix length in RFC 5952's form, "fd00:77::1/64": no link-local, no multicast address.
BHYPE_TEXT(Ipv6Prefix);
/// A DNS domain of at most 100 characters (RFC 1123), lower case, without a dot at its end: "lab.example".
BHYPE_TEXT(DomainName);
/// The value of a DHCP option for dnsmasq(8): addresses, numbers or words, joined by ','.
BHYPE_TEXT(DhcpValue);
/// SHA-256 in lower-case hex.
BHYPE_TEXT(Sha256);
/// Task id: "t" and 16 hex digits; path-safe.
BHYPE_TEXT(TaskId);
/// What a secret is called that bhype-hostd keeps for a while: "s" and 32 hex digits.
BHYPE_TEXT(SecretToken);
/// Name of a device in a definition: disk0, net1, cd0.
BHYPE_TEXT(DeviceName);

/// A size in bytes. Text form: a number with K, M, G, T (powers of 1024, FreeBSD's expand_number(3)).
class ByteSize {
  public:
    constexpr ByteSize() = default;
    constexpr explicit ByteSize(std::uint64_t bytes) : bytes_(bytes) {}
    static std::optional<ByteSize> parse(std::string_view text);
    constexpr std::uint64_t bytes() const { return bytes_; }
    constexpr std::uint64_t mebibytes() const { return bytes_ >> 20; }
    /// Shortest exact form, as zfs takes it: "20G", "1536M", "4097".
    std::string str() const;
    /// For people: at most three digits and a unit, as FreeBSD's humanize_number(3): "1.5G".
    std::string human() const;
    constexpr auto operator<=>(const ByteSize&) const = default;

  private:
    std::uint64_t bytes_ = 0;
};

constexpr ByteSize operator""_KiB(unsigned long long n) {
    return ByteSize(n << 10);
}
constexpr ByteSize operator""_MiB(unsigned long long n) {
    return ByteSize(n << 20);
}
constexpr ByteSize operator""_GiB(unsigned long long n) {
    return ByteSize(n << 30);
}

/// Random values from the system's generator.
Uuid random_uuid();
MacAddress random_mac(); ///< bhyve's OUI 58:9c:fc
TaskId random_task_id();
std::string random_hex(std::size_t bytes);

} // namespace bhype
