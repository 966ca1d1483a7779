// A libfuse low-level session whose /dev/fuse is at the other end of a connection.
#pragma once

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>

#include <mutex>

namespace bhype::lab::agent {

inline constexpr unsigned max_transfer = 256 * 1024;

// What a request's user data points to; each file system adds its own.
struct FileServer {
    std::mutex sending; // replies and notifications come from different threads
    virtual ~FileServer() = default;
};

// Null on failure. Takes a descriptor of its own; the server must outlive the session.
fuse_session* open_session(int fd, const fuse_lowlevel_ops& operations, FileServer& server);
// Serves until the lab's kernel lets go of the file system, then frees the session.
void serve_session(fuse_session* session);

} // namespace bhype::lab::agent
