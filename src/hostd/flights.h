#pragma once

// Which operations are in flight, also those that a hostd began which was killed since: its commands run on,
// and whoever judges what they did must wait for their end.

#include "base/fd.h"

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace bhype::hostd {

struct Flight {
    Fd file; ///< for the operation's commands to hold open
    Fd wish; ///< becomes readable when the operation is not wanted any more
};

/// Each operation with an id has a file of that name. It is locked (flock(2)) by us and, since they inherit
/// the descriptor, by every command of the operation, for as long as one of them lives.
class Flights {
  public:
    /// Makes the directory. Whose file nobody locks any more has ended.
    explicit Flights(const std::string& directory);
    /// Throws Error(invalid_field) for an id that is no name, Error(busy) when it is in flight.
    Flight begin(const std::string& id);
    void end(const std::string& id);
    /// Of ours alone; of another hostd's the commands run to their end.
    void cancel(const std::string& id);
    std::vector<std::string> ids();

  private:
    Fd directory_;
    std::mutex mutex_;
    std::map<std::string, Fd> own_; ///< with what is closed to cancel it
    std::set<std::string> left_;    ///< of hostds before us
};

} // namespace bhype::hostd
