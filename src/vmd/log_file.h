#pragma once

#include "base/fd.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bhype::vmd {

/// bhyve.log in the guest's dataset. bhyve itself writes to it, not through a pipe of ours, since it must
/// live on when its supervisor dies.
class LogFile {
  public:
    /// Opens or makes it below the dataset's directory. A pool that is full or read-only must not keep a
    /// guest from starting: then there is no log, and descriptor() is /dev/null's.
    LogFile(int dataset, std::int64_t group, std::int64_t limit);
    int descriptor() const { return file_.get(); }
    std::int64_t size() const;
    /// A line of our own, with the time.
    void note(std::string_view text);
    /// The last whole lines after `from`, made fit for showing.
    std::vector<std::string> lines_since(std::int64_t from, std::size_t most) const;
    std::string tail(std::size_t bytes) const;
    /// Cuts the oldest part off when it has grown over its limit. True when it did: positions are void.
    bool trim();

  private:
    std::string read_from(std::int64_t from, std::size_t most) const;
    Fd file_;
    std::int64_t limit_;
};

/// Text of unknown origin as lines without control characters, the last `most` of at most 200 characters.
std::vector<std::string> showable_lines(std::string_view text, std::size_t most);

} // namespace bhype::vmd
