#include "lab/commands/netlink.h"

#include "lab/commands/netlink_request.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <fmt/format.h>

namespace bhype::lab {

namespace rtnetlink {

int exchange(Request request, const std::function<void(const nlmsghdr*)>& each) {
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return errno;
    const auto& bytes = request.finished();
    const bool dump = reinterpret_cast<const nlmsghdr*>(bytes.data())->nlmsg_flags & NLM_F_DUMP;
    int result = -1;
    if (send(fd, bytes.data(), bytes.size(), 0) < 0)
        result = errno;
    std::vector<char> buffer(1 << 17);
    while (result < 0) {
        const ssize_t size = recv(fd, buffer.data(), buffer.size(), 0);
        if (size < 0) {
            if (errno == EINTR)
                continue;
            result = errno;
            break;
        }
        auto left = static_cast<unsigned>(size);
        for (auto* header = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(header, left);
             header = NLMSG_NEXT(header, left)) {
            if (header->nlmsg_type == NLMSG_ERROR)
                result = -static_cast<nlmsgerr*>(NLMSG_DATA(header))->error;
            else if (header->nlmsg_type == NLMSG_DONE)
                result = 0;
            else if (each)
                each(header);
        }
        if (!dump && result < 0 && each)
            result = 0;
    }
    close(fd);
    return result;
}

int change(Request request) {
    return exchange(std::move(request), nullptr);
}

std::string ether_text(const void* data) {
    const auto* b = static_cast<const unsigned char*>(data);
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", b[0], b[1], b[2], b[3], b[4], b[5]);
}

} // namespace rtnetlink

using namespace rtnetlink;

namespace {

ifinfomsg info_of(int index) {
    ifinfomsg info{};
    info.ifi_index = index;
    return info;
}

} // namespace

std::vector<Link> dump_links() {
    std::vector<Link> links;
    exchange(Request(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}), [&](const nlmsghdr* header) {
        const auto* info = static_cast<const ifinfomsg*>(NLMSG_DATA(header));
        Link link;
        link.index = info->ifi_index;
        link.flags = info->ifi_flags;
        each_attribute<ifinfomsg>(header, [&](int type, const void* data, std::size_t size) {
            if (type == IFLA_IFNAME)
                link.name = static_cast<const char*>(data);
            else if (type == IFLA_MTU)
                std::memcpy(&link.mtu, data, sizeof link.mtu);
            else if (type == IFLA_MASTER)
                std::memcpy(&link.master, data, sizeof link.master);
            else if (type == IFLA_CARRIER)
                link.carrier = *static_cast<const unsigned char*>(data);
            else if (type == IFLA_STATS64) {
                rtnl_link_stats64 stats{};
                std::memcpy(&stats, data, std::min(size, sizeof stats));
                link.received = {stats.rx_packets, stats.rx_bytes, stats.rx_errors, stats.rx_dropped};
                link.sent = {stats.tx_packets, stats.tx_bytes, stats.tx_errors, stats.tx_dropped};
                link.collisions = stats.collisions;
            } else if (type == IFLA_ADDRESS && size == 6)
                link.ether = ether_text(data);
        });
        links.push_back(link);
    });
    return links;
}

std::optional<Link> find_link(const std::string& name) {
    for (auto& link : dump_links())
        if (link.name == name)
            return link;
    return std::nullopt;
}

std::vector<LinkAddress> dump_addresses() {
    std::vector<LinkAddress> addresses;
    exchange(Request(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}), [&](const nlmsghdr* header) {
        const auto* info = static_cast<const ifaddrmsg*>(NLMSG_DATA(header));
        LinkAddress address{static_cast<int>(info->ifa_index), info->ifa_family == AF_INET6, "",
                            info->ifa_prefixlen};
        if (info->ifa_family != AF_INET && info->ifa_family != AF_INET6)
            return;
        const int wanted = address.v6 ? IFA_ADDRESS : IFA_LOCAL;
        each_attribute<ifaddrmsg>(header, [&](int type, const void* data, std::size_t) {
            char text[INET6_ADDRSTRLEN];
            if (type == wanted)
                address.address = inet_ntop(info->ifa_family, data, text, sizeof text);
        });
        addresses.push_back(address);
    });
    return addresses;
}

int create_link(const std::string& name, const std::string& kind) {
    Request request(RTM_NEWLINK, create, ifinfomsg{});
    request.add(IFLA_IFNAME, name);
    request.nest(IFLA_LINKINFO, [&] { request.add(IFLA_INFO_KIND, kind); });
    return change(std::move(request));
}

int create_veth(const std::string& name, const std::string& peer) {
    return create_veth_to(name, peer, 0);
}

int create_veth_to(const std::string& name, const std::string& peer, int process) {
    Request request(RTM_NEWLINK, create, ifinfomsg{});
    request.add(IFLA_IFNAME, name);
    request.nest(IFLA_LINKINFO, [&] {
        request.add(IFLA_INFO_KIND, std::string("veth"));
        request.nest(IFLA_INFO_DATA, [&] {
            request.nest(VETH_INFO_PEER, [&] {
                request.raw(ifinfomsg{});
                request.add(IFLA_IFNAME, peer);
                if (process)
                    request.add_number(IFLA_NET_NS_PID, process);
            });
        });
    });
    return change(std::move(request));
}

