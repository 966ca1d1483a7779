#include "vmd/screen.h"

#include "vmd/des.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace bhype::vmd {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t in_space = 64 << 10;
constexpr int viewer_space = 256 << 10;
constexpr std::size_t longest_name = 1024;
constexpr std::uint16_t widest = 4096; ///< a row must fit into the buffer
/// A viewer that keeps others waiting so long is left behind.
constexpr milliseconds patience{250};
/// Between two whole pictures for those who were left behind.
constexpr milliseconds full_pause{300};

bool again() {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

} // namespace

Screen::Screen(Loop& loop, const Run& run) : loop_(loop), run_(run), in_(new char[in_space]) {
    geometry_.width = static_cast<std::uint16_t>(run.width);
    geometry_.height = static_cast<std::uint16_t>(run.height);
}

Screen::~Screen() {
    while (!viewers_.empty())
        close(viewers_.begin());
    lose();
    loop_.cancel(retry_timer_);
    loop_.cancel(full_timer_);
}

void Screen::powered() {
    if (run_.vnc_port == 0)
        return;
    lose();
    loop_.cancel(retry_timer_);
    attempts_ = 0;
    connect();
}

void Screen::lose() {
    if (socket_)
        loop_.forget(socket_.get());
    socket_.reset();
    stage_ = Stage::away;
    in_size_ = 0;
    out_.clear();
    to_skip_ = rectangles_ = 0;
    rows_left_ = 0;
    in_update_ = asked_ = paused_ = false;
    loop_.cancel(stuck_timer_);
}

/// bhyve opens its port some milliseconds after its start; after a while it will not come quickly.
void Screen::retry() {
    lose();
    ++attempts_;
    const auto pause = attempts_ < 100 ? milliseconds(20) : milliseconds(500);
    loop_.cancel(retry_timer_);
    retry_timer_ = loop_.after(pause, [this] {
        retry_timer_ = 0;
        connect();
    });
}

void Screen::connect() {
    socket_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(run_.vnc_port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
        errno != EINPROGRESS) {
        retry();
        return;
    }
    stage_ = Stage::connecting;
    loop_.watch(socket_.get(), POLLOUT, [this](short events) {
        if (stage_ == Stage::connecting) {
            int error = 0;
            socklen_t size = sizeof error;
            ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
            if (error != 0) {
                retry();
                return;
            }
            stage_ = Stage::banner;
            watch_events();
            return;
        }
        if (events & POLLOUT)
            send({});
        if (socket_ && events & (POLLIN | POLLHUP | POLLERR))
            readable();
    });
}

void Screen::watch_events() {
    if (socket_)
        loop_.events(socket_.get(),
                     static_cast<short>((paused_ ? 0 : POLLIN) | (out_.empty() ? 0 : POLLOUT)));
}

void Screen::send(std::string_view bytes) {
    out_ += bytes;
    while (!out_.empty()) {
        const auto sent = ::send(socket_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            if (!again() || out_.size() > in_space) {
                retry();
                return;
            }
            break;
        }
        out_.erase(0, static_cast<std::size_t>(sent));
    }
    watch_events();
}

void Screen::readable() {
    const auto got = ::recv(socket_.get(), in_.get() + in_size_, in_space - in_size_, 0);
    if (got < 0 && again())
        return;
    if (got <= 0) {
        retry();
        return;
    }
    in_size_ += static_cast<std::size_t>(got);
    std::size_t used = 0;
    while (socket_ && used < in_size_) {
        const auto taken = take(in_.get() + used, in_size_ - used);
        if (taken == 0)
            break;
        used += taken;
    }
    if (!socket_)
        return;
    std::memmove(in_.get(), in_.get() + used, in_size_ - used);
    in_size_ -= used;
    pace();
}

/// Takes what is whole at the beginning; 0: more must come.
std::size_t Screen::take(const char* bytes, std::size_t size) {
    if (stage_ != Stage::streaming)
        return take_handshake(bytes, size);
    if (to_skip_ > 0) {
        const auto skipped = std::min<std::size_t>(to_skip_, size);
        to_skip_ -= static_cast<std::uint32_t>(skipped);
        return skipped;
    }
    if (rows_left_ > 0)
        return take_rows(bytes, size);
    if (rectangles_ > 0)
        return start_rectangle(bytes, size);
    return take_message(bytes, size);
}

