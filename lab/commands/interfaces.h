#pragma once

#include "lab/commands/netlink.h"

#include <memory>
#include <string>
#include <vector>

namespace bhype::lab {

/// A member of a bridge, newest first as if_bridge(4) keeps them.
struct BridgeMember {
    int index{};
    bool is_private{false};
    unsigned max_addresses{0};
    bool span{false};
    unsigned saved_capabilities{0}; ///< if_capenable before it became a member
};

/// An interface as FreeBSD's kernel knows it: the machine's device and what only FreeBSD has.
struct Interface {
    Link link;
    std::string driver;   ///< "tap", "bridge", "epair", "vlan", "lagg", "lo0"; "em" for a network card, which
                          ///< is no clone
    std::string original; ///< the name that it was made with: "tap7"
    std::string description;
    std::vector<std::string> groups; ///< without "all"
    bool link0{false};
    unsigned capabilities{0}; ///< if_capenable of a network card
    unsigned nd6{0};          ///< ND6_IFF_* as ifconfig prints them
    std::vector<BridgeMember> members;
    std::vector<LinkAddress> addresses;
    int forwarder{0}; ///< the process behind a vlan or a lagg
    int parent{0};    ///< index of a vlan's parent, 0 if it has none
    unsigned tag{0}, priority{0};
    std::string protocol;       ///< of a lagg
    std::vector<int> ports;     ///< of a lagg, indexes in the order of their joining
    int lagg{0};                ///< index of the lagg that it is a port of; link.ether is the lagg's then
    std::string hardware_ether; ///< a port's own address
    int bridge{0};              ///< index of the bridge that it is a member or a span port of

    bool up() const;
    /// Whether it is made and destroyed by ifconfig(8).
    bool is_clone() const { return driver != "em" && driver != "lo0" && !driver.empty(); }
    const std::string& name() const { return link.name; }
};

/// All interfaces, read from the machine and from the lab's state. Changes of what only FreeBSD has are kept
/// by save(). With `write`, nobody else changes anything meanwhile.
class Interfaces {
  public:
    explicit Interfaces(bool write);
    Interfaces(const Interfaces&) = delete;
    Interfaces& operator=(const Interfaces&) = delete;
    ~Interfaces();

    std::vector<Interface> all; ///< in the order of their making
    Interface* find(const std::string& name);
    Interface* find(int index);
    void save();
    /// Reads again what the machine has, after a change there.
    void refresh();

  private:
    int lock_;
};

/// if_capabilities and what of it is on at first (sys/dev/e1000/if_em.c EM_CAPS, em_if_attach_pre();
/// sys/net/iflib.c); 0 for what has no hardware.
unsigned all_capabilities(const Interface& interface);
unsigned default_capabilities(const Interface& interface);

/// sys/netinet6/nd6.c nd6_ifattach(): a bridge gets no link-local address by itself.
unsigned default_nd6(const std::string& driver);

/// Makes the machine do IPv6 on the interface as its nd6 options say.
void apply_nd6(const Interface& interface);

/// 58:9c:fc and the rest out of the host's id and the name: sys/net/if_ethersubr.c ether_gen_addr(). Another
/// hash than the kernel's, with the same properties.
std::string generated_ether(const std::string& name);

/// The process that has a tap open, 0 if none.
int tap_opener(const std::string& name);

/// To be called by whoever has just opened a tap, and after the last close: net.link.tap.up_on_open, and
/// sys/net/if_tuntap.c tundtor(), which takes the interface down and its addresses away.
void tap_opened(const std::string& name);
void tap_closed(const std::string& name);

/// Watches for taps whose holder died without a word; never returns.
[[noreturn]] void watch_taps();

/// What a vlan is made with; no parent: to be told later.
struct VlanRequest {
    std::string parent;
    unsigned tag{0}, priority{0};
};

/// What SIOCIFCREATE2 does: "tap" or "tap7" becomes an interface; returns its name. Throws CommandFailure.
std::string create_interface(const std::string& name, const VlanRequest& vlan = {});

/// Whether a vlan can be made so: 0 or an errno.
int check_vlan(Interfaces& interfaces, const VlanRequest& request);

/// SIOCSETVLAN: gives a vlan its parent. Returns an errno.
int configure_vlan(Interfaces& interfaces, Interface& vlan, const VlanRequest& request);
void unconfigure_vlan(Interface& vlan);

/// SIOCSLAGGPORT and SIOCSLAGGDELPORT. Return an errno.
int add_lagg_port(Interfaces& interfaces, Interface& lagg, Interface& port);
int remove_lagg_port(Interfaces& interfaces, Interface& lagg, Interface& port);

/// What SIOCIFDESTROY does: a tap that is open is waited for.
void destroy_interface(const std::string& name);

} // namespace bhype::lab
