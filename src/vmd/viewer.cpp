#include "vmd/viewer.h"

#include <sys/socket.h>

#include <cerrno>

namespace bhype::vmd {

namespace {

constexpr std::size_t most_pressed = 32;
constexpr std::size_t most_input = 16384;
constexpr std::string_view our_banner = "RFB 003.008\n";

// Client messages, section 7.5.
constexpr char set_pixel_format = 0, set_encodings = 2, update_requested = 3, key_event = 4,
               pointer_event = 5, client_cut_text = 6;

std::string key_up(std::uint32_t key) {
    std::string message{key_event, 0, 0, 0};
    put32(message, key);
    return message;
}

} // namespace

Viewer::Viewer(Fd socket, bool controls)
    : socket_(std::move(socket)), controls_(controls), out_(our_banner) {}

std::string Viewer::lose_control() {
    std::string releases;
    for (const auto& [key, unused] : pressed_)
        releases += key_up(key);
    if (!pointer_.empty() && pointer_[1] != 0) {
        pointer_[1] = 0;
        releases += pointer_;
    }
    pressed_.clear();
    controls_ = false;
    return releases;
}

Viewer::Wants Viewer::read(const Geometry* geometry, std::string_view name) {
    Wants wants;
    char bytes[4096];
    const auto got = ::recv(socket_.get(), bytes, sizeof bytes, 0);
    if (got <= 0) {
        wants.gone = got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
        return wants;
    }
    in_.append(bytes, static_cast<std::size_t>(got));
    std::size_t used = 0;
    while (used < in_.size() && !dead_) {
        const auto taken = take(std::string_view(in_).substr(used), geometry, name, wants);
        if (taken == 0)
            break;
        used += taken;
    }
    in_.erase(0, used);
    wants.gone = dead_ || in_.size() > most_input || !flush();
    return wants;
}

/// Takes one message from the beginning; 0 when it is not whole yet.
std::size_t Viewer::take(std::string_view bytes, const Geometry* geometry, std::string_view name,
                         Wants& wants) {
    if (to_skip_ > 0) {
        const auto skipped = std::min<std::size_t>(to_skip_, bytes.size());
        to_skip_ -= static_cast<std::uint32_t>(skipped);
        return skipped;
    }
    switch (stage_) {
    case Stage::banner: {
        if (bytes.size() < our_banner.size())
            return 0;
        const auto minor = bytes.substr(8, 3);
        dead_ = !bytes.starts_with("RFB 003.") || bytes[11] != '\n';
        if (minor < "007") {
            put32(out_, 1); // 3.3: the server decides
            stage_ = Stage::init;
        } else {
            out_ += {1, 1};
            says_result_ = minor >= "008";
            stage_ = Stage::security;
        }
        return our_banner.size();
    }
    case Stage::security:
        dead_ = bytes[0] != 1;
        if (says_result_)
            put32(out_, 0);
        stage_ = Stage::init;
        return 1;
    case Stage::init:
        stage_ = Stage::geometry;
        if (geometry)
            greet(*geometry, name);
        return 1;
    case Stage::geometry:
        return 0; // it speaks before it was greeted; it will be heard
    case Stage::live:
        return take_message(bytes, wants);
    }
    return 0;
}

std::size_t Viewer::take_message(std::string_view bytes, Wants& wants) {
    if (encodings_left_ > 0) {
        if (bytes.size() < 4)
            return 0;
        can_resize_ = can_resize_ || static_cast<std::int32_t>(u32(bytes.data())) == desktop_size_encoding;
        --encodings_left_;
        return 4;
    }
    const auto have = [&](std::size_t size) { return bytes.size() >= size ? size : 0; };
    switch (bytes[0]) {
    case set_pixel_format:
        if (have(20)) {
            // Colours that are no 8 bits wide would need another picture for each viewer.
            dead_ = !format_.parse(bytes.data() + 4);
            wants.full = true;
        }
        return have(20);
    case set_encodings:
        if (have(4)) {
            can_resize_ = false;
            encodings_left_ = u16(bytes.data() + 2);
        }
        return have(4);
    case update_requested:
        if (have(10)) {
            wants_update = true;
            wants.full = wants.full || bytes[1] == 0;
        }
        return have(10);
    case key_event:
    case pointer_event: {
        const auto size = have(bytes[0] == key_event ? 8 : 6);
        if (size && controls_) {
            note_input(bytes.substr(0, size));
            wants.input += bytes.substr(0, size);
        }
        return size;
    }
    case client_cut_text: // bhyve does not take it
        if (have(8))
            to_skip_ = u32(bytes.data() + 4);
        return have(8);
    default:
        dead_ = true; // nothing else was offered, and its length is not known
        return 1;
    }
}

void Viewer::note_input(std::string_view message) {
    if (message[0] == pointer_event) {
        pointer_ = message;
        return;
    }
    const auto key = u32(message.data() + 4);
    if (message[1] == 0)
        pressed_.erase(key);
    else if (pressed_.size() < most_pressed)
        pressed_[key] = true;
}

void Viewer::greet(const Geometry& geometry, std::string_view name) {
    if (stage_ != Stage::geometry)
        return;
    stage_ = Stage::live;
    width_ = geometry.width;
    height_ = geometry.height;
    format_ = geometry.format;
    put16(out_, width_);
    put16(out_, height_);
    format_.print(out_);
    put32(out_, static_cast<std::uint32_t>(name.size()));
    out_ += name;
    flush();
}

void Viewer::resize(const Geometry& geometry) {
    if (geometry.width == width_ && geometry.height == height_)
        return;
    if (!can_resize_) {
        dead_ = true; // it would draw outside its picture
        return;
    }
    width_ = geometry.width;
    height_ = geometry.height;
    out_ += {0, 0, 0, 1, 0, 0, 0, 0};
    put16(out_, width_);
    put16(out_, height_);
    put32(out_, static_cast<std::uint32_t>(desktop_size_encoding));
}

void Viewer::rows(const Rectangle& rows, const char* pixels, const Geometry& geometry) {
    if (stage_ != Stage::live || dead_)
        return;
    if (behind_ || !out_.empty()) {
        behind_ = true;
        return;
    }
    resize(geometry);
    out_ += {0, 0, 0, 1};
    for (const auto number : {rows.x, rows.y, rows.width, rows.height})
        put16(out_, number);
    put32(out_, static_cast<std::uint32_t>(raw_encoding));
    convert(pixels, std::size_t(rows.width) * rows.height, geometry.format, format_, out_);
    flush();
}

void Viewer::bell() {
    if (stage_ == Stage::live && out_.empty()) {
        out_ += '\2';
        flush();
    }
}

bool Viewer::flush() {
    while (!out_.empty() && !dead_) {
        const auto sent = ::send(socket_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            return true;
        if (sent <= 0)
            dead_ = true;
        else
            out_.erase(0, static_cast<std::size_t>(sent));
    }
    return !dead_;
}

bool Viewer::caught_up() {
    if (!behind_ || !out_.empty())
        return false;
    behind_ = false;
    return true;
}

} // namespace bhype::vmd
