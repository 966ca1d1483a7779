#include "lab/commands/ifconfig_call.h"

#include "lab/commands/sysctl_table.h"

#include <arpa/inet.h>

#include <algorithm>
#include <iostream>
#include <random>

#include <fmt/format.h>

namespace bhype::lab::ifconfig {

void Call::set_netmask(const std::string& text) {
    in_addr mask{};
    if (text.starts_with("0x"))
        mask.s_addr = htonl(static_cast<unsigned>(std::stoul(text, nullptr, 16)));
    else if (!inet_aton(text.c_str(), &mask))
        errx(1, text + ": bad value");
    if (!address_)
        address_.emplace();
    address_->prefix = static_cast<unsigned>(__builtin_popcount(mask.s_addr));
    has_mask_ = true;
}

void Call::set_ether(const std::string& text) {
    std::string ether = text;
    if (text == "random") {
        std::random_device random;
        ether = fmt::format("{:02x}", (random() & 0xfc) | 0x02);
        for (int i = 0; i < 5; ++i)
            ether += fmt::format(":{:02x}", random() & 0xff);
    }
    unsigned b[6];
    char rest = 0;
    if (std::sscanf(ether.c_str(), "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
                    &rest) != 6)
        errx(1, "malformed link-level address");
    change("ioctl (SIOCAIFADDR)", [&](auto&, auto& interface) {
        if (b[0] & 1)
            refuse("ioctl (SIOCAIFADDR)", EINVAL);
        check("ioctl (SIOCAIFADDR)", set_link_ether(interface.link.index, ether));
    });
}

void Call::set_address(const std::string& text) {
    if (text == "-alias" || text == "delete" || text == "remove")
        return unalias(text);
    if (text == "add")
        return alias(text);
    if (family_ == "ether" || family_ == "link" || family_ == "lladdr")
        return set_ether(text);
    if (is_family(text)) {
        // Without words of its own a family is a word of the next address.
        return set_family(text);
    }
    const bool v6 = family_ == "inet6";
    LinkAddress address = address_.value_or(LinkAddress{});
    address.v6 = v6;
    const auto slash = text.rfind('/');
    address.address = text.substr(0, slash);
    if (slash != std::string::npos) {
        const auto width = text.substr(slash + 1);
        const unsigned most = v6 ? 128 : 32;
        if (width.empty() || width.size() > 3 || width.find_first_not_of("0123456789") != std::string::npos)
            errx(1, text + ": bad value (width invalid)");
        address.prefix = static_cast<unsigned>(std::stoul(width));
        if (address.prefix > most)
            errx(1, text + ": bad value (width too large)");
        has_mask_ = true;
    } else if (v6) {
        address.prefix = 64;
        has_mask_ = true;
    }
    unsigned char bytes[16];
    if (inet_pton(v6 ? AF_INET6 : AF_INET, address.address.c_str(), bytes) != 1)
        errx(1, address.address + ": bad value");
    address_ = address;
}

void Call::require_no_member_address(const Interface& interface) {
    if (interface.bridge && sysctl_value("net.link.bridge.member_ifaddrs") == "0")
        refuse("ioctl (SIOCAIFADDR)", EINVAL, "Member interface may not have an IP address assigned");
}

void Call::finish_addresses() {
    if (!address_ && alias_ >= 0)
        return;
    const bool has_address = address_ && !address_->address.empty();
    if (alias_ >= 0 && has_address && !has_mask_) {
        if (major_release() >= 14)
            errx(1, "ERROR: setting interface address without mask is no longer supported.");
        std::cerr << "ifconfig: WARNING: setting interface address without mask is deprecated,\n"
                     "default mask may not be correct.\n";
        const int first = std::atoi(address_->address.c_str());
        address_->prefix = first < 128 ? 8 : first < 192 ? 16 : 24;
    }
    const std::string what = alias_ < 0 ? "ioctl (SIOCDIFADDR)" : "ioctl (SIOCAIFADDR)";
    if (geteuid() != 0)
        errx(1, what + ": permission denied");
    change(what, [&](Interfaces&, Interface& interface) {
        const bool v6 = family_ == "inet6";
        const auto same = [&](const LinkAddress& a) {
            return a.v6 == v6 && (!has_address || a.address == address_->address);
        };
        const auto present = std::find_if(interface.addresses.begin(), interface.addresses.end(), same);
        if (alias_ < 0) {
            if (present == interface.addresses.end())
                refuse(what, EADDRNOTAVAIL);
            check(what, change_address(interface.link.index, *present, false));
            return;
        }
        require_no_member_address(interface);
        if (v6 && interface.nd6 & 0x8)
            throw std::runtime_error("an IPv6 address of an interface that is IFDISABLED (it would stay "
                                     "tentative; say inet6 -ifdisabled first) is not provided by the lab");
        if (alias_ == 0 && !v6) { // takes the place of the first one
            const auto first = std::find_if(interface.addresses.begin(), interface.addresses.end(),
                                            [](const auto& a) { return !a.v6; });
            if (first != interface.addresses.end())
                change_address(interface.link.index, *first, false);
        } else if (present != interface.addresses.end()) {
            change_address(interface.link.index, *present, false);
        }
        const int error = change_address(interface.link.index, *address_, true);
        if (error != EEXIST)
            check(what, error);
        set_link_up(interface.link.index, true); // in_control() brings it up
    });
}

} // namespace bhype::lab::ifconfig