int create_tap(const std::string& name) {
    const int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return errno;
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    int error = 0;
    if (ioctl(fd, TUNSETIFF, &request) != 0 || ioctl(fd, TUNSETPERSIST, 1) != 0)
        error = errno;
    close(fd);
    return error;
}

int delete_link(int index) {
    return change(Request(RTM_DELLINK, ack, info_of(index)));
}

int set_link_up(int index, bool up) {
    auto info = info_of(index);
    info.ifi_change = IFF_UP;
    info.ifi_flags = up ? static_cast<unsigned>(IFF_UP) : 0U;
    return change(Request(RTM_NEWLINK, ack, info));
}

int set_link_mtu(int index, unsigned mtu) {
    Request request(RTM_NEWLINK, ack, info_of(index));
    request.add_number(IFLA_MTU, mtu);
    return change(std::move(request));
}

int set_link_name(int index, const std::string& name) {
    Request request(RTM_NEWLINK, ack, info_of(index));
    request.add(IFLA_IFNAME, name);
    return change(std::move(request));
}

int set_link_ether(int index, const std::string& ether) {
    unsigned char bytes[6];
    if (std::sscanf(ether.c_str(), "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &bytes[0], &bytes[1], &bytes[2],
                    &bytes[3], &bytes[4], &bytes[5]) != 6)
        return EINVAL;
    Request request(RTM_NEWLINK, ack, info_of(index));
    request.add(IFLA_ADDRESS, bytes, sizeof bytes);
    return change(std::move(request));
}

int set_link_master(int index, int master) {
    Request request(RTM_NEWLINK, ack, info_of(index));
    request.add_number(IFLA_MASTER, master);
    return change(std::move(request));
}

int set_port_isolated(int index, bool isolated) {
    auto info = info_of(index);
    info.ifi_family = AF_BRIDGE;
    Request request(RTM_SETLINK, ack, info);
    request.nest(IFLA_PROTINFO | NLA_F_NESTED,
                 [&] { request.add_number(IFLA_BRPORT_ISOLATED, static_cast<unsigned char>(isolated)); });
    return change(std::move(request));
}

int change_address(int index, const LinkAddress& address, bool add) {
    ifaddrmsg info{};
    info.ifa_family = address.v6 ? AF_INET6 : AF_INET;
    info.ifa_prefixlen = static_cast<unsigned char>(address.prefix);
    info.ifa_index = static_cast<unsigned>(index);
    unsigned char bytes[16]{};
    if (inet_pton(info.ifa_family, address.address.c_str(), bytes) != 1)
        return EINVAL;
    const std::size_t size = address.v6 ? 16 : 4;
    Request request(add ? RTM_NEWADDR : RTM_DELADDR, add ? create : ack, info);
    request.add(IFA_LOCAL, bytes, size);
    request.add(IFA_ADDRESS, bytes, size);
    if (!address.v6 && add && address.prefix < 31) {
        std::uint32_t value = 0;
        std::memcpy(&value, bytes, 4);
        value |= htonl(address.prefix ? ~0U >> address.prefix : ~0U);
        request.add_number(IFA_BROADCAST, value);
    }
    return change(std::move(request));
}
void set_plain_frames(const std::string& name) {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    for (const unsigned command : {ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO}) {
        ethtool_value off{command, 0};
        ifreq request{};
        name.copy(request.ifr_name, IFNAMSIZ - 1);
        request.ifr_data = reinterpret_cast<char*>(&off);
        ioctl(fd, SIOCETHTOOL, &request);
    }
    close(fd);
}

std::vector<BridgeEntry> dump_bridge_entries(int bridge) {
    std::vector<BridgeEntry> entries;
    ndmsg message{};
    message.ndm_family = AF_BRIDGE;
    exchange(Request(RTM_GETNEIGH, NLM_F_DUMP, message), [&](const nlmsghdr* header) {
        const auto* neighbour = static_cast<const ndmsg*>(NLMSG_DATA(header));
        BridgeEntry entry{"", neighbour->ndm_ifindex, 0};
        int master = 0;
        each_attribute<ndmsg>(header, [&](int type, const void* data, std::size_t size) {
            if (type == NDA_LLADDR && size == 6)
                entry.ether = ether_text(data);
            else if (type == NDA_MASTER)
                std::memcpy(&master, data, sizeof master);
            else if (type == NDA_CACHEINFO) {
                nda_cacheinfo info{};
                std::memcpy(&info, data, sizeof info);
                entry.age = info.ndm_updated / 100;
            }
        });
        if (master == bridge && !(neighbour->ndm_state & (NUD_PERMANENT | NUD_NOARP)))
            entries.push_back(entry);
    });
    return entries;
}

int open_link_monitor() {
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = RTMGRP_LINK;
    if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        throw std::system_error(errno, std::generic_category(), "rtnetlink");
    return fd;
}

} // namespace bhype::lab
