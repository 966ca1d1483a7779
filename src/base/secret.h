#pragma once

#include "base/fd.h"

#include <unistd.h>

#include <string>
#include <utility>

namespace bhype {

/// Text that must never be printed, logged or put in argv. No formatter and no JSON encoder takes it;
/// whoever needs the text asks for it by name. Zeroed when it goes.
class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string text) : text_(std::move(text)) {}
    Secret(const Secret&) = default;
    Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }
    Secret& operator=(const Secret&) = default;
    Secret& operator=(Secret&& other) noexcept {
        wipe();
        text_ = std::move(other.text_);
        other.wipe();
        return *this;
    }
    ~Secret() { wipe(); }

    const std::string& reveal() const { return text_; }
    bool empty() const { return text_.empty(); }

  private:
    void wipe() noexcept {
        volatile char* bytes = text_.data();
        for (std::size_t i = 0; i < text_.size(); ++i)
            bytes[i] = 0;
        text_.clear();
    }
    std::string text_;
};

/// A pipe's end from which the text is read, up to its end. At most 512 bytes always fit (POSIX's PIPE_BUF);
/// both systems take 4096. Throws Error(internal).
inline Fd readable(const Secret& secret) {
    Pipe pipe;
    const auto& text = secret.reveal();
    if (::write(pipe.writing.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        throw Error(Code::internal, "pipe");
    return std::move(pipe.reading);
}

} // namespace bhype
