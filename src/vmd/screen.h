#pragma once

// The guest's screen. bhyve's VNC server serves one client and waits for ever for a silent one (rfb.c), so we
// are that client, from bhyve's start on, and serve the viewers ourselves (RFB 3.8, RFC 6143).

#include "vmd/loop.h"
#include "vmd/protocol.h"
#include "vmd/rfb.h"
#include "vmd/serial.h"
#include "vmd/viewer.h"

#include <list>

namespace bhype::vmd {

class Screen {
  public:
    static constexpr std::size_t most_viewers = 8;

    Screen(Loop& loop, const Run& run);
    ~Screen();
    Screen(const Screen&) = delete;

    /// bhyve was started: its port will listen soon.
    void powered();
    Opened open(Mode mode);

  private:
    enum class Stage { away, connecting, banner, security, reason, challenge, verdict, init, streaming };
    void connect();
    void lose();
    void retry();
    void readable();
    std::size_t take(const char* bytes, std::size_t size);
    std::size_t take_handshake(const char* bytes, std::size_t size);
    std::size_t take_message(const char* bytes, std::size_t size);
    std::size_t take_rows(const char* bytes, std::size_t size);
    std::size_t start_rectangle(const char* bytes, std::size_t size);
    void update_done();
    void send(std::string_view bytes);
    void watch_events();
    void ask();
    void ask_all();
    void pace();
    void stuck();
    void tend(std::list<Viewer>::iterator viewer, short events);
    void close(std::list<Viewer>::iterator viewer);

    Loop& loop_;
    const Run& run_;
    Fd socket_;
    Stage stage_ = Stage::away;
    std::unique_ptr<char[]> in_;
    std::size_t in_size_ = 0;
    std::string out_;
    Geometry geometry_;
    bool known_ = false;           ///< geometry_ is bhyve's own
    std::uint32_t to_skip_ = 0;    ///< of a message that nobody wants
    std::uint32_t rectangles_ = 0; ///< left in this update
    Rectangle rectangle_;
    std::uint16_t rows_left_ = 0;
    bool in_update_ = false;
    bool asked_ = false;
    bool full_again_ = false;
    bool paused_ = false; ///< bhyve waits while viewers take what they have
    int retry_timer_ = 0;
    int stuck_timer_ = 0;
    int full_timer_ = 0;
    int attempts_ = 0;
    std::list<Viewer> viewers_;
};

} // namespace bhype::vmd
