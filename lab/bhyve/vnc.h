#pragma once

#include "base/fd.h"

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace bhype::lab {

struct VncOptions {
    std::string name; ///< the VM's
    std::string host; ///< numeric; empty: 127.0.0.1
    int port{0};      ///< 0: 5900
    bool wait{false};
    int width{1024}, height{768};
    std::optional<std::string> password; ///< its first eight bytes count
    std::filesystem::path screen;        ///< unix socket of QEMU's own VNC server
};

/// bhyve's VNC server (rfb.c) in front of QEMU's: RFB 3.8, one client at a time while others wait unanswered
/// in a backlog of one, no time-out, one kind of authentication on offer, and none of QEMU's own encodings
/// and messages.
class VncServer {
  public:
    /// Listens. With `wait`, returns only when the first client has connected. Throws DeviceFailure after
    /// bhyve's text.
    explicit VncServer(VncOptions options);
    ~VncServer();
    VncServer(const VncServer&) = delete;
    VncServer& operator=(const VncServer&) = delete;

  private:
    void run();

    VncOptions options_;
    Fd listener_, stop_read_, stop_write_;
    std::mutex mutex_;
    std::condition_variable connected_;
    bool accepted_{false};
    std::thread thread_;
};

} // namespace bhype::lab
