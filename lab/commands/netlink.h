#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bhype::lab {

/// The machine's network devices in this namespace, as rtnetlink(7) tells. All calls return 0 or an errno.
struct Link {
    int index{};
    std::string name, ether;
    unsigned flags{}, mtu{};
    int master{};
    bool carrier{};
    struct {
        std::uint64_t packets, bytes, errors, dropped;
    } received{}, sent{};
    std::uint64_t collisions{};
};
std::vector<Link> dump_links();
std::optional<Link> find_link(const std::string& name);

struct LinkAddress {
    int index{};
    bool v6{};
    std::string address; ///< as text, no prefix
    unsigned prefix{};
};
std::vector<LinkAddress> dump_addresses();

int create_link(const std::string& name, const std::string& kind);
int create_veth(const std::string& name, const std::string& peer);
/// The peer is in the network namespace of a process.
int create_veth_to(const std::string& name, const std::string& peer, int process);
int create_tap(const std::string& name);
int delete_link(int index);
int set_link_up(int index, bool up);
int set_link_mtu(int index, unsigned mtu);
int set_link_name(int index, const std::string& name);
int set_link_ether(int index, const std::string& ether);
int set_link_master(int index, int master);
int set_port_isolated(int index, bool isolated);
int change_address(int index, const LinkAddress& address, bool add);
/// From now on the device's frames are whole: no segments put together, no checksums left to hardware, so
/// that a program can pass them on as they are.
void set_plain_frames(const std::string& name);

/// An entry of the main routing table.
struct Route {
    bool v6{};
    std::string destination; ///< as text; empty for the default route
    unsigned prefix{};
    std::string gateway; ///< empty if the destination is on the link itself
    int index{};
    bool of_address{}; ///< made by the kernel for an address
    bool local{};      ///< to an address of this host
    bool reject{}, blackhole{};
    unsigned mtu{}; ///< 0: the interface's
};
std::vector<Route> dump_routes();
enum class RouteChange { append, replace, remove };
int change_route(const Route& route, RouteChange what);
/// The route that a packet takes.
std::optional<Route> route_to(bool v6, const std::string& address);

/// Who is known by his Ethernet address on an interface's link.
struct Neighbor {
    bool v6{};
    int index{};
    std::string address, ether; ///< ether is empty while it is asked for
    std::uint16_t state{};      ///< NUD_*
    bool router{};
    unsigned confirmed{}, updated{}; ///< seconds ago
};
std::vector<Neighbor> dump_neighbors(bool v6);
int delete_neighbor(const Neighbor& neighbor);

/// Learnt Ethernet addresses of a bridge.
struct BridgeEntry {
    std::string ether;
    int port{};
    unsigned age{}; ///< seconds since it was last seen
};
std::vector<BridgeEntry> dump_bridge_entries(int bridge);

/// A socket on which changes of links are announced.
int open_link_monitor();

} // namespace bhype::lab
