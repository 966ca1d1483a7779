// Descriptors, messages on the gateway's socket, and the wire to the agent.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "protocol.h"

namespace bhype::lab {

class Fd {
  public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(other.release()) {}
    Fd& operator=(Fd&& other) noexcept;
    ~Fd();
    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    int release();

  private:
    int fd_ = -1;
};

[[noreturn]] void fail(const std::string& what);                  // runtime_error
[[noreturn]] void fail_errno(const std::string& what, int error); // "what: text of errno"

bool read_all(int fd, void* to, std::size_t length);
bool write_all(int fd, const void* from, std::size_t length);
bool send_frame(int fd, wire::Frame type, std::string_view data);
std::string join_strings(const std::vector<std::string>& words); // each ended by NUL
std::vector<std::string> split_strings(std::string_view text);

// The agent's request after the preamble: a length and strings.
bool send_request(int fd, const std::vector<std::string>& words);
// The agent's uint32 errno value; EIO if the connection ends.
int read_status(int fd);
std::string nanoseconds_now();

// Gateway's socket, one message each way, a descriptor with it or not.
struct Message {
    std::vector<std::string> words;
    Fd fd;
};
bool send_message(int fd, const std::vector<std::string>& words, int with_fd = -1);
// False at the end of the connection.
bool receive_message(int fd, Message& message);

// Paths of sockets may be longer than sun_path holds: both go by way of the directory's descriptor.
Fd listen_unix(const std::filesystem::path& path, int type, unsigned mode);
Fd connect_unix(const std::filesystem::path& path, int type); // empty on failure, errno set

// Asks the gateway below the state folder; the answer's first word is an errno value. Throws if nobody
// answers.
Message ask_gateway(const std::filesystem::path& state_dir, const std::vector<std::string>& words,
                    int with_fd = -1);

} // namespace bhype::lab
