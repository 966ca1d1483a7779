#include "lab/bhyve/qemu.h"

#include "lab/bhyve/failure.h"
#include "lab/bhyve/variables.h"
#include "lab/core/command.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

std::optional<std::string> rom_value(const Setup& setup, const std::string& key) {
    return setup.config.get((setup.release >= 1500 ? "" : "lpc.") + key);
}

/// smbiostbl.c: made of the VM's and the host's name where none is given.
std::string uuid_of(const Setup& setup) {
    if (const auto given = setup.config.get("uuid")) {
        bool valid = given->size() == 36;
        for (std::size_t i = 0; valid && i < 36; ++i)
            valid = i == 8 || i == 13 || i == 18 || i == 23 ? (*given)[i] == '-' : isxdigit((*given)[i]) != 0;
        if (!valid) {
            print_error("Invalid UUID");
            throw Exit{4};
        }
        return *given;
    }
    char host[256] = {};
    gethostname(host, sizeof host - 1);
    auto hex = md5(setup.name + std::string(host, sizeof host));
    hex[12] = '3';
    hex[16] = "89AB"[(hex[16] <= '9' ? hex[16] - '0' : hex[16] - 'A' + 10) & 3];
    return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                       hex.substr(16, 4), hex.substr(20));
}

} // namespace

bool load_bootrom(Setup& setup) {
    constexpr off_t window = 16 << 20, page = 4096;
    const auto rom = rom_value(setup, "bootrom");
    if (!rom)
        return true;
    const auto fail = [](const std::string& text) {
        print_error(text);
        return false;
    };
    const Fd file(open(rom->c_str(), O_RDONLY | O_CLOEXEC));
    if (!file)
        return fail(fmt::format("Error opening bootrom \"{}\": {}", *rom, freebsd_error(errno)));
    struct stat info {};
    fstat(file.get(), &info);
    const off_t rom_size = info.st_size;
    off_t vars_size = 0;
    const auto vars = rom_value(setup, "bootvars");
    if (vars) {
        Fd vars_file(open(vars->c_str(), O_RDWR | O_CLOEXEC));
        if (!vars_file)
            return fail(
                fmt::format("Error opening bootrom variable file \"{}\": {}", *vars, freebsd_error(errno)));
        fstat(vars_file.get(), &info);
        vars_size = info.st_size;
        if (vars_size > window || vars_size < page)
            return fail(fmt::format("Invalid bootrom variable size {}", vars_size));
        setup.variables = std::make_unique<VariableStore>(std::move(vars_file), setup.state / "variables");
    }
    if (rom_size + vars_size > window)
        return fail(fmt::format("Invalid bootrom and variable aggregate size {}", rom_size + vars_size));
    if (rom_size == 0) {
        bhyve_warnx("ROM size 0 is invalid");
        return false;
    }
    if (rom_size % page != 0) {
        bhyve_warnx(fmt::format("ROM size {} is not a multiple of the page size", rom_size));
        return false;
    }
    setup.add("-blockdev",
              fmt::format("driver=file,filename={},locking=off,read-only=on,node-name=rom", escaped(*rom)));
    setup.add("-machine", "pflash0=rom");
    if (vars) {
        setup.add("-blockdev", fmt::format("driver=file,filename={},locking=off,node-name=vars",
                                           escaped(setup.variables->copy())));
        setup.add("-machine", "pflash1=vars");
    }
    return true;
}

/// With room for a second CPU at least: for a machine that can have one alone, QEMU 7.2 leaves out the
/// guest's memory barriers (mttcg_start_vcpu_thread, tcg_gen_mb), though its devices run in another thread.
/// Then a guest and a virtio device may each think that the other one needs no notice, and both wait for
/// ever.
std::string cpus_of(const Topology& topology) {
    if (topology.cpus == 1)
        return "1,maxcpus=2,sockets=2,cores=1,threads=1";
    return fmt::format("{},sockets={},cores={},threads={}", topology.cpus, topology.sockets, topology.cores,
                       topology.threads);
}

std::vector<std::string> qemu_arguments(const Setup& setup, const Topology& topology, std::uint64_t memory,
                                        int monitor) {
    const Config& config = setup.config;
    const bool acpi = config.get_bool("acpi_tables", false);
    // Software emulation always: /dev/kvm may be there and hang in the firmware. A high-precision timer keeps
    // an idle guest busy when it is emulated, five-level page tables make every access longer.
    std::vector<std::string> result = {
        "-name", "guest=" + escaped(setup.name), "-L", linux_file("/usr/share/qemu").string(), "-machine",
        fmt::format("q35,hpet=off,smm=off,vmport=off,sata=off,smbus=off,acpi={}", acpi ? "on" : "off"),
        "-accel", "tcg,thread=multi,tb-size=128", "-cpu", "max,la57=off", "-smp", cpus_of(topology), "-m",
        fmt::format("{}M", std::max<std::uint64_t>(1, memory >> 20)), "-uuid", uuid_of(setup), "-smbios",
        fmt::format("type=0,vendor=BHYVE,version=14.0,date=10/17/2021"), "-smbios",
        fmt::format("type=1,manufacturer=FreeBSD,product=BHYVE,version=1.0"), "-rtc",
        config.get_bool("rtc.use_localtime", true) ? "base=localtime" : "base=utc", "-chardev",
        fmt::format("socket,id=monitor,fd={}", monitor), "-mon", "chardev=monitor,mode=control", "-d",
        "cpu_reset", "-D", (setup.state / "reset.log").string(), "-global", "ICH9-LPC.disable_s3=1",
        // bhyve's firmware looks at networks last; this one's look takes seconds.
        "-fw_cfg", "name=opt/org.tianocore/IPv4Support,string=n", "-fw_cfg",
        "name=opt/org.tianocore/IPv6Support,string=n", "-nodefaults", "-no-user-config", "-no-reboot"};
    if (!setup.vnc)
        result.insert(result.end(), {"-display", "none"});
    if (const auto port = config.get("gdb.port")) {
        const auto host = config.get("gdb.address").value_or("localhost");
        result.insert(result.end(), {"-gdb", fmt::format("tcp:{}:{}", host, *port)});
        if (config.get_bool("gdb.wait", false))
            result.push_back("-S");
    }
    result.insert(result.end(), setup.arguments.begin(), setup.arguments.end());
    return result;
}

pid_t start_qemu(const Setup& setup, const std::vector<std::string>& arguments, int monitor) {
    const auto program = linux_program("qemu-system-x86_64").string();
    std::vector<char*> argv{const_cast<char*>(program.c_str())};
    for (const auto& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    const Fd log(open((setup.state / "qemu.log").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    const Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid < 0)
        throw std::runtime_error("cannot start QEMU");
    if (pid > 0)
        return pid;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    sigset_t ours;
    sigemptyset(&ours);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT})
        sigaddset(&ours, signal);
    sigprocmask(SIG_SETMASK, &ours, nullptr);
    if (!setup.stdio_used) {
        dup2(null.get(), 0);
        dup2(null.get(), 1);
    }
    dup2(log.get(), 2);
    fcntl(monitor, F_SETFD, 0);
    for (const auto& fd : setup.inherited)
        fcntl(fd.get(), F_SETFD, 0);
    execv(program.c_str(), argv.data());
    _exit(127);
}

} // namespace bhype::lab
