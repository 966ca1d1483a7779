#include "appliance.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway.h"

namespace bhype::lab {

namespace {

void make_disk_file(const Disk& disk) {
    Fd file(::open(disk.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0)
        fail_errno(disk.path, errno);
    if (status.st_size == 0 && ::ftruncate(file.get(), static_cast<off_t>(disk.size)) != 0)
        fail_errno(disk.path, errno);
}

// Away from the caller's terminal, session, directory and descriptors.
void become_daemon(const ApplianceConfig& config, const Fd& keep) {
    ::setsid();
    ::signal(SIGHUP, SIG_IGN);
    if (::chdir("/") != 0)
        ::_exit(1);
    Fd null(::open("/dev/null", O_RDONLY));
    Fd log(::open((config.state_dir / "appliance.log").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644));
    ::dup2(null.get(), 0);
    ::dup2(log.get(), 1);
    ::dup2(log.get(), 2);
    null.release();
    log.release();
    auto kept = static_cast<unsigned>(keep.get());
    if (kept > 3)
        ::close_range(3, kept - 1, 0);
    ::close_range(kept + 1, ~0u, 0);
}

void order(const std::filesystem::path& state_dir, const std::vector<std::string>& words) {
    Message answer = ask_gateway(state_dir, words);
    if (answer.words[0] != "0")
        fail(answer.words.size() > 1 && !answer.words[1].empty() ? answer.words[1]
                                                                 : "error " + answer.words[0]);
}

void switch_off(const std::filesystem::path& state_dir, const char* how) {
    Fd gateway = connect_unix(state_dir / "run/zfs.sock", SOCK_SEQPACKET);
    if (!gateway || !send_message(gateway.get(), {how}))
        return;
    // The end of the connection is the end of the process.
    Message message;
    while (receive_message(gateway.get(), message)) {
    }
}

} // namespace

void start(const ApplianceConfig& given) {
    ApplianceConfig config = given;
    config.state_dir = std::filesystem::absolute(config.state_dir);
    config.image_dir = std::filesystem::absolute(config.image_dir);
    for (auto& disk : config.disks) {
        disk.path = std::filesystem::absolute(disk.path);
        make_disk_file(disk);
    }
    if (config.hostid == 0)
        config.hostid = static_cast<std::uint32_t>(std::hash<std::string>{}(config.hostname)) | 1;
    std::filesystem::create_directories(config.state_dir / "run");
    if (is_running(config.state_dir))
        fail("the appliance of this lab is already running");

    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        fail_errno("pipe", errno);
    Fd ours(ends[0]), theirs(ends[1]);
    pid_t pid = ::fork();
    if (pid < 0)
        fail_errno("fork", errno);
    if (pid == 0) {
        // Once more, so that it is nobody's child.
        if (::fork() != 0)
            ::_exit(0);
        become_daemon(config, theirs);
        run_gateway(config, std::move(theirs));
    }
    theirs = Fd();
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    std::string text;
    char buffer[512];
    for (ssize_t got; (got = ::read(ours.get(), buffer, sizeof(buffer))) > 0;)
        text.append(buffer, static_cast<std::size_t>(got));
    if (text != std::string(1, '\0'))
        fail(fmt::format("{} (see {})", text.empty() ? "the appliance did not start" : text,
                         (config.state_dir / "appliance.log").string()));
}

bool is_running(const std::filesystem::path& state_dir) {
    return static_cast<bool>(connect_unix(state_dir / "run/zfs.sock", SOCK_SEQPACKET));
}

void stop(const std::filesystem::path& state_dir) {
    switch_off(state_dir, "stop");
}

void power_off(const std::filesystem::path& state_dir) {
    switch_off(state_dir, "power");
}

void pull_disk(const std::filesystem::path& state_dir, const std::string& name) {
    order(state_dir, {"pull", name});
}

void insert_disk(const std::filesystem::path& state_dir, const Disk& disk) {
    Disk known = disk;
    known.path = std::filesystem::absolute(known.path);
    make_disk_file(known);
    order(state_dir, {"insert", known.name, known.path});
}

} // namespace bhype::lab
