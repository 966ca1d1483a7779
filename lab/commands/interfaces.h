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
};

/// An interface as FreeBSD's kernel knows it: the machine's device and what only FreeBSD has.
struct Interface {
    Link link;
    std::string driver;   ///< "tap", "bridge", "epair", "lo"; empty for a device that is no clone
    std::string original; ///< the name that it was made with: "tap7"
    std::string description;
    std::vector<std::string> groups; ///< without "all"
    bool link0{false};
    std::vector<BridgeMember> members;
    std::vector<LinkAddress> addresses;
    int bridge{0}; ///< index of the bridge that it is a member or a span port of

    bool up() const;
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

/// The process that has a tap open, 0 if none.
int tap_opener(const std::string& name);

/// To be called by whoever has just opened a tap, and after the last close: net.link.tap.up_on_open, and
/// sys/net/if_tuntap.c tundtor(), which takes the interface down and its addresses away.
void tap_opened(const std::string& name);
void tap_closed(const std::string& name);

/// Watches for taps whose holder died without a word; never returns.
[[noreturn]] void watch_taps();

/// What SIOCIFCREATE2 does: "tap" or "tap7" becomes an interface; returns its name. Throws CommandFailure.
std::string create_interface(const std::string& name);

/// What SIOCIFDESTROY does: a tap that is open is waited for.
void destroy_interface(const std::string& name);

} // namespace bhype::lab
