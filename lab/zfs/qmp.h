// The few things asked of QEMU's monitor (QMP, docs/interop/qmp-spec of QEMU).
#pragma once

#include <boost/json/value.hpp>
#include <mutex>
#include <string>
#include <vector>

#include "lab_io.h"

namespace bhype::lab {

class Qmp {
  public:
    // Takes over a connected socket; reads the greeting.
    explicit Qmp(Fd socket);

    // Sends a command and returns what it returned; throws with QEMU's text.
    boost::json::value execute(const std::string& command, const boost::json::value& arguments = nullptr);
    // Waits for an event, or for one that came since the last execute(); throws after the time.
    void wait_event(const std::string& name, int seconds);
    void add_disk(const std::string& name, const std::string& path);
    void remove_disk(const std::string& name);
    // Bytes read, bytes written, and reads and writes that failed, since the disk was added.
    std::vector<std::string> disk_figures(const std::string& name);

  private:
    boost::json::value next(int milliseconds);

    Fd socket_;
    std::string buffer_;
    std::vector<std::string> events_;
    std::mutex mutex_;
};

} // namespace bhype::lab
