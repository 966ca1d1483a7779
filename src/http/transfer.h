#pragma once

// Inside of the server: what is being copied from a descriptor to a connection.

#include "http/connection.h"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <vector>

namespace bhype::http {

struct Connection::Transfer {
    Transfer(asio::io_context& io, int descriptor) : from(io, descriptor) {}
    asio::posix::stream_descriptor from;
    std::uint64_t left = 0;
    std::vector<char> buffer = std::vector<char>(std::size_t{64} << 10);
};

} // namespace bhype::http
