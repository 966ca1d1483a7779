#pragma once

// Which operations are in flight, also those that a hostd began which was killed since: its commands run on,
// and whoever judges what they did must wait for their end.

#include "base/fd.h"

#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace bhype::hostd {

/// Each operation with an id has a file of that name. It is locked (flock(2)) by us and, since they inherit
/// the descriptor, by every command of the operation, for as long as one of them lives.
class Flights {
  public:
    /// Makes the directory. Whose file nobody locks any more has ended.
    explicit Flights(const std::string& directory);
    /// The descriptor for the operation's commands. Throws Error(invalid_field) for an id that is no name,
    /// Error(busy) when it is in flight.
    Fd begin(const std::string& id);
    void end(const std::string& id);
    std::vector<std::string> ids();

  private:
    Fd directory_;
    std::mutex mutex_;
    std::set<std::string> own_;
    std::set<std::string> left_; ///< of hostds before us
};

} // namespace bhype::hostd
