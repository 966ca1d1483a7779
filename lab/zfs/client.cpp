// zfs(8) and zpool(8) inside the lab: each runs in the appliance; what it does to mounts, folders and
// accounts is done here, when OpenZFS asks for it (agent/hooks.c).
#include "lab_io.h"
#include "zfs.h"

#include "lab/core/accounts.h"
#include "lab/core/command.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <poll.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

namespace bhype::lab {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t chunk = std::size_t{128} * 1024;
constexpr std::size_t file_limit = wire::frame_limit / 2;
constexpr std::size_t stdio_chunk = 4096; // what FreeBSD's stdio reads of a pipe at once

fs::path state() {
    const char* dir = std::getenv("BHYPE_LAB_DIR");
    return dir && *dir ? fs::path(dir) : state_dir();
}

/// Mounts /dev/fuse at `target` and has the gateway carry its requests to what the appliance serves under
/// `served`.
int mount_served(const std::string& source, const std::string& target, const std::string& served,
                 unsigned long flags) {
    std::error_code error;
    fs::create_directories(target, error);
    if (error)
        return error.value();
    Fd device(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
    if (!device)
        return errno;
    // The agent acts as root: it is the kernel here that checks owners and modes.
    const auto options = fmt::format(
        "fd={},rootmode=40755,user_id=0,group_id=0,allow_other,default_permissions", device.get());
    if (::mount(source.c_str(), target.c_str(), "fuse",
                flags & (MS_RDONLY | MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_NOATIME), options.c_str()) != 0)
        return errno;
    const auto answer = ask_gateway(state(), {"fuse", served}, device.get());
    const int result = std::atoi(answer.words[0].c_str());
    if (result != 0)
        ::umount2(target.c_str(), MNT_DETACH);
    return result;
}

int unmount(const std::string& target, bool force) {
    if (::umount2(target.c_str(), force ? MNT_FORCE | MNT_DETACH : 0) == 0)
        return 0;
    // Not mounted here: there is nothing in the appliance's way.
    return errno == EINVAL || errno == ENOENT ? 0 : errno;
}

struct Answer {
    std::int32_t error = 0;
    std::string payload;
};

/// A line of passwd or group by name (field 0) or number (field 2), as "NAME NUL NUMBER".
Answer account(const char* file, std::size_t field, const std::string& key) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        std::array<std::string, 3> fields;
        std::size_t begin = 0;
        for (auto& part : fields) {
            const auto end = std::min(line.find(':', begin), line.size());
            part = line.substr(begin, end - begin);
            begin = std::min(end + 1, line.size());
        }
        if (fields[field] == key)
            return {0, fields[0] + '\0' + fields[2]};
    }
    return {ENOENT, ""};
}

/// All of an ordinary file, or as much of a device as anybody wants of a key.
Answer read_file(const std::string& path) {
    Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file)
        return {errno, ""};
    struct stat info {};
    ::fstat(file.get(), &info);
    if (S_ISREG(info.st_mode) && info.st_size > static_cast<off_t>(file_limit))
        return {EFBIG, ""};
    std::string content(file_limit, '\0');
    std::size_t filled = 0;
    while (filled < content.size()) {
        const ssize_t got = ::read(file.get(), content.data() + filled, content.size() - filled);
        if (got < 0)
            return {errno, ""};
        if (got == 0)
            break;
        filled += static_cast<std::size_t>(got);
    }
    content.resize(filled);
    return {0, content};
}

/// Standard input, if it is a terminal: left as it was found, however the command ends.
class Terminal {
  public:
    ~Terminal() { restore(); }

    int set_echo(bool on) {
        if (on) {
            restore();
            return 0;
        }
        termios silent{};
        if (::tcgetattr(0, &silent) != 0)
            return errno;
        if (!found_) {
            found_ = silent;
            stop_action_ = ::signal(SIGTSTP, SIG_IGN); // as libzfs has it meanwhile
        }
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHOE | ECHOK | ECHONL);
        return ::tcsetattr(0, TCSAFLUSH, &silent) == 0 ? 0 : errno;
    }

    void restore() {
        if (!found_)
            return;
        ::tcsetattr(0, TCSAFLUSH, &*found_);
        ::signal(SIGTSTP, stop_action_);
        found_.reset();
    }

  private:
    std::optional<termios> found_;
    void (*stop_action_)(int) = SIG_DFL;
};

