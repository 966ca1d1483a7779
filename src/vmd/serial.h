#pragma once

// The guest's serial line: read all the time, since nobody else does; the last part is kept and replayed to
// whoever opens it; one viewer types, the others watch.

#include "base/fd.h"
#include "vmd/loop.h"

#include <list>
#include <memory>
#include <string>
#include <vector>

namespace bhype::vmd {

enum class Mode { control, watch, take_over };

/// What came of opening a console.
struct Opened {
    Fd descriptor;   ///< none: somebody has control, or there are too many
    int viewers = 0; ///< others
    bool in_use = false;
};

class Serial {
  public:
    static constexpr std::size_t kept = 256 << 10;
    static constexpr std::size_t most_viewers = 16;

    /// Without a master there is no line: open() says so.
    Serial(Loop& loop, Fd master, Fd slave);
    ~Serial();
    Serial(const Serial&) = delete;

    Opened open(Mode mode);
    int master() const { return master_.get(); }
    std::vector<std::string> last_lines(std::size_t most) const;

  private:
    struct Viewer {
        Fd fd;
        bool controls = false;
        std::uint64_t sent = 0; ///< position in all that the guest ever printed
        std::string note;       ///< of ours, before what comes next
    };
    using At = std::list<Viewer>::iterator;
    void guest_printed();
    void serve(At viewer, short events);
    bool push(At viewer);
    bool pull(At viewer);
    void flush_typed();
    void close(At viewer);

    Loop& loop_;
    Fd master_, slave_;
    std::unique_ptr<char[]> ring_;
    std::uint64_t printed_ = 0;
    std::string typed_; ///< what the guest has not taken yet
    std::list<Viewer> viewers_;
};

} // namespace bhype::vmd
