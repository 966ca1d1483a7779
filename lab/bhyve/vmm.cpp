#include "lab/bhyve/vmm.h"

#include "lab/bhyve/devices.h"
#include "lab/bhyve/failure.h"
#include "lab/core/command.h"

#include <cerrno>
#include <chrono>
#include <fstream>
#include <functional>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace bhype::lab {

namespace {

constexpr std::size_t longest_name = 229; // sys/amd64/include/vmm_dev.h, VM_MAX_NAMELEN of 13 and later

std::filesystem::path node_of(const std::string& name) {
    return std::filesystem::path("/dev/vmm") / name;
}

/// 0 or an errno.
int create(const std::string& name, int release) {
    if (name.empty() || name.size() > longest_name)
        return release >= 1500 && name.size() > longest_name ? ENAMETOOLONG : EINVAL;
    // FreeBSD would make a folder below /dev/vmm of a name with a slash; nobody wants that by intent.
    if (name.find('/') != std::string::npos || name == "." || name == "..")
        return EINVAL;
    std::error_code ignored;
    std::filesystem::create_directory("/dev/vmm", ignored);
    // A device number that no driver has; some containers allow no device nodes.
    const auto minor_number = static_cast<unsigned>(std::hash<std::string>{}(name) % 250);
    if (mknod(node_of(name).c_str(), S_IFCHR | 0600, makedev(240, minor_number)) == 0)
        return 0;
    if (errno != EPERM)
        return errno;
    const Fd file(open(node_of(name).c_str(), O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    return file ? 0 : errno;
}

} // namespace

bool VmObject::exists(const std::string& name) {
    struct stat info {};
    return !name.empty() && name.find('/') == std::string::npos && lstat(node_of(name).c_str(), &info) == 0 &&
           !S_ISDIR(info.st_mode);
}

std::filesystem::path VmObject::folder(const std::string& name) {
    // Sockets live in it, and their paths are short.
    return run_dir() / "bhyve" / (name.size() > 48 ? name.substr(0, 24) + md5(name).substr(0, 16) : name);
}

VmObject VmObject::open_to_run(const std::string& name, bool boot_rom, int release) {
    const bool old = release < 1500; // libvmmapi before vm_openf()
    const auto fail = [&] [[noreturn]] (const char* call, int error) {
        if (old)
            print_error(std::string(call) + ": " + freebsd_error(error));
        else
            bhyve_warn("vm_openf", error);
        throw Exit{4};
    };
    const bool there = exists(name);
    if (!there && !boot_rom) {
        if (!old)
            bhyve_errx(4, "no bootrom was configured");
        if (const int error = create(name, release))
            fail("vm_create", error);
        print_error("virtual machine cannot be booted");
        throw Exit{4};
    }
    if (!there)
        if (const int error = create(name, release))
            fail("vm_create", error);
    if (there && !boot_rom)
        throw std::runtime_error("the lab can boot a VM by a boot ROM only, not by bhyveload");

    VmObject vm;
    vm.state_ = folder(name);
    std::filesystem::create_directories(vm.state_);
    chmod(vm.state_.c_str(), 0700);
    vm.lock_ = Fd(open((vm.state_ / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!vm.lock_ || flock(vm.lock_.get(), LOCK_EX | LOCK_NB) != 0)
        fail("vm_reinit", EBUSY);
    std::error_code ignored;
    for (const char* rest : {"suspended", "control", "vnc", "reset.log"})
        std::filesystem::remove(vm.state_ / rest, ignored);
    return vm;
}

void VmObject::set_memory(std::uint64_t bytes) {
    const auto file = state_ / "memory";
    std::uint64_t before = 0;
    if (std::ifstream(file) >> before && before != bytes) {
        print_error("Unable to setup memory (22)");
        throw Exit{4};
    }
    std::ofstream(file) << bytes << '\n';
}

int VmObject::suspend(const std::string& name) {
    const auto file = folder(name) / "suspended";
    if (std::filesystem::exists(file))
        return EALREADY;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream{file};
    return 0;
}

void VmObject::destroy(const std::string& name) {
    const auto remove = [&] {
        std::error_code ignored;
        std::filesystem::remove_all(folder(name), ignored);
        std::filesystem::remove(node_of(name), ignored);
    };
    if (!slow())
        return remove();
    if (fork() == 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(400));
        remove();
        _exit(0);
    }
}

} // namespace bhype::lab
