#pragma once

#include "host/pf.h"

#include <mutex>

namespace bhype::hostd {

/// DHCP is set up by one at a time.
struct Dhcp {
    std::mutex mutex;
};

/// What is known of bHype's anchor in pf, so that it is loaded only when it is not as wanted.
struct Firewall {
    std::mutex mutex;
    std::string wanted; ///< as loaded
    std::string shown;  ///< what pfctl showed right after that
};

} // namespace bhype::hostd
