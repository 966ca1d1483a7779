#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace bhype::lab {

/// A message of a SOCK_SEQPACKET socket and the descriptors that came with it.
struct Packet {
    std::string bytes;
    std::vector<int> descriptors;
};

/// Listens at directory/name for packets; the directory's path may be longer than a socket address can hold.
int listen_at(const std::filesystem::path& directory, const std::string& name);

/// -1 if nobody listens there.
int connect_to(const std::filesystem::path& directory, const std::string& name);

bool send_packet(int socket, const std::string& bytes, const std::vector<int>& descriptors = {});

/// Absent at the end of the connection.
std::optional<Packet> receive_packet(int socket, std::size_t max_size);

} // namespace bhype::lab