std::size_t Screen::take_handshake(const char* bytes, std::size_t size) {
    switch (stage_) {
    case Stage::banner:
        if (size < 12)
            return 0;
        stage_ = Stage::security;
        send("RFB 003.008\n");
        return 12;
    case Stage::security: {
        const auto count = static_cast<unsigned char>(bytes[0]);
        if (size < 1u + count)
            return 0;
        const std::string_view types(bytes + 1, count);
        const bool password = types.find('\2') != types.npos;
        if (!password && types.find('\1') == types.npos) {
            retry();
            return size;
        }
        stage_ = password ? Stage::challenge : Stage::verdict;
        send(password ? "\2" : "\1");
        return 1u + count;
    }
    case Stage::challenge: {
        if (size < 16)
            return 0;
        const auto answer =
            vnc_answer(run_.vnc_password,
                       std::span<const std::uint8_t, 16>(reinterpret_cast<const std::uint8_t*>(bytes), 16));
        stage_ = Stage::verdict;
        send({reinterpret_cast<const char*>(answer.data()), answer.size()});
        return 16;
    }
    case Stage::verdict:
        if (size < 4)
            return 0;
        if (u32(bytes) != 0) {
            retry();
            return size;
        }
        stage_ = Stage::init;
        send(std::string_view("\1", 1));
        return 4;
    case Stage::init: {
        if (size < 24)
            return 0;
        const std::size_t name_size = u32(bytes + 20);
        if (name_size > longest_name) {
            retry();
            return size;
        }
        if (size < 24 + name_size)
            return 0;
        geometry_.width = u16(bytes);
        geometry_.height = u16(bytes + 2);
        if (!geometry_.format.parse(bytes + 4) || geometry_.width > widest) {
            retry();
            return size;
        }
        known_ = true;
        stage_ = Stage::streaming;
        std::string encodings{2, 0, 0, 2};
        put32(encodings, static_cast<std::uint32_t>(raw_encoding));
        put32(encodings, static_cast<std::uint32_t>(desktop_size_encoding));
        send(encodings);
        for (auto& viewer : viewers_)
            viewer.greet(geometry_, run_.vm);
        if (!viewers_.empty())
            ask_all();
        return 24 + name_size;
    }
    default:
        return 0;
    }
}

std::size_t Screen::take_message(const char* bytes, std::size_t size) {
    const auto have = [&](std::size_t needed) { return size >= needed ? needed : 0; };
    switch (bytes[0]) {
    case 0: // FramebufferUpdate
        if (!have(4))
            return 0;
        rectangles_ = u16(bytes + 2);
        in_update_ = true;
        if (rectangles_ == 0)
            update_done();
        return 4;
    case 1: // SetColourMapEntries
        if (have(6))
            to_skip_ = 6u * u16(bytes + 4);
        return have(6);
    case 2:
        for (auto& viewer : viewers_)
            viewer.bell();
        return 1;
    case 3: // ServerCutText
        if (have(8))
            to_skip_ = u32(bytes + 4);
        return have(8);
    default:
        retry();
        return size;
    }
}

std::size_t Screen::start_rectangle(const char* bytes, std::size_t size) {
    if (size < 12)
        return 0;
    rectangle_ = {u16(bytes), u16(bytes + 2), u16(bytes + 4), u16(bytes + 6)};
    const auto encoding = static_cast<std::int32_t>(u32(bytes + 8));
    if (encoding == desktop_size_encoding) {
        if (rectangle_.width > widest) {
            retry();
            return size;
        }
        geometry_.width = rectangle_.width;
        geometry_.height = rectangle_.height;
        --rectangles_;
        ask_all();
    } else if (encoding == raw_encoding && rectangle_.width <= widest) {
        rows_left_ = rectangle_.width == 0 ? 0 : rectangle_.height;
        if (rows_left_ == 0)
            --rectangles_;
    } else {
        retry(); // only these were asked for
        return size;
    }
    if (rectangles_ == 0)
        update_done();
    return 12;
}

