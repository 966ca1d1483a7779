#pragma once

#include "base/fd.h"
#include "vmd/loop.h"
#include "vmd/protocol.h"

#include <list>

namespace bhype::vmd {

/// The socket on which hostd speaks to a vmd.
class Control {
  public:
    struct Peer {
        Fd fd;
        Parser in;
        std::string out;
        std::deque<std::pair<std::size_t, int>> descriptors; ///< where in `out`, which
    };
    /// Answers through answer(), now or later; `peer` is for that and may have gone by then.
    using Handler = std::function<void(std::uint64_t peer, const Message& request)>;

    Control(Loop& loop, const std::string& path, Handler handler);
    ~Control();
    Control(const Control&) = delete;

    void answer(std::uint64_t peer, const Message& answer, Fd descriptor = {});
    void tell_all(const Message& event);

  private:
    void accept();
    void serve(std::uint64_t number, short events);
    bool flush(Peer& peer);

    Loop& loop_;
    Handler handler_;
    Fd listening_;
    std::map<std::uint64_t, Peer> peers_;
    std::uint64_t last_ = 0;
};

} // namespace bhype::vmd
