#pragma once

// dnsmasq(8): one instance for all of bHype's switches, since on FreeBSD several cannot share port 67.

#include "host/command.h"
#include "host/operations.h"

namespace bhype::host {

struct DnsmasqFiles {
    HostPath configuration = HostPath::from("/usr/local/etc/bhype/dnsmasq.conf");
    /// Not in /var/db/bhype, where bhyped could put a link in its place: dnsmasq opens it as root.
    HostPath leases = HostPath::from("/var/db/bhype-dhcp/dnsmasq.leases");
    HostPath hosts = HostPath::from("/usr/local/etc/bhype/dnsmasq.hosts"); ///< read as `user` on SIGHUP
    HostPath pid = HostPath::from("/var/run/bhype/dnsmasq.pid");
    UserName user = UserName::from("_bhype_dns"); ///< that it becomes; README.md makes it
};

/// The addresses that a range hands out, both ends included: the larger side of the network beside the
/// bridge's own address.
struct AddressSpan {
    std::string first;
    std::string last;
    std::string netmask;
};
AddressSpan addresses_for_guests(const Ipv4Prefix& bridge_address);

/// The configuration: typed values only, no text of anybody's. Throws Error(invalid_field) for no range at
/// all (dnsmasq would then serve every interface), a switch named twice, networks that overlap, a range
/// outside of its network.
std::string dnsmasq_configuration(const std::vector<DhcpRange>& ranges, const DnsmasqFiles& files);
/// Whether somebody who listens there keeps dnsmasq from serving this range. A socket on one address goes
/// beside one on all of them for DNS. DHCP's are all on "*"; several dnsmasq share it (SO_REUSEPORT), each
/// with its own interfaces.
bool keeps_from(const Listener& listener, const DhcpRange& range);
/// The dhcp-hostsfile. Throws Error(invalid_field) for a MAC or an address that comes twice.
std::string dnsmasq_hosts(const std::vector<DhcpHost>& hosts);

/// Of the configuration's text.
Command dnsmasq_test(std::string configuration);
/// What --test said was wrong, with the line of the configuration that it named; empty when it was content.
/// Throws Error when it did not come so far.
std::string dnsmasq_refusal(const Command& test, const Output& output, std::string_view configuration);
/// Ends with 0 once the daemon serves; 2 when the port is taken.
Command dnsmasq_start(const DnsmasqFiles& files);

/// The lease file's text. dnsmasq rewrites it in place, so a half-written last line is left out.
std::vector<Lease> parse_leases(std::string_view text);

} // namespace bhype::host
