#include "lab/bhyve/devices.h"
#include "lab/bhyve/failure.h"
#include "lab/bhyve/tables.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

/// net_utils.c, net_parsemac(). 13.2 does not look at the multicast bit; a multicast address works nowhere,
/// though.
std::string parse_mac(const std::string& text) {
    unsigned octet[6];
    char rest = 0;
    const bool six = std::sscanf(text.c_str(), "%2x:%2x:%2x:%2x:%2x:%2x%c", &octet[0], &octet[1], &octet[2],
                                 &octet[3], &octet[4], &octet[5], &rest) == 6;
    if (!six || (octet[0] & 1) || std::ranges::all_of(octet, [](unsigned o) { return o == 0; })) {
        print_error("Invalid MAC " + text);
        throw DeviceFailure{0};
    }
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", octet[0], octet[1], octet[2], octet[3],
                       octet[4], octet[5]);
}

std::string mac_of(Setup& setup, const Config::Node& node, const Slot& slot) {
    if (const auto mac = setup.config.get(node, "mac"))
        return parse_mac(*mac);
    const auto sum = md5(fmt::format("{}-{}-{}", slot.slot, slot.function, setup.name));
    return fmt::format("58:9c:fc:{}:{}:{}", sum.substr(0, 2), sum.substr(2, 2), sum.substr(4, 2));
}

/// The interface's other end, for this process alone: Linux's tun refuses a second one as FreeBSD's does.
Fd open_tap(const std::string& name) {
    const auto fail = [&] [[noreturn]] (int error) {
        print_error(fmt::format("open of tap device /dev/{} failed", name));
        throw DeviceFailure{error};
    };
    // TUNSETIFF would make an interface that is not there.
    if (name.size() >= IFNAMSIZ || if_nametoindex(name.c_str()) == 0)
        fail(ENOENT);
    Fd tap(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (!tap)
        throw std::runtime_error("the lab needs /dev/net/tun");
    ifreq request{};
    std::copy(name.begin(), name.end(), request.ifr_name);
    request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
    if (ioctl(tap.get(), TUNSETIFF, &request) < 0)
        fail(errno);
    const Fd socket_fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq flags{};
    std::copy(name.begin(), name.end(), flags.ifr_name);
    if (ioctl(socket_fd.get(), SIOCGIFFLAGS, &flags) == 0) {
        flags.ifr_flags = static_cast<short>(flags.ifr_flags | IFF_UP);
        if (ioctl(socket_fd.get(), SIOCSIFFLAGS, &flags) < 0) {
            print_error("tap device link up failed");
            throw DeviceFailure{errno};
        }
    }
    return tap;
}

/// net_backends.c, netbe_init(). Returns QEMU's "netdev=..." or "" where there is no backend.
std::string backend(Setup& setup, const Config::Node& node, const Slot& slot) {
    const auto name = setup.config.get(node, "backend");
    if (!name)
        return "";
    const auto type = setup.config.get(node, "type").value_or(*name);
    const auto rows = backend_rows();
    const auto row = std::ranges::find_if(rows, [&](const BackendRow& candidate) {
        return candidate.releases.contains(setup.release) && type.starts_with(candidate.prefix);
    });
    if (row == rows.end())
        throw DeviceFailure{0};
    if (!row->able)
        throw std::runtime_error(fmt::format("the lab has no network backend {}", row->prefix));
    const auto id = fmt::format("net{}-{}", slot.slot, slot.function);
    Fd tap = open_tap(*name);
    setup.add("-netdev", fmt::format("tap,id={},fd={},vhost=off", id, tap.get()));
    setup.inherited.push_back(std::move(tap));
    return ",netdev=" + id;
}

} // namespace

void init_virtio_net(Setup& setup, Config::Node& node, const Slot& slot) {
    const auto mac = mac_of(setup, node, slot);
    std::string mtu;
    if (const auto text = setup.config.get(node, "mtu")) {
        char* end = nullptr;
        const auto value = std::strtoul(text->c_str(), &end, 0);
        if (text->starts_with('-') || *end != '\0' || value < 68 || value > 65535)
            throw DeviceFailure{EINVAL};
        mtu = fmt::format(",host_mtu={}", value);
    }
    const auto net = backend(setup, node, slot);
    setup.add("-device",
              fmt::format("virtio-net-pci,mac={}{}{},romfile=,{}", mac, net, mtu, setup.address(slot)));
}

void init_e1000(Setup& setup, Config::Node& node, const Slot& slot) {
    const auto mac = mac_of(setup, node, slot);
    const auto net = backend(setup, node, slot);
    if (net.empty())
        throw DeviceFailure{0};
    setup.add("-device", fmt::format("e1000-82545em,mac={}{},romfile=,{}", mac, net, setup.address(slot)));
}

} // namespace bhype::lab
