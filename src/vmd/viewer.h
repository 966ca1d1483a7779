#pragma once

#include "base/fd.h"
#include "vmd/rfb.h"

#include <map>
#include <string>
#include <string_view>

namespace bhype::vmd {

/// One viewer of the screen: the server's side of RFB with security None, over a socket that only whoever
/// hostd trusts can have.
class Viewer {
  public:
    /// What the viewer wants forwarded to bhyve: whole messages.
    struct Wants {
        std::string input;
        bool full = false; ///< asked for everything
        bool gone = false;
    };

    Viewer(Fd socket, bool controls);
    int socket() const { return socket_.get(); }
    bool controls() const { return controls_; }
    /// Key and button releases for what is still pressed; it watches from now on.
    std::string lose_control();

    /// Reads what there is. `geometry` null: bhyve's is not known yet, and ServerInit waits.
    Wants read(const Geometry* geometry, std::string_view name);
    /// Once the geometry is known: ServerInit, if it waits for it.
    void greet(const Geometry& geometry, std::string_view name);

    /// Sends some rows of the picture, if it keeps up with it; else it is behind and will want everything.
    void rows(const Rectangle& rows, const char* pixels, const Geometry& geometry);
    void bell();
    /// Sends what waits; false when the viewer has gone.
    bool flush();
    bool pending() const { return !out_.empty(); }
    bool live() const { return stage_ == Stage::live; }
    bool behind() const { return behind_; }
    void fall_behind() { behind_ = true; }
    /// It has caught up: everything must be sent once.
    bool caught_up();

    bool wants_update = false;

  private:
    enum class Stage { banner, security, init, geometry, live };
    std::size_t take(std::string_view bytes, const Geometry* geometry, std::string_view name, Wants& wants);
    std::size_t take_message(std::string_view bytes, Wants& wants);
    void note_input(std::string_view message);
    void resize(const Geometry& geometry);

    Fd socket_;
    bool controls_;
    Stage stage_ = Stage::banner;
    bool says_result_ = true;
    bool can_resize_ = false;
    bool behind_ = false;
    bool dead_ = false;
    std::uint16_t width_ = 0, height_ = 0; ///< as the viewer believes
    PixelFormat format_;
    std::uint32_t to_skip_ = 0;
    std::uint32_t encodings_left_ = 0;
    std::string in_, out_;
    std::map<std::uint32_t, bool> pressed_;
    std::string pointer_; ///< the last PointerEvent
};

} // namespace bhype::vmd
