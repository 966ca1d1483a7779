#pragma once

#include "lab/commands/interfaces.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace bhype::lab {

/// A lagg(4)'s ports and which of them are used now (sys/net/if_lagg.c lagg_link_active(), LAGG_PORTACTIVE).
struct LaggPorts {
    std::string protocol;
    struct Port {
        int index;
        unsigned flags; ///< LAGG_PORT_* as ifconfig prints them
    };
    std::vector<Port> all;
    std::vector<int> active; ///< indexes of the ports that take frames
};
LaggPorts lagg_ports(Interfaces& interfaces, const Interface& lagg);

constexpr unsigned lagg_master = 0x1, lagg_active = 0x4, lagg_collecting = 0x8, lagg_distributing = 0x10;

/// Which way frames go. The other end is a plain bridge that does not know that the cables belong together,
/// so what it sends back by another cable is told from what it has to say.
class LaggTraffic {
  public:
    /// The ports by which a frame leaves.
    std::vector<int> outgoing(const LaggPorts& ports, const unsigned char* frame, std::size_t size);
    /// Whether a frame that came in at a port is for the lagg.
    bool incoming(const LaggPorts& ports, int port, const unsigned char* frame);

  private:
    using Clock = std::chrono::steady_clock;
    std::map<std::uint64_t, Clock::time_point> senders_; ///< when a source address was sent last
    std::size_t turn_{0};
};

} // namespace bhype::lab
