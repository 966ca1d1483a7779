#pragma once

#include <termios.h>

#include "base/secret.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bhype::cli {

/// The terminal in raw mode while it lives; nothing when standard input is none.
class RawTerminal {
  public:
    RawTerminal();
    ~RawTerminal();
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;
    bool active() const { return active_; }

  private:
    termios saved_{};
    bool active_ = false;
};

/// Finds "~." at the beginning of a line, as cu(1) and ssh(1) do; "~~" sends one "~".
class EscapeWatch {
  public:
    std::string filter(std::string_view typed);
    bool ended() const { return ended_; }

  private:
    bool line_start_ = true;
    bool tilde_ = false;
    bool ended_ = false;
};

void write_all(int descriptor, std::string_view text);
bool is_terminal(int descriptor);
/// 80 when it cannot be told.
std::size_t terminal_width();

/// Rows with as many cells as the head. For people: columns padded, numbers of the last column not cut unless
/// the terminal is too narrow. `plain`: tab-separated without a head, as zfs list -H.
std::string table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows,
                  bool plain);

/// Asks on the terminal without an echo; without a terminal, a line of standard input. Nothing at its end.
std::optional<Secret> ask_secret(const std::string& question);
/// Asks on the terminal; empty when there is none.
std::string ask(const std::string& question);
/// The same, but nothing once that time is over.
std::optional<std::string> ask_within(const std::string& question, std::chrono::seconds time);

} // namespace bhype::cli
