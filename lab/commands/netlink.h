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
int create_tap(const std::string& name);
int delete_link(int index);
int set_link_up(int index, bool up);
int set_link_mtu(int index, unsigned mtu);
int set_link_name(int index, const std::string& name);
int set_link_ether(int index, const std::string& ether);
int set_link_master(int index, int master);
int set_port_isolated(int index, bool isolated);
int change_address(int index, const LinkAddress& address, bool add);

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
