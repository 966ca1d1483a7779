#pragma once

#include "base/fd.h"

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bhype::os {

/// A process for good: a pid is used again, a pid with its start time is not.
struct ProcessId {
    pid_t pid = 0;
    std::int64_t started = 0; ///< microseconds since the epoch (FreeBSD), clock ticks since boot (Linux)
    auto operator<=>(const ProcessId&) const = default;
};

struct Process {
    ProcessId id;
    uid_t uid = 0;
    std::string title; ///< arguments joined by spaces, or what setproctitle(3) made of them: "bhyve: web1"
};

/// None when there is no such process.
std::optional<ProcessId> process_id(pid_t pid);
inline bool lives(const ProcessId& id) {
    return process_id(id.pid) == id;
}
/// Empty when there is no such process or it has no arguments (a zombie, a kernel process).
std::string process_title(pid_t pid);
std::vector<Process> processes();

/// Tells when a process has ended and with which status, whether it is our child or not. Does not reap a
/// child: waitpid(2) stays the caller's.
class ProcessWatch {
  public:
    struct End {
        std::optional<int> status; ///< as waitpid(2) gives it; none when the system did not tell
    };

    /// Throws Error(not_found) when that process has gone.
    explicit ProcessWatch(const ProcessId& id);
    /// A child that nobody has waited for yet, so that its pid cannot have been used again.
    static ProcessWatch child(pid_t pid);
    ProcessWatch(ProcessWatch&&) noexcept;
    ProcessWatch& operator=(ProcessWatch&&) noexcept;
    ~ProcessWatch();

    /// Readable from the process's end on; for poll(2) and its like.
    int descriptor() const;
    /// None while it runs. Does not block.
    std::optional<End> end();

  private:
    struct State;
    explicit ProcessWatch(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

} // namespace bhype::os
