#pragma once

// What bhype-hostd and a bhype-vmd say to each other, and the two files between them. A vmd outlives
// upgrades, so this is frozen: what a number or a key means never changes, new ones may come, and whoever
// does not know one says so or ignores it. No JSON here: a vmd is small.
//
// A message is a header of 12 bytes, numbers most significant byte first,
//     0  u32  length of the text after the header
//     4  u16  kind
//     6  u16  0
//     8  u32  tag: an answer has its request's, an event 0
// and the text: lines "key=value\n", where a value has "\\n" for a line feed and "\\\\" for a backslash. A
// key may come several times. Each side sends `hello` with its version first; then both speak the lower one.
// A descriptor travels with the header's first byte, and its message has the key "fd".

#include "base/fd.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bhype::vmd {

inline constexpr int version = 1;
inline constexpr std::size_t header_size = 12;
inline constexpr std::size_t longest_text = 512 << 10;

enum class Kind : std::uint16_t {
    // requests
    hello = 1,  ///< version
    status = 2, ///< -> the keys of Status
    stop = 3,   ///< seconds; 0: press no more
    kill = 4,   ///< answered when bhyve has gone
    reset = 5,
    console = 6, ///< kind=screen|serial mode=control|watch|take-over -> viewers, fd
    log = 7,     ///< bytes -> text
    line = 8,    ///< -> fd: the serial line's master
    // answers
    done = 64,
    failed = 65, ///< code, text
    // events
    changed = 128, ///< the keys of Status
};

class Fields {
  public:
    Fields() = default;
    Fields(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}
    void add(std::string_view key, std::string_view value);
    void add(std::string_view key, std::int64_t value);
    /// Empty when it is not there.
    const std::string& text(std::string_view key) const;
    std::int64_t number(std::string_view key, std::int64_t otherwise = 0) const;
    bool has(std::string_view key) const;
    std::vector<std::string> all(std::string_view key) const;
    std::string print() const;
    /// Lines that are none are left out.
    static Fields parse(std::string_view text);

  private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

struct Message {
    Kind kind = Kind::hello;
    std::uint32_t tag = 0;
    Fields fields;
};
std::string print(const Message& message);

/// Takes bytes as they come and gives messages.
class Parser {
  public:
    void feed(const char* bytes, std::size_t size) { buffer_.append(bytes, size); }
    /// Nothing until a whole one is there. `broken` once the other side sends what is no message.
    std::optional<Message> next();
    bool broken() const { return broken_; }

  private:
    std::string buffer_;
    bool broken_ = false;
};

enum class State { starting, running, stopping, stopped, failed };
std::string_view name(State state);
/// An unknown one is `failed`.
State state_named(std::string_view name);

/// How a guest is; also the file "state" in its run directory, by which a new vmd goes on where a killed one
/// stopped.
struct Status {
    std::string vm;
    State state = State::starting;
    std::string reason;
    std::vector<std::string> last_lines;
    std::int64_t since = 0;   ///< epoch seconds
    std::int64_t started = 0; ///< epoch seconds
    std::int64_t reboots = 0;
    std::int64_t bhyve_pid = 0;     ///< 0 when it does not run
    std::int64_t bhyve_started = 0; ///< os::ProcessId's
    std::int64_t vmd_pid = 0;
    std::int64_t generation = 0;
    // For the next vmd alone.
    std::int64_t quick_resets = 0;
    std::int64_t log_start = 0;  ///< where in bhyve.log this bhyve began
    std::int64_t booted = 0;     ///< epoch milliseconds of this bhyve's start
    std::int64_t stop_until = 0; ///< epoch milliseconds; 0: nobody wants it stopped
    std::int64_t stop_seconds = 0;

    bool ended() const { return state == State::stopped || state == State::failed; }
    Fields fields() const;
    static Status from(const Fields& fields);
};

/// The file "run": what a vmd needs to know, written by hostd, 0600.
struct Run {
    std::string vm;
    std::vector<std::string> arguments; ///< bhyve's, its path first
    std::vector<std::string> taps;
    std::int64_t vnc_port = 0; ///< 0: no screen
    std::string vnc_password;
    std::int64_t width = 1024;
    std::int64_t height = 768;
    std::int64_t generation = 0;
    std::int64_t group = -1; ///< of the log
    std::string bhyvectl = "/usr/sbin/bhyvectl";
    std::string ifconfig = "/sbin/ifconfig";
    std::string vmm = "/dev/vmm";
    std::int64_t settle = 1000;         ///< ms that bhyve must live to count as started
    std::int64_t quick = 30000;         ///< ms: a boot that ends sooner is a quick reset
    std::int64_t most_quick = 6;        ///< in a row
    std::int64_t press_interval = 5000; ///< ms between presses of the power button
    std::int64_t kill_patience = 2000;  ///< ms between force-poweroff and SIGKILL
    std::int64_t log_limit = 1 << 20;

    Fields fields() const;
    static Run from(const Fields& fields);
};

// Descriptors with which a vmd is started.
inline constexpr int dataset_descriptor = 3; ///< the guest's dataset, a directory
inline constexpr int master_descriptor = 4;  ///< the serial line's pty; may be absent when attaching
inline constexpr int slave_descriptor = 5;   ///< its other end, kept open

inline constexpr const char* run_file = "run";
inline constexpr const char* state_file = "state";
inline constexpr const char* socket_file = "vmd.sock";
inline constexpr const char* lock_file = "lock";

} // namespace bhype::vmd