Answer answer_upcall(const std::vector<std::string>& words, Terminal& terminal) {
    const auto& kind = words[0];
    if (kind == "mount" && words.size() >= 4)
        return {mount_served(words[1], words[2], words[2], std::strtoul(words[3].c_str(), nullptr, 10)), ""};
    if (kind == "unmount" && words.size() >= 2)
        return {unmount(words[1], words.size() > 2 && words[2] == "force"), ""};
    if (kind == "rmdir" && words.size() >= 2) {
        ::rmdir(words[1].c_str());
        return {};
    }
    if (kind == "read" && words.size() >= 2)
        return read_file(words[1]);
    if (kind == "echo" && words.size() >= 2)
        return {terminal.set_echo(words[1] == "on"), ""};
    if (words.size() >= 2 && (kind == "getpwnam" || kind == "getpwuid"))
        return account("/etc/passwd", kind == "getpwnam" ? 0 : 2, words[1]);
    if (words.size() >= 2 && (kind == "getgrnam" || kind == "getgrgid"))
        return account("/etc/group", kind == "getgrnam" ? 0 : 2, words[1]);
    return {ENOSYS, ""};
}

void answer_with(int agent, const Answer& reply) {
    std::string bytes(sizeof(reply.error), '\0');
    std::memcpy(bytes.data(), &reply.error, sizeof(reply.error));
    send_frame(agent, wire::Frame::answer, bytes + reply.payload);
}

/// These read all that they are given, past libzfs's streams. What others want they ask for when they want
/// it: they must not eat the input of the script that calls them.
bool reads_all_input(const std::vector<std::string>& args) {
    if (args.size() < 2 || args[0] != "zfs")
        return false;
    if (args[1] == "receive" || args[1] == "recv")
        return ::isatty(0) == 0;
    return args[1] == "program" && std::find(args.begin() + 2, args.end(), "-") != args.end();
}

/// Becomes readable when somebody asks this process to end.
Fd end_requests() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP})
        ::sigaddset(&set, signal);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    return Fd(::signalfd(-1, &set, SFD_CLOEXEC));
}

/// As the signal would have ended it.
[[noreturn]] void end_by(int signal) {
    ::signal(signal, SIG_DFL);
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, signal);
    ::raise(signal);
    ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
    std::abort();
}

