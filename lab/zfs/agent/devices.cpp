#include "agent.h"

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <linux/netlink.h>
#include <map>
#include <mutex>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <thread>
#include <unistd.h>

namespace bhype::lab::agent {

namespace {

// zfs.h of OpenZFS: the name of the dataset behind a zvol's block device.
constexpr std::size_t name_limit = 256;
constexpr unsigned long blkzname = _IOC(_IOC_READ, 0x12, 125, name_limit);

std::mutex mutex;
std::condition_variable changed;
std::uint64_t worked_off = 0;
std::map<std::string, std::string> zvols; // dataset -> zdN
std::map<std::string, std::string> disks; // vdX -> ndaN

std::string value_of(const std::string& event, const std::string& key) {
    auto at = event.find('\0' + key + '=');
    return at == std::string::npos ? std::string() : std::string(event.c_str() + at + key.size() + 2);
}

void make_node(const std::string& path, mode_t mode, dev_t device) {
    ::unlink(path.c_str());
    ::mknod(path.c_str(), S_IFBLK | mode, device);
}

void forget_zvol(const std::string& device) {
    for (auto at = zvols.begin(); at != zvols.end();)
        at = at->second == device ? zvols.erase(at) : std::next(at);
}

// Opening asks ZFS for the volume: while a command has it, or the lock that all opening needs, it must wait.
// A volume forgotten here would have no node until the next import, which FreeBSD's devfs never does.
std::string ask_zvol_name(const std::string& node) {
    char name[name_limit] = {};
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    int fd = -1;
    while ((fd = ::open(node.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) < 0) {
        const bool gone = errno == ENXIO || errno == ENOENT || errno == ENODEV;
        if (gone || std::chrono::steady_clock::now() > until)
            return {};
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    bool known = ::ioctl(fd, blkzname, name) == 0;
    ::close(fd);
    return known ? name : "";
}

void add_block(const std::string& name, dev_t device) {
    if (name.starts_with("zd")) {
        std::string node = std::string(device_root) + "/" + name;
        make_node(node, 0600, device);
        std::string dataset = ask_zvol_name(node);
        std::lock_guard lock(mutex);
        forget_zvol(name);
        if (!dataset.empty())
            zvols[dataset] = name;
    } else if (name.starts_with("vd")) {
        std::string serial = read_small_file("/sys/block/" + name + "/serial");
        if (serial.empty())
            return;
        make_node("/dev/" + serial, 0640, device);
        std::lock_guard lock(mutex);
        disks[name] = serial;
    }
}

void remove_block(const std::string& name) {
    std::lock_guard lock(mutex);
    if (name.starts_with("zd")) {
        forget_zvol(name);
        ::unlink((std::string(device_root) + "/" + name).c_str());
    } else if (auto found = disks.find(name); found != disks.end()) {
        ::unlink(("/dev/" + found->second).c_str());
        disks.erase(found);
    }
}

void work_off(const std::string& event) {
    if (value_of(event, "SUBSYSTEM") != "block" || value_of(event, "DEVTYPE") != "disk")
        return;
    std::string name = value_of(event, "DEVNAME");
    std::string action = value_of(event, "ACTION");
    if (action == "remove")
        remove_block(name);
    else if (action == "add" || action == "change")
        add_block(name, makedev(static_cast<unsigned>(std::atoi(value_of(event, "MAJOR").c_str())),
                                static_cast<unsigned>(std::atoi(value_of(event, "MINOR").c_str()))));
}

void listen(int netlink) {
    char buffer[16384];
    for (;;) {
        ssize_t got = ::recv(netlink, buffer, sizeof(buffer) - 1, 0);
        if (got < 0) {
            if (errno == EINTR || errno == ENOBUFS)
                continue;
            return;
        }
        std::string event(buffer, static_cast<std::size_t>(got));
        event.push_back('\0');
        work_off(event);
        std::lock_guard lock(mutex);
        worked_off = std::strtoull(value_of(event, "SEQNUM").c_str(), nullptr, 10);
        changed.notify_all();
    }
}

} // namespace

void start_devices() {
    std::filesystem::create_directories(device_root);
    std::filesystem::create_directories(zvol_root);
    int netlink = ::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = 1;
    int size = 4 << 20; // a thousand zvols may appear at once on import
    ::setsockopt(netlink, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
    ::bind(netlink, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    worked_off = std::strtoull(read_small_file("/sys/kernel/uevent_seqnum").c_str(), nullptr, 10);
    std::thread(listen, netlink).detach();
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/sys/block", ignored)) {
        unsigned major_number = 0, minor_number = 0;
        if (std::sscanf(read_small_file(entry.path() / "dev").c_str(), "%u:%u", &major_number,
                        &minor_number) == 2)
            add_block(entry.path().filename(), makedev(major_number, minor_number));
    }
}

void settle_devices() {
    auto raised = std::strtoull(read_small_file("/sys/kernel/uevent_seqnum").c_str(), nullptr, 10);
    std::unique_lock lock(mutex);
    // A volume that is there before its node is busy or missing for whoever comes next.
    changed.wait_for(lock, std::chrono::seconds(60), [&] { return worked_off >= raised; });
}

bool wait_disk(const std::string& name, bool present, int milliseconds) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::milliseconds(milliseconds), [&] {
        bool found = false;
        for (const auto& [device, serial] : disks)
            found = found || serial == name;
        return found == present;
    });
}

std::vector<std::string> zvol_names() {
    std::lock_guard lock(mutex);
    std::vector<std::string> names;
    for (const auto& [name, device] : zvols)
        names.push_back(name);
    return names;
}

std::string zvol_device(const std::string& name) {
    std::lock_guard lock(mutex);
    auto found = zvols.find(name);
    return found == zvols.end() ? std::string() : std::string(device_root) + "/" + found->second;
}

} // namespace bhype::lab::agent
