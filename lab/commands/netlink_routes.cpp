#include "lab/commands/netlink.h"
#include "lab/commands/netlink_request.h"

#include <arpa/inet.h>
#include <linux/neighbour.h>

#include <cstring>

namespace bhype::lab {

using namespace rtnetlink;

namespace {

Route parse_route(const nlmsghdr* header) {
    const auto* message = static_cast<const rtmsg*>(NLMSG_DATA(header));
    Route route;
    route.v6 = message->rtm_family == AF_INET6;
    route.prefix = message->rtm_dst_len;
    route.of_address = message->rtm_protocol == RTPROT_KERNEL;
    route.reject = message->rtm_type == RTN_UNREACHABLE || message->rtm_type == RTN_PROHIBIT;
    route.blackhole = message->rtm_type == RTN_BLACKHOLE;
    route.local = message->rtm_type == RTN_LOCAL;
    const auto text = [&](const void* data) {
        char buffer[INET6_ADDRSTRLEN];
        return std::string(inet_ntop(message->rtm_family, data, buffer, sizeof buffer));
    };
    each_attribute<rtmsg>(header, [&](int type, const void* data, std::size_t size) {
        if (type == RTA_DST)
            route.destination = text(data);
        else if (type == RTA_GATEWAY)
            route.gateway = text(data);
        else if (type == RTA_OIF)
            std::memcpy(&route.index, data, sizeof route.index);
        else if (type == RTA_METRICS) {
            const auto* inner = static_cast<const rtattr*>(data);
            for (auto left = static_cast<int>(size); RTA_OK(inner, left); inner = RTA_NEXT(inner, left))
                if (inner->rta_type == RTAX_MTU)
                    std::memcpy(&route.mtu, RTA_DATA(inner), sizeof route.mtu);
        }
    });
    return route;
}

std::size_t parse_address(bool v6, const std::string& text, unsigned char* bytes) {
    return inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), bytes) == 1 ? (v6 ? 16 : 4) : 0;
}

} // namespace

std::vector<Route> dump_routes() {
    std::vector<Route> routes;
    for (const unsigned char family : {AF_INET, AF_INET6}) {
        rtmsg message{};
        message.rtm_family = family;
        exchange(Request(RTM_GETROUTE, NLM_F_DUMP, message), [&](const nlmsghdr* header) {
            const auto* route = static_cast<const rtmsg*>(NLMSG_DATA(header));
            if (route->rtm_table == RT_TABLE_MAIN && route->rtm_type != RTN_MULTICAST)
                routes.push_back(parse_route(header));
        });
    }
    return routes;
}

int change_route(const Route& route, RouteChange what) {
    rtmsg message{};
    message.rtm_family = route.v6 ? AF_INET6 : AF_INET;
    message.rtm_dst_len = static_cast<unsigned char>(route.prefix);
    message.rtm_table = RT_TABLE_MAIN;
    const bool remove = what == RouteChange::remove;
    message.rtm_protocol = remove ? RTPROT_UNSPEC : RTPROT_STATIC;
    message.rtm_scope = remove ? RT_SCOPE_NOWHERE : route.gateway.empty() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    message.rtm_type = route.reject ? RTN_UNREACHABLE : route.blackhole ? RTN_BLACKHOLE : RTN_UNICAST;
    if (route.reject || route.blackhole)
        message.rtm_scope = RT_SCOPE_UNIVERSE;
    if (remove)
        message.rtm_type = RTN_UNSPEC;
    const int flags = what == RouteChange::append    ? NLM_F_CREATE | NLM_F_APPEND
                      : what == RouteChange::replace ? NLM_F_REPLACE
                                                     : 0;
    Request request(remove ? RTM_DELROUTE : RTM_NEWROUTE, static_cast<std::uint16_t>(ack | flags), message);
    unsigned char bytes[16]{};
    if (!route.destination.empty())
        request.add(RTA_DST, bytes, parse_address(route.v6, route.destination, bytes));
    if (!route.gateway.empty() && !route.reject && !route.blackhole)
        request.add(RTA_GATEWAY, bytes, parse_address(route.v6, route.gateway, bytes));
    if (route.index)
        request.add_number(RTA_OIF, route.index);
    if (route.mtu)
        request.nest(RTA_METRICS, [&] { request.add_number(RTAX_MTU, route.mtu); });
    return change(std::move(request));
}

std::optional<Route> route_to(bool v6, const std::string& address) {
    rtmsg message{};
    message.rtm_family = v6 ? AF_INET6 : AF_INET;
    message.rtm_dst_len = v6 ? 128 : 32;
    message.rtm_flags = RTM_F_FIB_MATCH; // the table's entry, not the host's route made from it
    Request request(RTM_GETROUTE, 0, message);
    unsigned char bytes[16]{};
    request.add(RTA_DST, bytes, parse_address(v6, address, bytes));
    std::optional<Route> found;
    exchange(std::move(request), [&](const nlmsghdr* header) { found = parse_route(header); });
    return found;
}

std::vector<Neighbor> dump_neighbors(bool v6) {
    std::vector<Neighbor> neighbors;
    ndmsg message{};
    message.ndm_family = v6 ? AF_INET6 : AF_INET;
    exchange(Request(RTM_GETNEIGH, NLM_F_DUMP, message), [&](const nlmsghdr* header) {
        const auto* entry = static_cast<const ndmsg*>(NLMSG_DATA(header));
        Neighbor neighbor;
        neighbor.v6 = v6;
        neighbor.index = entry->ndm_ifindex;
        neighbor.state = entry->ndm_state;
        neighbor.router = entry->ndm_flags & NTF_ROUTER;
        each_attribute<ndmsg>(header, [&](int type, const void* data, std::size_t size) {
            char text[INET6_ADDRSTRLEN];
            if (type == NDA_DST)
                neighbor.address = inet_ntop(entry->ndm_family, data, text, sizeof text);
            else if (type == NDA_LLADDR && size == 6)
                neighbor.ether = ether_text(data);
            else if (type == NDA_CACHEINFO) {
                nda_cacheinfo info{};
                std::memcpy(&info, data, sizeof info);
                neighbor.confirmed = info.ndm_confirmed / 100;
                neighbor.updated = info.ndm_updated / 100;
            }
        });
        if (!(entry->ndm_state & NUD_NOARP) && !neighbor.address.empty())
            neighbors.push_back(neighbor);
    });
    return neighbors;
}

int delete_neighbor(const Neighbor& neighbor) {
    ndmsg message{};
    message.ndm_family = neighbor.v6 ? AF_INET6 : AF_INET;
    message.ndm_ifindex = neighbor.index;
    Request request(RTM_DELNEIGH, ack, message);
    unsigned char bytes[16]{};
    const auto size = parse_address(neighbor.v6, neighbor.address, bytes);
    request.add(NDA_DST, bytes, size);
    return change(std::move(request));
}

} // namespace bhype::lab