int run(const std::vector<std::string>& args) {
    ::signal(SIGPIPE, SIG_IGN);
    const Fd requests = end_requests();
    int ended_by = 0;
    Fd gateway = connect_unix(state() / "run/zfs.sock", SOCK_SEQPACKET);
    Message answer;
    if (!gateway || !send_message(gateway.get(), {"connect"}) || !receive_message(gateway.get(), answer) ||
        !answer.fd)
        fail("the ZFS appliance of the lab is not running");
    const int mask = (::isatty(0) ? 1 : 0) | (::isatty(1) ? 2 : 0) | (::isatty(2) ? 4 : 0);
    std::vector<std::string> request{"run", nanoseconds_now(), std::to_string(mask)};
    request.insert(request.end(), args.begin(), args.end());
    const int agent = answer.fd.get();
    bool input = reads_all_input(args);
    std::size_t wanted = 0; // by a stream over there that is being read
    Terminal terminal;
    if (!send_request(agent, request) || (!input && !send_frame(agent, wire::Frame::standard_input, "")))
        fail("the ZFS appliance of the lab does not answer");
    std::string buffer(chunk, '\0');
    while (true) {
        std::array<pollfd, 3> set{pollfd{agent, POLLIN, 0}, pollfd{input || wanted > 0 ? 0 : -1, POLLIN, 0},
                                  pollfd{requests.get(), POLLIN, 0}};
        if (::poll(set.data(), set.size(), -1) < 0)
            continue;
        if (set[2].revents != 0) {
            // The command over there ends, and what its kernel still does for it, before this process does.
            signalfd_siginfo asked{};
            if (::read(requests.get(), &asked, sizeof asked) == sizeof asked)
                ended_by = static_cast<int>(asked.ssi_signo);
            ::shutdown(agent, SHUT_WR);
            input = false;
            wanted = 0;
            continue;
        }
        if (set[1].revents != 0 && wanted > 0) {
            const ssize_t got = ::read(0, buffer.data(), std::min(wanted, stdio_chunk));
            wanted = 0;
            answer_with(agent, {got < 0 ? errno : 0,
                                buffer.substr(0, static_cast<std::size_t>(std::max<ssize_t>(got, 0)))});
        } else if (set[1].revents != 0) {
            const ssize_t got = ::read(0, buffer.data(), buffer.size());
            input = got > 0;
            if (!send_frame(
                    agent, wire::Frame::standard_input,
                    std::string_view(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)))))
                input = false;
        }
        if (set[0].revents == 0)
            continue;
        wire::FrameHeader header{};
        if (!read_all(agent, &header, sizeof(header)) || header.length > wire::frame_limit) {
            terminal.restore();
            if (ended_by != 0)
                end_by(ended_by);
            fail("the ZFS appliance went away");
        }
        std::string body(header.length, '\0');
        if (!read_all(agent, body.data(), body.size()))
            fail("the ZFS appliance went away");
        switch (header.type) {
        case wire::Frame::standard_output:
        case wire::Frame::standard_error: {
            const int to = header.type == wire::Frame::standard_output ? 1 : 2;
            if (!write_all(to, body.data(), body.size()) && to == 1)
                return 128 + SIGPIPE; // nobody reads: as the command itself would end
            break;
        }
        case wire::Frame::upcall: {
            const auto words = split_strings(body);
            if (words.size() >= 2 && words[0] == "input")
                wanted = std::strtoul(words[1].c_str(), nullptr, 10);
            else
                answer_with(agent, answer_upcall(words, terminal));
            break;
        }
        case wire::Frame::exit: {
            std::int32_t status = 1;
            std::memcpy(&status, body.data(), std::min(body.size(), sizeof(status)));
            return status >= 0 ? status : 128 - status;
        }
        default:
            break;
        }
    }
}

} // namespace

int zfs_main(const std::vector<std::string>& args) {
    return run(args);
}

int zpool_main(const std::vector<std::string>& args) {
    return run(args);
}

int zfs_boot() {
    if (const int error = mount_served("zvol", "/dev/zvol", "", 0))
        fail_errno("/dev/zvol", error);
    std::error_code none;
    if (fs::file_size(state() / "zpool.cache", none) == 0 || none)
        return 0;
    return run({"zpool", "import", "-c", "/etc/zfs/zpool.cache", "-a", "-N"});
}

std::optional<std::string> zvol_drive(const std::string& path) {
    const std::string prefix = "/dev/zvol/";
    struct stat info {};
    if (!path.starts_with(prefix) || ::stat(path.c_str(), &info) != 0 || S_ISDIR(info.st_mode))
        return std::nullopt;
    return fmt::format("driver=nbd,server.type=unix,server.path={},export={}",
                       (state() / "run/nbd.sock").string(), path.substr(prefix.size()));
}

Traffic disk_traffic(const std::string& disk) {
    const auto answer = ask_gateway(state(), {"traffic", disk});
    if (answer.words.size() != 5 || answer.words[0] != "0")
        fail("no figures of disk " + disk);
    const auto number = [&](std::size_t i) { return std::stoull(answer.words[i]); };
    return {number(2), number(3), number(4)};
}

void await_released_zvols() {
    if (fs::exists(state() / "run/zfs.sock"))
        ask_gateway(state(), {"released"});
}

} // namespace bhype::lab
