#include "vmd/serial.h"

#include "vmd/log_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace bhype::vmd {

namespace {

constexpr std::size_t most_typed = 4096;
constexpr int socket_space = 64 << 10; // FreeBSD's default is 8 KiB

bool again() {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

} // namespace

Serial::Serial(Loop& loop, Fd master, Fd slave)
    : loop_(loop), master_(std::move(master)), slave_(std::move(slave)), ring_(new char[kept]) {
    if (!master_)
        return;
    ::fcntl(master_.get(), F_SETFL, O_RDWR | O_NONBLOCK);
    loop_.watch(master_.get(), POLLIN, [this](short events) {
        if (events & POLLOUT)
            flush_typed();
        if (events & ~POLLOUT)
            guest_printed();
    });
}

Serial::~Serial() {
    while (!viewers_.empty())
        close(viewers_.begin());
    if (master_)
        loop_.forget(master_.get());
}

void Serial::guest_printed() {
    const auto at = printed_ % kept;
    const auto got = ::read(master_.get(), ring_.get() + at, kept - at);
    if (got < 0 && again())
        return;
    if (got <= 0) { // nobody has the other end any more
        loop_.forget(master_.get());
        return;
    }
    printed_ += static_cast<std::uint64_t>(got);
    for (auto viewer = viewers_.begin(); viewer != viewers_.end();) {
        const auto here = viewer++;
        if (!push(here))
            close(here);
    }
}

Opened Serial::open(Mode mode) {
    Opened opened;
    const auto controller = std::ranges::find_if(viewers_, [](const Viewer& v) { return v.controls; });
    if (mode == Mode::control && controller != viewers_.end()) {
        opened.in_use = true;
        return opened;
    }
    int ends[2];
    if (!master_ || viewers_.size() >= most_viewers ||
        ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return opened;
    // Whoever had it would type into nothing without knowing it; the end of the connection tells.
    if (mode == Mode::take_over && controller != viewers_.end())
        close(controller);
    opened.viewers = static_cast<int>(viewers_.size());
    const auto viewer = viewers_.emplace(viewers_.end());
    viewer->fd = Fd(ends[0]);
    opened.descriptor = Fd(ends[1]);
    viewer->controls = mode != Mode::watch;
    viewer->sent = printed_ - std::min<std::uint64_t>(printed_, kept);
    ::fcntl(viewer->fd.get(), F_SETFL, O_NONBLOCK);
    ::setsockopt(viewer->fd.get(), SOL_SOCKET, SO_SNDBUF, &socket_space, sizeof socket_space);
    loop_.watch(viewer->fd.get(), POLLIN | POLLOUT, [this, viewer](short events) { serve(viewer, events); });
    return opened;
}

void Serial::serve(At viewer, short events) {
    const bool goes_on =
        (!(events & (POLLIN | POLLHUP | POLLERR)) || pull(viewer)) && (!(events & POLLOUT) || push(viewer));
    if (!goes_on)
        close(viewer);
}

/// Sends what the viewer lacks, straight from the ring. One that is too slow loses the oldest part and is
/// told.
bool Serial::push(At viewer) {
    if (printed_ - viewer->sent > kept) {
        const auto resume = printed_ - kept / 2;
        viewer->note =
            "\r\n[bhype: " + std::to_string(resume - viewer->sent) + " bytes were left out here]\r\n";
        viewer->sent = resume;
    }
    const auto give = [&](const char* bytes, std::size_t size) -> ssize_t {
        const auto sent = ::send(viewer->fd.get(), bytes, size, MSG_NOSIGNAL);
        return sent < 0 && again() ? 0 : sent;
    };
    while (!viewer->note.empty() || viewer->sent < printed_) {
        ssize_t sent = 0;
        if (!viewer->note.empty()) {
            sent = give(viewer->note.data(), viewer->note.size());
            if (sent > 0)
                viewer->note.erase(0, static_cast<std::size_t>(sent));
        } else {
            const auto at = viewer->sent % kept;
            sent = give(ring_.get() + at, std::min<std::uint64_t>(kept - at, printed_ - viewer->sent));
            if (sent > 0)
                viewer->sent += static_cast<std::uint64_t>(sent);
        }
        if (sent < 0)
            return false;
        if (sent == 0) {
            loop_.events(viewer->fd.get(), POLLIN | POLLOUT);
            return true;
        }
    }
    loop_.events(viewer->fd.get(), POLLIN);
    return true;
}

bool Serial::pull(At viewer) {
    char bytes[1024];
    if (viewer->controls && typed_.size() >= most_typed)
        return true; // the guest does not listen; its sender waits
    const auto got = ::recv(viewer->fd.get(), bytes, sizeof bytes, 0);
    if (got < 0)
        return again();
    if (got == 0)
        return false;
    if (viewer->controls) {
        typed_.append(bytes, static_cast<std::size_t>(got));
        flush_typed();
    }
    return true;
}

void Serial::flush_typed() {
    while (!typed_.empty()) {
        const auto written = ::write(master_.get(), typed_.data(), typed_.size());
        if (written < 0 && !again())
            typed_.clear();
        if (written <= 0)
            break;
        typed_.erase(0, static_cast<std::size_t>(written));
    }
    loop_.events(master_.get(), typed_.empty() ? POLLIN : POLLIN | POLLOUT);
    // Viewers are not read from while there is too much for the guest.
    for (auto& viewer : viewers_)
        if (viewer.controls)
            loop_.events(viewer.fd.get(),
                         static_cast<short>((typed_.size() < most_typed ? POLLIN : 0) |
                                            (viewer.sent < printed_ || !viewer.note.empty() ? POLLOUT : 0)));
}

void Serial::close(At viewer) {
    loop_.forget(viewer->fd.get());
    viewers_.erase(viewer);
}

std::vector<std::string> Serial::last_lines(std::size_t most) const {
    const auto size = std::min<std::uint64_t>(printed_, 8192);
    std::string text;
    for (auto at = printed_ - size; at < printed_; ++at)
        text += ring_[at % kept] == '\r' ? '\n' : ring_[at % kept];
    return showable_lines(text, most);
}

} // namespace bhype::vmd