std::size_t Screen::take_rows(const char* bytes, std::size_t size) {
    const std::size_t row = std::size_t(rectangle_.width) * 4;
    // Small pieces cost each viewer a message; wait for some rows unless the rest is shorter.
    const std::size_t enough =
        std::min<std::size_t>(rows_left_, std::max<std::size_t>(1, in_space / 2 / row));
    const auto rows = std::min<std::size_t>(rows_left_, size / row);
    if (rows < enough)
        return 0;
    const Rectangle piece{rectangle_.x,
                          static_cast<std::uint16_t>(rectangle_.y + rectangle_.height - rows_left_),
                          rectangle_.width, static_cast<std::uint16_t>(rows)};
    for (auto& viewer : viewers_)
        viewer.rows(piece, bytes, geometry_);
    rows_left_ = static_cast<std::uint16_t>(rows_left_ - rows);
    if (rows_left_ == 0 && --rectangles_ == 0)
        update_done();
    pace();
    return rows * row;
}

void Screen::update_done() {
    in_update_ = asked_ = false;
    for (auto& viewer : viewers_)
        if (!viewer.behind())
            viewer.wants_update = false;
    ask();
}

void Screen::ask() {
    if (stage_ != Stage::streaming || asked_ || in_update_)
        return;
    if (std::ranges::none_of(viewers_, [](const Viewer& v) { return v.wants_update; }))
        return;
    asked_ = true;
    send(update_request(true, geometry_.width, geometry_.height));
}

/// A whole picture, for who has just come or was left behind; not more often than makes sense.
void Screen::ask_all() {
    if (stage_ != Stage::streaming)
        return;
    if (full_timer_ != 0) {
        full_again_ = true;
        return;
    }
    asked_ = true;
    send(update_request(false, geometry_.width, geometry_.height));
    full_timer_ = loop_.after(full_pause, [this] {
        full_timer_ = 0;
        if (std::exchange(full_again_, false))
            ask_all();
    });
}

/// bhyve waits while viewers take what they have; a viewer on whom others wait is left behind after a while.
void Screen::pace() {
    const bool waiting =
        std::ranges::any_of(viewers_, [](const Viewer& v) { return v.pending() && v.live() && !v.behind(); });
    if (waiting && stuck_timer_ == 0)
        stuck_timer_ = loop_.after(patience, [this] {
            stuck_timer_ = 0;
            stuck();
        });
    if (!waiting)
        loop_.cancel(stuck_timer_);
    paused_ = waiting && stage_ == Stage::streaming;
    watch_events();
    for (auto& viewer : viewers_)
        loop_.events(viewer.socket(), static_cast<short>(viewer.pending() ? POLLIN | POLLOUT : POLLIN));
}

void Screen::stuck() {
    const bool others = std::ranges::any_of(viewers_, [](const Viewer& v) { return !v.pending(); });
    for (auto& viewer : viewers_)
        if (others && viewer.pending())
            viewer.fall_behind();
    pace();
}

Opened Screen::open(Mode mode) {
    Opened opened;
    const auto controller = std::ranges::find_if(viewers_, [](const Viewer& v) { return v.controls(); });
    if (mode == Mode::control && controller != viewers_.end()) {
        opened.in_use = true;
        return opened;
    }
    int ends[2];
    if (run_.vnc_port == 0 || viewers_.size() >= most_viewers ||
        ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return opened;
    // Whoever had it would type into nothing without knowing it; the end of the connection tells.
    if (mode == Mode::take_over && controller != viewers_.end())
        close(controller);
    opened.viewers = static_cast<int>(viewers_.size());
    opened.descriptor = Fd(ends[1]);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &viewer_space, sizeof viewer_space);
    const auto viewer = viewers_.emplace(viewers_.end(), Fd(ends[0]), mode != Mode::watch);
    loop_.watch(viewer->socket(), POLLIN | POLLOUT, [this, viewer](short events) { tend(viewer, events); });
    return opened;
}

void Screen::tend(std::list<Viewer>::iterator viewer, short events) {
    if (events & (POLLIN | POLLHUP | POLLERR)) {
        auto wants = viewer->read(known_ ? &geometry_ : nullptr, run_.vm);
        if (!wants.input.empty() && stage_ == Stage::streaming)
            send(wants.input);
        if (wants.gone) {
            close(viewer);
            pace();
            return;
        }
        if (wants.full)
            ask_all();
    }
    if (events & POLLOUT && !viewer->flush())
        close(viewer);
    else if (viewer->caught_up())
        ask_all();
    ask();
    pace();
}

void Screen::close(std::list<Viewer>::iterator viewer) {
    const auto releases = viewer->lose_control();
    loop_.forget(viewer->socket());
    viewers_.erase(viewer);
    if (stage_ == Stage::streaming && !releases.empty())
        send(releases);
}

} // namespace bhype::vmd
