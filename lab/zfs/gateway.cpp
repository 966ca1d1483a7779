#include "gateway.h"

#include <arpa/inet.h>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "qmp.h"

namespace bhype::lab {

namespace {

constexpr std::size_t connections_ready = 4;
constexpr int disk_milliseconds = 15000;

std::mutex pool_mutex;
std::condition_variable pool_changed;
std::deque<Fd> pool;

Fd connect_fresh() {
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(wire::port);
    ::inet_pton(AF_INET, wire::guest_address, &address.sin_addr);
    int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
        return Fd();
    return fd;
}

void refill() {
    for (;;) {
        {
            std::unique_lock lock(pool_mutex);
            pool_changed.wait(lock, [] { return pool.size() < connections_ready; });
        }
        Fd fd = connect_fresh();
        if (!fd)
            continue;
        std::lock_guard lock(pool_mutex);
        pool.push_back(std::move(fd));
    }
}

int ask_agent(const std::vector<std::string>& words) {
    Fd fd = connect_agent(0, 0);
    if (!fd || !send_request(fd.get(), words))
        return EIO;
    return read_status(fd.get());
}

class Gateway {
  public:
    explicit Gateway(const ApplianceConfig& config) : config_(config) {}

    void power_on() {
        requests_ = listen_unix(config_.state_dir / "run/zfs.sock", SOCK_SEQPACKET, 0666);
        volumes_ = listen_unix(config_.state_dir / "run/nbd.sock", SOCK_STREAM, 0600);
        Machine machine = start_machine(config_);
        pid_ = machine.pid;
        monitor_ = std::make_unique<Qmp>(std::move(machine.monitor));
        monitor_->wait_event("RESUME", 30);
        for (const auto& disk : config_.disks)
            monitor_->add_disk(disk.name, disk.path);
        if (!connect_fresh())
            fail("the appliance does not answer");
        std::thread(refill).detach();
        int error = ask_agent({"ping", nanoseconds_now()});
        if (error == 0)
            error = ask_agent({"identity", std::to_string(config_.hostid), config_.hostname});
        if (error != 0)
            fail_errno("the appliance", error);
        hand_over_cache_file();
        for (const auto& disk : config_.disks)
            wait_disk(disk.name, true);
    }

    void serve() {
        std::thread([this] { accept_all(volumes_, &Gateway::relay_volume); }).detach();
        std::thread([this] { accept_all(requests_, &Gateway::answer); }).detach();
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
    }

    void switch_off() {
        if (pid_ > 0)
            ::kill(pid_, SIGKILL);
    }

  private:
    void wait_disk(const std::string& name, bool present) {
        int error =
            ask_agent({"disk", name, present ? "present" : "absent", std::to_string(disk_milliseconds)});
        if (error != 0)
            fail_errno("disk " + name, error);
    }

    // Pools are remembered as FreeBSD's kernel does, in a cache file, which outlives the machine out here.
    void hand_over_cache_file() {
        auto path = config_.state_dir / "zpool.cache";
        std::ifstream file(path, std::ios::binary);
        std::string content((std::istreambuf_iterator<char>(file)), {});
        auto fd = std::make_shared<Fd>(connect_agent(0, 0));
        auto length = static_cast<std::uint32_t>(content.size());
        if (!*fd || !send_request(fd->get(), {"cachefile"}) ||
            !write_all(fd->get(), &length, sizeof(length)) ||
            !write_all(fd->get(), content.data(), content.size()) || read_status(fd->get()) != 0)
            fail("handing the pool cache to the appliance");
        std::thread([fd, path] { keep_cache_file(fd->get(), path); }).detach();
    }

    static void keep_cache_file(int fd, const std::filesystem::path& path) {
        std::uint32_t length = 0;
        while (read_all(fd, &length, sizeof(length))) {
            std::string content(length, '\0');
            if (!read_all(fd, content.data(), length))
                return;
            auto aside = path;
            aside += ".new";
            std::ofstream(aside, std::ios::binary | std::ios::trunc) << content;
            std::error_code error;
            std::filesystem::rename(aside, path, error);
            std::uint32_t stored = error ? EIO : 0;
            if (!write_all(fd, &stored, sizeof(stored)))
                return;
        }
    }

    void accept_all(const Fd& listener, void (Gateway::*handle)(Fd)) {
        for (;;) {
            int fd = ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC);
            if (fd >= 0)
                std::thread([this, fd, handle] { (this->*handle)(Fd(fd)); }).detach();
            else if (errno != EINTR && errno != ECONNABORTED)
                std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
    }

    void relay_volume(Fd client) {
        ucred who{};
        socklen_t size = sizeof(who);
        ::getsockopt(client.get(), SOL_SOCKET, SO_PEERCRED, &who, &size);
        const pid_t bhyve = parent_of(who.pid);
        Fd agent = connect_agent(0, 0);
        if (!agent || !send_request(agent.get(), {"nbd"}))
            return;
        {
            const std::lock_guard lock(open_mutex_);
            ++open_volumes_[bhyve];
        }
        start_relay(std::move(client), std::move(agent), [this, bhyve] {
            const std::lock_guard lock(open_mutex_);
            if (--open_volumes_[bhyve] == 0)
                open_volumes_.erase(bhyve);
            open_changed_.notify_all();
        });
    }

