#include "vmd/vmd.h"

#include "base/error.h"
#include "os/files.h"
#include "os/tty.h"
#include "vmd/control.h"
#include "vmd/screen.h"
#include "vmd/serial.h"
#include "vmd/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cstdio>

namespace bhype::vmd {

namespace {

constexpr std::size_t most_serial_lines = 20;
constexpr std::size_t longest_tail = 64 << 10; ///< an answer is in memory several times over

Fd inherited(int descriptor) {
    Fd fd(::fcntl(descriptor, F_GETFD) >= 0 ? descriptor : -1);
    if (fd)
        ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
    return fd;
}

Mode mode_named(const std::string& name) {
    return name == "control" ? Mode::control : name == "take-over" ? Mode::take_over : Mode::watch;
}

class Vmd {
  public:
    Vmd(Run run, const std::string& directory, Fd directory_fd)
        : run_(std::move(run)), directory_(std::move(directory_fd)), dataset_(inherited(dataset_descriptor)),
          serial_(loop_, inherited(master_descriptor), inherited(slave_descriptor)), screen_(loop_, run_),
          supervisor_(loop_, run_, dataset_.get(), directory_.get(),
                      {[this] { changed(); }, [this] { screen_.powered(); }, [this] { loop_.stop(); },
                       [this] { return serial_.last_lines(most_serial_lines); }}),
          control_(loop_, directory + "/" + socket_file,
                   [this](std::uint64_t peer, const Message& request) { serve(peer, request); }) {}

    int run(bool attach) {
        if (attach) {
            const auto text = os::read_file(directory_.get(), state_file, longest_text);
            auto status = Status::from(Fields::parse(text.value_or("")));
            if (!text || status.ended())
                return 1;
            supervisor_.attach(std::move(status));
        } else {
            supervisor_.power_on();
        }
        loop_.run();
        return 0;
    }

  private:
    void changed() {
        control_.tell_all({Kind::changed, 0, supervisor_.status().fields()});
        if (!supervisor_.status().ended())
            return;
        for (const auto& [peer, tag] : kills_)
            control_.answer(peer, {Kind::done, tag, supervisor_.status().fields()});
        kills_.clear();
    }

    void serve(std::uint64_t peer, const Message& request) {
        const auto done = [&](Fields fields, Fd descriptor = {}) {
            control_.answer(peer, {Kind::done, request.tag, std::move(fields)}, std::move(descriptor));
        };
        const auto failed = [&](const char* code, const char* text) {
            control_.answer(peer, {Kind::failed, request.tag, {{"code", code}, {"text", text}}});
        };
        switch (request.kind) {
        case Kind::hello:
            done({{"version", std::to_string(version)}, {"vm", run_.vm}});
            break;
        case Kind::status:
            done(supervisor_.status().fields());
            break;
        case Kind::stop:
            supervisor_.stop(request.fields.number("seconds", 60));
            done(supervisor_.status().fields());
            break;
        case Kind::kill:
            kills_.emplace_back(peer, request.tag);
            supervisor_.kill();
            break;
        case Kind::reset:
            if (supervisor_.reset())
                done(supervisor_.status().fields());
            else
                failed("vm.not_running", "bhyve does not run");
            break;
        case Kind::console: {
            const auto mode = mode_named(request.fields.text("mode"));
            auto opened = request.fields.text("kind") == "screen" ? screen_.open(mode) : serial_.open(mode);
            if (opened.in_use)
                failed("console.in_use", "");
            else if (!opened.descriptor)
                failed("api.not_found", "the VM has no such console now, or it has too many viewers");
            else
                done({{"viewers", std::to_string(opened.viewers)}, {"fd", "1"}},
                     std::move(opened.descriptor));
            break;
        }
        case Kind::log: {
            const auto bytes = request.fields.number("bytes", 65536);
            Fields fields;
            fields.add("text",
                       supervisor_.log().tail(std::min<std::size_t>(
                           static_cast<std::size_t>(std::max<std::int64_t>(1, bytes)), longest_tail)));
            done(std::move(fields));
            break;
        }
        case Kind::line:
            if (serial_.master() >= 0)
                done({{"fd", "1"}}, Fd(::fcntl(serial_.master(), F_DUPFD_CLOEXEC, 3)));
            else
                failed("api.not_found", "there is no serial line");
            break;
        default:
            failed("api.invalid_request", "this bhype-vmd does not know that request");
        }
    }

    Loop loop_;
    const Run run_;
    Fd directory_;
    Fd dataset_;
    Serial serial_;
    Screen screen_;
    Supervisor supervisor_;
    Control control_;
    std::vector<std::pair<std::uint64_t, std::uint32_t>> kills_;
};

} // namespace

int run(const std::string& directory, bool attach) {
    try {
        os::become_session();
        ::umask(077);
        // init sends these to everybody at the host's shutdown; we stay to write down how the guest ended.
        for (const int signal : {SIGPIPE, SIGTERM, SIGINT, SIGHUP})
            ::signal(signal, SIG_IGN);
        Fd directory_fd = os::open_directory(directory);
        const Fd lock = os::open_beneath(directory_fd.get(), lock_file, O_RDWR | O_CREAT, 0600);
        if (::flock(lock.get(), LOCK_EX | (attach ? 0 : LOCK_NB)) != 0)
            throw Error(Code::busy, "another vmd has " + directory);
        const auto text = os::read_file(directory_fd.get(), run_file, longest_text);
        if (!text)
            throw Error(Code::internal, directory + "/run is missing");
        Vmd vmd(Run::from(Fields::parse(*text)), directory, std::move(directory_fd));
        return vmd.run(attach);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bhype-vmd: %s\n", error.what());
        return 1;
    }
}

} // namespace bhype::vmd
