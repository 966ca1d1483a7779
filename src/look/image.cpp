#include "look/image.h"

#include "look/names.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace bhype::look {

namespace {

/// FreeBSD's disk devices are read in whole sectors alone; no disk has larger ones.
constexpr std::uint64_t sector = 4096;

/// Bytes at any place and of any length; fewer at the end. -1: not readable.
ssize_t read_at(int descriptor, std::uint64_t disk, std::uint64_t at, char* to, std::size_t count) {
    if (at >= disk)
        return 0;
    count = static_cast<std::size_t>(std::min<std::uint64_t>(count, disk - at));
    const auto begin = at / sector * sector;
    const auto end = (at + count + sector - 1) / sector * sector;
    std::vector<char> buffer(static_cast<std::size_t>(end - begin));
    std::size_t have = 0;
    // What is behind a disk's last whole sector of this size is asked for as well: the system cuts it.
    while (have < buffer.size()) {
        const auto got =
            ::pread(descriptor, buffer.data() + have, buffer.size() - have, static_cast<off_t>(begin + have));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        have += static_cast<std::size_t>(got);
    }
    const auto skip = static_cast<std::size_t>(at - begin);
    const auto usable = std::min(count, have - std::min(have, skip));
    std::memcpy(to, buffer.data() + skip, usable);
    return static_cast<ssize_t>(usable);
}

} // namespace

/// libtsk is given a pointer to the first member and gives it back.
struct Image::Open {
    TSK_IMG_INFO info{};
    int descriptor = -1;
    std::uint64_t size = 0;

    static ssize_t read(TSK_IMG_INFO* info, TSK_OFF_T at, char* to, std::size_t count) {
        const auto* self = reinterpret_cast<const Open*>(info);
        return at < 0 ? -1 : read_at(self->descriptor, self->size, static_cast<std::uint64_t>(at), to, count);
    }
    static void close(TSK_IMG_INFO*) {}
    static void describe(TSK_IMG_INFO*, FILE*) {}
};

Image::Image(int descriptor) : open_(std::make_unique<Open>()) {
    // lseek(2) tells a disk device's media size as well (sys/kern/vfs_vnops.c, vn_seek).
    const auto size = ::lseek(descriptor, 0, SEEK_END);
    if (size <= 0)
        throw Error(Code::look_unreadable, "the disk has no size");
    open_->descriptor = descriptor;
    open_->size = static_cast<std::uint64_t>(size);
    if (!::tsk_img_open_external(open_.get(), size, 512, Open::read, Open::close, Open::describe))
        throw Error(Code::look_unreadable, tsk_words());
}

Image::~Image() {
    ::tsk_img_close(&open_->info);
}

TSK_IMG_INFO* Image::tsk() {
    return &open_->info;
}

std::uint64_t Image::size() const {
    return open_->size;
}

std::string Image::read(std::uint64_t at, std::size_t count) const {
    std::string bytes(count, '\0');
    const auto got = read_at(open_->descriptor, open_->size, at, bytes.data(), count);
    bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return bytes;
}

std::string tsk_words() {
    const char* words = ::tsk_error_get();
    auto text = shown_path(words ? std::string_view(words).substr(0, 200) : "libtsk gave no reason");
    ::tsk_error_reset();
    return text;
}

} // namespace bhype::look
