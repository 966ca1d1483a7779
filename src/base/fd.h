#pragma once

#include "base/error.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace bhype {

/// Owns a file descriptor.
class Fd {
  public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() { reset(); }

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    int release() { return std::exchange(fd_, -1); }
    void reset() {
        if (fd_ >= 0)
            ::close(std::exchange(fd_, -1));
    }

  private:
    int fd_ = -1;
};

/// Both ends close-on-exec, with `flags` as pipe2(2) takes them besides. Throws Error(internal).
struct Pipe {
    Fd reading;
    Fd writing;
    explicit Pipe(int flags = 0) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC | flags) != 0)
            throw Error(Code::internal, "pipe");
        reading = Fd(ends[0]);
        writing = Fd(ends[1]);
    }
};

} // namespace bhype
