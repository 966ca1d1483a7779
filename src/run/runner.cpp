#include "run/runner.h"

#include "base/fd.h"
#include "os/process.h"
#include "run/spawn.h"

#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>
#include <thread>

namespace bhype::run {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t log_limit = std::size_t{64} * 1024;
/// After TERM, until KILL; after KILL, until it is given up as stuck in the kernel.
constexpr milliseconds term_grace{3000};
constexpr milliseconds kill_grace{2000};
/// What a command wrote just before it ended is there at once; only somebody else who holds the pipe can keep
/// it open longer.
constexpr milliseconds pipe_grace{200};

void ignore_broken_pipes() {
    static std::once_flag once;
    std::call_once(once, [] {
        struct sigaction present {};
        if (::sigaction(SIGPIPE, nullptr, &present) == 0 && present.sa_handler == SIG_DFL)
            ::signal(SIGPIPE, SIG_IGN);
    });
}

struct Pipe {
    Fd reading;
    Fd writing;
    explicit Pipe(bool ours_reads) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0)
            throw Error(Code::command_failed, std::string("pipe: ") + std::strerror(errno));
        reading = Fd(ends[0]);
        writing = Fd(ends[1]);
        ::fcntl((ours_reads ? reading : writing).get(), F_SETFL, O_NONBLOCK);
    }
};

/// Cuts a stream into lines for Options::on_line.
class Lines {
  public:
    explicit Lines(const std::function<void(std::string_view)>& tell) : tell_(tell) {}
    void take(std::string_view bytes) {
        if (!tell_)
            return;
        for (const char c : bytes) {
            if (c != '\n' && c != '\r')
                line_ += c;
            if (c == '\n' || c == '\r' || line_.size() >= 4096)
                finish();
        }
    }
    void finish() {
        if (!line_.empty())
            tell_(line_);
        line_.clear();
    }

  private:
    const std::function<void(std::string_view)>& tell_;
    std::string line_;
};

/// One run, from the spawn to the end.
class Run {
  public:
    Run(const std::string& path, const host::Command& command, const Options& options)
        : command_(command), options_(options), begin_(Clock::now()) {
        Pipe out(true);
        Pipe err(true);
        std::optional<Pipe> input;
        if (options.input == -1 && command.input)
            input.emplace(false);
        const bool keeps = options.output == -1;
        std::vector<int> descriptors{input ? input->reading.get() : options.input,
                                     keeps ? out.writing.get() : options.output, err.writing.get()};
        if (options.keep != -1)
            descriptors.push_back(options.keep);
        pid_ = spawn(path, command.arguments, descriptors);
        if (keeps)
            streams_[0].fd = std::move(out.reading);
        streams_[1].fd = std::move(err.reading);
        if (input)
            input_ = std::move(input->writing);
    }

    host::Output finish() {
        try {
            return follow();
        } catch (...) { // a listener threw: nothing is left running
            ::kill(-pid_, SIGKILL);
            reap(true);
            throw;
        }
    }

  private:
    struct Stream {
        Fd fd;
        Lines lines;
    };

    host::Output follow() {
        auto watch = os::ProcessWatch::child(pid_);
        auto limit = begin_ + command_.deadline;
        int signalled = 0; // 0, SIGTERM, SIGKILL
        bool ended = false;
        while (true) {
            if (ended && !streams_[0].fd && !streams_[1].fd)
                break;
            const auto left = std::chrono::ceil<milliseconds>(limit - Clock::now());
            if (left.count() <= 0) {
                if (ended || signalled == SIGKILL)
                    break;
                if (signalled == 0 && !output_.cancelled)
                    output_.missed_deadline = true;
                signalled = signalled == 0 ? SIGTERM : SIGKILL;
                ::kill(-pid_, signalled);
                limit = Clock::now() + (signalled == SIGTERM ? term_grace : kill_grace);
                continue;
            }
            std::array<pollfd, 5> polled{{{streams_[0].fd.get(), POLLIN, 0},
                                          {streams_[1].fd.get(), POLLIN, 0},
                                          {input_.get(), POLLOUT, 0},
                                          {ended ? -1 : watch.descriptor(), POLLIN, 0},
                                          {ended || signalled != 0 ? -1 : options_.cancel, POLLIN, 0}}};
            const auto wait = static_cast<int>(std::min<std::int64_t>(left.count(), 3'600'000));
            if (::poll(polled.data(), polled.size(), wait) < 0 && errno != EINTR)
                throw Error(Code::internal, std::string("poll: ") + std::strerror(errno));
            for (std::size_t i = 0; i < streams_.size(); ++i)
                if (polled[i].revents != 0)
                    take(i);
            if (polled[2].revents != 0)
                feed();
            if (polled[3].revents != 0) {
                ended = true;
                input_.reset();
                if (signalled != 0) // whatever it left behind had its time as well
                    ::kill(-pid_, SIGKILL);
                limit = Clock::now() + pipe_grace;
            }
            if (polled[4].revents != 0 && !ended) {
                output_.cancelled = true;
                limit = Clock::now();
            }
        }
        for (auto& stream : streams_)
            stream.lines.finish();
        reap(ended);
        output_.took = std::chrono::duration_cast<milliseconds>(Clock::now() - begin_);
        return std::move(output_);
    }

    void take(std::size_t index) {
        std::array<char, 65536> buffer;
        auto& stream = streams_[index];
        const auto got = ::read(stream.fd.get(), buffer.data(), buffer.size());
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            stream.fd.reset();
            return;
        }
        const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
        auto& kept = index == 0 ? output_.out : output_.err;
        const auto room = command_.output_limit - std::min(command_.output_limit, kept.size());
        kept.append(bytes.substr(0, room));
        output_.truncated = output_.truncated || bytes.size() > room;
        if (output_.log.size() < log_limit) {
            output_.log.append(bytes.substr(0, log_limit - output_.log.size()));
            if (output_.log.size() == log_limit)
                output_.log += "\n[more was printed]\n";
        }
        stream.lines.take(bytes);
    }

    void feed() {
        const auto& text = *command_.input;
        const auto written = ::write(input_.get(), text.data() + fed_, text.size() - fed_);
        if (written < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (written > 0)
            fed_ += static_cast<std::size_t>(written);
        if (written < 0 || fed_ == text.size()) // it need not read all that it is given
            input_.reset();
    }

    void reap(bool ended) {
        if (!ended) {
            // In the kernel for good, or for long: it stays on record, and somebody takes its status one day.
            output_.still_running = pid_;
            output_.exit_status = 128 + SIGKILL;
            std::thread([pid = pid_] {
                while (::waitpid(pid, nullptr, 0) == -1 && errno == EINTR) {
                }
            }).detach();
            return;
        }
        int status = 0;
        while (::waitpid(pid_, &status, 0) == -1)
            if (errno != EINTR)
                throw Error(Code::internal, std::string("waitpid: ") + std::strerror(errno));
        output_.exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }

    const host::Command& command_;
    const Options& options_;
    Clock::time_point begin_;
    pid_t pid_ = 0;
    std::array<Stream, 2> streams_{{{Fd(), Lines(options_.on_line)}, {Fd(), Lines(options_.on_line)}}};
    Fd input_;
    std::size_t fed_ = 0;
    host::Output output_;
};

} // namespace

host::Output run_file(const std::string& path, const host::Command& command, const Options& options) {
    ignore_broken_pipes();
    return Run(path, command, options).finish();
}

host::Output run(const host::Command& command, const Options& options) {
    return run_file(std::string(host::path(command.program)), command, options);
}

} // namespace bhype::run
