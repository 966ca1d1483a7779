#include "lab/core/boot.h"

#include "lab/core/exec.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <ostream>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

namespace bhype::lab {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

void mount_at(const char* source, const fs::path& target, const char* type, unsigned long flags,
              const char* data = nullptr) {
    if (mount(source, target.c_str(), type, flags, data) != 0)
        fail("mount " + target.string());
}

void bind(const fs::path& source, const fs::path& target, bool read_only) {
    mount_at(source.c_str(), target, nullptr, MS_BIND | MS_REC);
    if (read_only)
        mount_at(nullptr, target, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY);
}

void make_node(const fs::path& path, mode_t mode, unsigned major_number, unsigned minor_number) {
    if (mknod(path.c_str(), S_IFCHR | mode, makedev(major_number, minor_number)) != 0 ||
        chmod(path.c_str(), mode) != 0)
        fail("mknod " + path.string());
}

void fill_dev(const fs::path& dev, std::size_t disks) {
    mount_at("dev", dev, "tmpfs", MS_NOSUID, "mode=755");
    for (const char* name : {"net", "pts", "shm", "vmm", "vmm.io", "zvol", "nmdm"})
        fs::create_directory(dev / name);
    make_node(dev / "null", 0666, 1, 3);
    make_node(dev / "zero", 0666, 1, 5);
    make_node(dev / "full", 0666, 1, 7);
    make_node(dev / "random", 0666, 1, 8);
    make_node(dev / "urandom", 0666, 1, 9);
    make_node(dev / "tty", 0666, 5, 0);
    make_node(dev / "net/tun", 0600, 10, 200);
    make_node(dev / "fuse", 0600, 10, 229);
    struct stat kvm {};
    if (stat("/dev/kvm", &kvm) == 0)
        make_node(dev / "kvm", 0600, major(kvm.st_rdev), minor(kvm.st_rdev));
    // The disks' names alone: a number that no driver has, so that opening one fails.
    for (std::size_t i = 0; i < disks; ++i)
        make_node(dev / ("nda" + std::to_string(i)), 0640, 240, static_cast<unsigned>(i));
    mount_at("devpts", dev / "pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620");
    mount_at("shm", dev / "shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
    fs::create_symlink("pts/ptmx", dev / "ptmx");
    fs::create_symlink("/proc/self/fd", dev / "fd");
    fs::create_symlink("fd/0", dev / "stdin");
    fs::create_symlink("fd/1", dev / "stdout");
    fs::create_symlink("fd/2", dev / "stderr");
    fs::remove(dev / "nmdm");
}

/// The mounts of a lab; afterwards its root is the root.
void enter_root(const Layout& layout, const LabConfig& config) {
    const fs::path root = layout.root();
    mount_at(nullptr, "/", nullptr, MS_REC | MS_PRIVATE);
    bind(root, root, false);
    bind("/usr", root / ".lab/linux/usr", true);
    fill_dev(root / "dev", config.disks.size());
    mount_at("proc", root / "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC);
    mount_at("sysfs", root / "sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY);
    for (const auto& share : config.shares) {
        fs::create_directories(root / share.relative_path());
        bind(share, root / share.relative_path(), true);
    }
    if (chdir(root.c_str()) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 ||
        chdir("/") != 0)
        fail("pivot_root");
}

/// Listens on the machine's loopback; the lab's processes get the descriptor and connect from inside.
int listen_for_web(std::uint16_t& port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    socklen_t size = sizeof address;
    if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd, 128) != 0 ||
        getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        fail(fmt::format("cannot listen on 127.0.0.1:{}", port));
    port = ntohs(address.sin_port);
    return fd;
}

/// Becomes the lab's first process: a program of the lab's root, with nothing of the caller's left but these
/// three descriptors and the log of the console.
[[noreturn]] void become_init(const Layout& layout, const LabConfig& config, int exec_socket, int web,
                              int report) {
    try {
        setsid();
        const int console = open(layout.console().c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        const int null = open("/dev/null", O_RDONLY);
        if (console < 0 || null < 0)
            fail("cannot write " + layout.console().string());
        enter_root(layout, config);
        dup2(null, 0);
        dup2(console, 1);
        dup2(console, 2);
        // Numbers that nothing else has, so that everything else can be closed.
        int numbers[] = {fcntl(exec_socket, F_DUPFD, 100), fcntl(web, F_DUPFD, 100),
                         fcntl(report, F_DUPFD, 100)};
        close_range(3, 99, 0);
        std::vector<std::string> words{"init"};
        for (const int fd : numbers)
            words.push_back(std::to_string(fd));
        std::vector<char*> argv;
        for (auto& word : words)
            argv.push_back(word.data());
        argv.push_back(nullptr);
        std::string path = "PATH=/sbin:/bin:/usr/sbin:/usr/bin";
        char* environment[] = {path.data(), nullptr};
        execve("/.lab/bhype-lab", argv.data(), environment);
        fail("cannot run /.lab/bhype-lab");
    } catch (const std::exception& error) {
        const auto text = fmt::format("failed: {}\n", error.what());
        [[maybe_unused]] const auto written = ::write(report, text.data(), text.size());
    }
    _exit(1);
}

/// Returns the new first process's number on the machine.
int spawn_init(const Layout& layout, const LabConfig& config, int exec_socket, int web, int report) {
    int ids[2];
    if (pipe2(ids, O_CLOEXEC) != 0)
        fail("pipe");
    const int middle = fork();
    if (middle == 0) {
        int pid = -1;
        if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID) == 0) {
            pid = fork();
            if (pid == 0)
                become_init(layout, config, exec_socket, web, report);
        } else {
            pid = -errno;
        }
        [[maybe_unused]] const auto written = ::write(ids[1], &pid, sizeof pid);
        _exit(0);
    }
    close(ids[1]);
    int pid = -EIO;
    [[maybe_unused]] const auto n = ::read(ids[0], &pid, sizeof pid);
    close(ids[0]);
    waitpid(middle, nullptr, 0);
    if (pid < 0)
        throw std::system_error(-pid, std::generic_category(), "a lab needs root and its own namespaces");
    return pid;
}

/// Shows what the lab says until it is up. Throws if it is not.
void follow(int report, std::ostream& progress) {
    std::string text;
    char buffer[512];
    for (ssize_t n; (n = ::read(report, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR);) {
        text.append(buffer, static_cast<std::size_t>(n > 0 ? n : 0));
        for (std::size_t end; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
            const auto line = text.substr(0, end);
            if (line == "up")
                return;
            if (line.starts_with("failed: "))
                throw std::runtime_error(line.substr(8));
            progress << line << std::endl;
        }
    }
    throw std::runtime_error("the lab ended while it was starting");
}

} // namespace

void power_off(const Layout& layout, const Hooks& hooks) {
    if (const auto lab = running(layout))
        kill_lab(*lab);
    for (const auto& cut : hooks.power_off)
        cut(layout);
}

void boot(const Layout& layout, LabConfig config, const Hooks& hooks, std::ostream& progress) {
    fs::remove_all(layout.state() / "run");
    fs::create_directory(layout.state() / "run");
    // First, since what it starts stays beside the lab and must not hold the lab's sockets.
    for (const auto& switch_on : hooks.power_on)
        switch_on(layout, config);
    const auto old_port = config.port;
    const int web = listen_for_web(config.port);
    if (config.port != old_port)
        save(layout, config);
    std::ofstream(layout.state() / "config", std::ios::trunc) << std::ifstream(layout.config()).rdbuf();
    const int exec_socket = listen_for_exec(layout);
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0)
        fail("pipe");
    note_running(layout, spawn_init(layout, config, exec_socket, web, report[1]));
    close(web);
    close(exec_socket);
    close(report[1]);
    try {
        follow(report[0], progress);
    } catch (const std::exception& error) {
        power_off(layout, hooks);
        throw std::runtime_error(fmt::format("{} (see {})", error.what(), layout.console().string()));
    }
    close(report[0]);
}

} // namespace bhype::lab
