#pragma once

#include "base/fd.h"

#include <chrono>
#include <optional>
#include <string>

namespace bhype::lab {

/// QEMU's monitor, as far as bhyve needs it: one line of JSON a message. Events that come while an answer is
/// awaited are kept for next().
class Qmp {
  public:
    Qmp() = default;
    explicit Qmp(Fd socket) : socket_(std::move(socket)) {}

    int descriptor() const { return socket_.get(); }

    /// Waits for QEMU's greeting and switches to commands. False if QEMU ended instead.
    bool start();

    /// The answer's line; nothing if there is none in time or QEMU has ended.
    std::optional<std::string> call(const std::string& command,
                                    std::chrono::milliseconds limit = std::chrono::seconds(2));

    /// A line of HMP's answer.
    std::string monitor(const std::string& command);

    /// The next line that has arrived, without waiting.
    std::optional<std::string> next();

  private:
    bool fill(std::chrono::milliseconds limit);
    std::optional<std::string> take_line(std::string& from);

    Fd socket_;
    std::string buffer_, kept_;
};

/// The value of a member whose name is unique within a line of QMP: a string's text, else the word.
std::string json_member(const std::string& line, const std::string& name);

} // namespace bhype::lab