    // QEMU's, whose parent is the lab's bhyve.
    static pid_t parent_of(pid_t pid) {
        std::ifstream file(fmt::format("/proc/{}/stat", pid));
        std::string text((std::istreambuf_iterator<char>(file)), {});
        const auto name_end = text.rfind(')');
        return name_end == std::string::npos ? 0 : std::atoi(text.c_str() + name_end + 4);
    }

    int wait_released(pid_t bhyve) {
        std::unique_lock lock(open_mutex_);
        const bool released = open_changed_.wait_for(lock, std::chrono::milliseconds(disk_milliseconds),
                                                     [&] { return !open_volumes_.contains(bhyve); });
        return released ? 0 : ETIMEDOUT;
    }

    void answer(Fd client) {
        ucred who{};
        socklen_t size = sizeof(who);
        ::getsockopt(client.get(), SOL_SOCKET, SO_PEERCRED, &who, &size);
        Message message;
        while (receive_message(client.get(), message)) {
            if (message.words.empty())
                return;
            if (message.words[0] == "connect") {
                Fd agent = connect_agent(who.uid, who.gid);
                send_message(client.get(), {agent ? "0" : std::to_string(EIO)}, agent.get());
                continue;
            }
            std::string error = std::to_string(EPERM), text;
            std::vector<std::string> figures;
            if (who.uid == 0) {
                try {
                    if (message.words[0] == "traffic" && message.words.size() == 2)
                        figures = monitor_->disk_figures(message.words[1]);
                    error = std::to_string(!figures.empty()                 ? 0
                                           : message.words[0] == "released" ? wait_released(who.pid)
                                                                            : perform(message));
                } catch (const std::exception& e) {
                    error = std::to_string(EIO);
                    text = e.what();
                }
            }
            std::vector<std::string> told{error, text};
            told.insert(told.end(), figures.begin(), figures.end());
            send_message(client.get(), told);
            if (switching_off_)
                switch_off();
        }
    }

    int perform(Message& message) {
        const auto& words = message.words;
        if (words[0] == "fuse" && words.size() == 2 && message.fd) {
            Fd agent = connect_agent(0, 0);
            bool asked =
                agent &&
                send_request(agent.get(), words[1].empty() ? std::vector<std::string>{"zvols"}
                                                           : std::vector<std::string>{"dataset", words[1]});
            int error = asked ? read_status(agent.get()) : EIO;
            if (error == 0)
                start_fuse_pump(std::move(message.fd), std::move(agent));
            return error;
        }
        if (words[0] == "pull" && words.size() == 2) {
            monitor_->remove_disk(words[1]);
            wait_disk(words[1], false);
            return 0;
        }
        if (words[0] == "insert" && words.size() == 3) {
            monitor_->add_disk(words[1], words[2]);
            wait_disk(words[1], true);
            return 0;
        }
        if (words[0] == "running")
            return 0;
        if (words[0] == "stop")
            ask_agent({"sync"});
        if (words[0] == "stop" || words[0] == "power") {
            switching_off_ = true;
            return 0;
        }
        return EINVAL;
    }

    const ApplianceConfig& config_;
    Fd requests_;
    Fd volumes_;
    std::unique_ptr<Qmp> monitor_;
    int pid_ = -1;
    std::atomic<bool> switching_off_ = false;
    std::mutex open_mutex_;
    std::condition_variable open_changed_;
    std::map<pid_t, int> open_volumes_; // connections by bhyve's process
};

} // namespace

Fd connect_agent(std::uint32_t uid, std::uint32_t gid) {
    Fd fd;
    {
        std::lock_guard lock(pool_mutex);
        if (!pool.empty()) {
            fd = std::move(pool.front());
            pool.pop_front();
            pool_changed.notify_one();
        }
    }
    if (!fd)
        fd = connect_fresh();
    wire::Preamble preamble{wire::magic, uid, gid};
    if (!fd || !write_all(fd.get(), &preamble, sizeof(preamble)))
        return Fd();
    return fd;
}

void run_gateway(const ApplianceConfig& config, Fd ready) {
    ::signal(SIGPIPE, SIG_IGN);
    Gateway gateway(config);
    try {
        gateway.power_on();
    } catch (const std::exception& e) {
        gateway.switch_off();
        std::string text = e.what();
        write_all(ready.get(), text.data(), text.size());
        ::_exit(1);
    }
    write_all(ready.get(), "", 1);
    ready = Fd();
    gateway.serve();
    // Mounts of a machine that is gone answer with errors from now on: the descriptors go with the process.
    ::_exit(0);
}

} // namespace bhype::lab
