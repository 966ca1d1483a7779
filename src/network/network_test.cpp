#include "network/network.h"

#include <gtest/gtest.h>

namespace bhype::network {

TEST(Network, Overlap) {
    EXPECT_TRUE(overlap("10.77.0.1/24", "10.77.0.200/32"));
    EXPECT_TRUE(overlap("10.0.0.0/8", "10.77.0.1/24"));
    EXPECT_FALSE(overlap("10.77.0.1/24", "10.77.1.1/24"));
    EXPECT_FALSE(overlap("192.168.1.1/24", "10.77.1.1/24"));
}

} // namespace bhype::network
