#include "lab/bhyve/control.h"
#include "lab/bhyve/failure.h"
#include "lab/bhyve/qemu.h"
#include "lab/bhyve/qmp.h"
#include "lab/bhyve/tables.h"
#include "lab/bhyve/variables.h"
#include "lab/bhyve/vmm.h"
#include "lab/bhyve/vnc.h"
#include "lab/commands/modules.h"
#include "lab/core/command.h"
#include "lab/zfs/zfs.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>

#include <poll.h>
#include <sched.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

namespace bhype::lab {

int bhyve_main(const Arguments& arguments);

namespace {

std::string file_text(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

/// setproctitle(3): the memory that held the arguments says something else from now on.
void set_title(const std::string& title) {
    const auto stat = file_text("/proc/self/stat");
    std::istringstream fields(stat.substr(stat.rfind(')') + 2));
    std::string skipped;
    for (int field = 3; field < 48; ++field)
        fields >> skipped;
    unsigned long start = 0, end = 0;
    fields >> start >> end;
    if (end <= start + 2)
        return;
    auto* memory = reinterpret_cast<char*>(start);
    const auto length = std::min<std::size_t>(title.size(), end - start - 2);
    std::memset(memory, 0, end - start);
    std::memcpy(memory, title.data(), length);
    // With its last byte set the kernel takes the arguments for a title, which ends at its first zero.
    memory[end - start - 1] = '\1';
}

constexpr int write_back_interval = 1000; ///< ms

Fd listen_for_control(const std::filesystem::path& file) {
    Fd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, file.c_str(), sizeof address.sun_path - 1);
    if (bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener.get(), 8) != 0)
        throw std::runtime_error("cannot listen on " + file.string());
    return listener;
}

/// A machine that runs: QEMU, and what bhyve does about its end, signals and bhyvectl.
class Guest {
  public:
    Guest(const Setup& setup, const Topology& topology, std::uint64_t memory,
          const std::vector<std::vector<int>>& pins)
        : setup_(setup), cpus_(topology.cpus), memory_(memory) {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
            throw std::runtime_error("no socket for QEMU's monitor");
        qmp_ = Qmp(Fd(ends[0]));
        Fd theirs(ends[1]);
        control_ = listen_for_control(setup.state / "control");
        pid_ = start_qemu(setup, qemu_arguments(setup, topology, memory, theirs.get()), theirs.get());
        theirs.reset();
        if (!qmp_.start()) {
            kill(pid_, SIGKILL);
            waitpid(pid_, nullptr, 0);
            throw std::runtime_error("QEMU did not start: " + file_text(setup.state / "qemu.log"));
        }
        pin(pins);
    }

    /// bhyve's exit status.
    int run() {
        sigset_t ours;
        sigemptyset(&ours);
        sigaddset(&ours, SIGTERM);
        sigaddset(&ours, SIGCHLD);
        sigprocmask(SIG_BLOCK, &ours, nullptr);
        const Fd signals(signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK));
        int monitor = qmp_.descriptor();
        while (waitpid(pid_, nullptr, WNOHANG) == 0) {
            pollfd ready[] = {{signals.get(), POLLIN, 0}, {monitor, POLLIN, 0}, {control_.get(), POLLIN, 0}};
            if (poll(ready, 3, setup_.variables ? write_back_interval : -1) < 0 && errno != EINTR)
                break;
            write_back();
            signalfd_siginfo signal{};
            while (read(signals.get(), &signal, sizeof signal) == sizeof signal)
                if (signal.ssi_signo == SIGTERM)
                    power_button();
            if (ready[2].revents)
                answer();
            drain();
            if (ready[1].revents & POLLHUP)
                monitor = -1; // the child's end is all that is still to come
        }
        drain();
        write_back();
        await_released_zvols();
        if (forced_)
            return *forced_;
        if (reason_ == "guest-reset")
            return file_text(setup_.state / "reset.log").find("Triple fault") == std::string::npos ? 0 : 3;
        if (reason_ == "guest-shutdown")
            return 1;
        throw std::runtime_error("QEMU ended by itself: " + file_text(setup_.state / "qemu.log"));
    }

  private:
    void write_back() {
        if (setup_.variables)
            setup_.variables->write_back();
    }

    void drain() {
        while (const auto line = qmp_.next())
            if (json_member(*line, "event") == "SHUTDOWN")
                reason_ = json_member(*line, "reason");
    }

    /// amd64/pm.c: while the guest has not taken over ACPI nobody listens to the button, and SIGTERM is just
    /// that. That it has shows in the power management block's event enables (ICH9 data sheet, PM1_EN; OVMF
    /// puts it at 0x602).
    void power_button() {
        const auto text = qmp_.monitor("i /h 0x602");
        const auto equals = text.find("= ");
        const auto enabled =
            equals == std::string::npos ? 0 : std::strtoul(text.c_str() + equals + 2, nullptr, 16);
        if (setup_.config.get_bool("acpi_tables", false) && enabled != 0 && enabled != 0xffff) {
            qmp_.call(R"({"execute":"system_powerdown"})");
            return;
        }
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
        write_back();
        await_released_zvols();
        signal(SIGTERM, SIG_DFL);
        sigset_t term;
        sigemptyset(&term);
        sigaddset(&term, SIGTERM);
        raise(SIGTERM);
        sigprocmask(SIG_UNBLOCK, &term, nullptr);
    }

    void answer() {
        const Fd client(accept4(control_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!client)
            return;
        timeval limit{1, 0};
        setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        char question[64] = {};
        if (recv(client.get(), question, sizeof question - 1, 0) <= 0)
            return;
        const auto text = reply(question);
        send(client.get(), text.data(), text.size(), MSG_NOSIGNAL);
    }

    std::string reply(const std::string& question) {
        if (question == "nmi") {
            qmp_.call(R"({"execute":"inject-nmi"})");
            return "0";
        }
        if (question.starts_with("stats "))
            return statistics(std::atoi(question.c_str() + 6));
        if (question == "cpus")
            return std::to_string(cpus_);
        if (forced_)
            return std::to_string(37); // EALREADY as FreeBSD counts
        if (question == "reset")
            forced_ = 0;
        else if (question == "poweroff")
            forced_ = 1;
        else if (question == "destroy")
            forced_ = destroyed();
        qmp_.call(R"({"execute":"quit"})");
        return "0";
    }

    /// The VM goes away below bhyve. What 14 does was not seen; 15's vmexit.c has a case of its own for it.
    int destroyed() const {
        if (setup_.release >= 1400)
            return 4;
        print_error("vm_run error -1, errno 6");
        return 1;
    }

    /// Times are those of QEMU's process, shared out evenly, in ticks of a clock of 1 GHz.
    std::string statistics(int cpu) const {
        const auto stat = file_text(fmt::format("/proc/{}/stat", pid_));
        std::istringstream fields(stat.substr(stat.rfind(')') + 2));
        std::string skipped;
        for (int field = 3; field < 14; ++field)
            fields >> skipped;
        std::uint64_t user = 0, system = 0, resident = 0;
        fields >> user >> system;
        std::istringstream(file_text(fmt::format("/proc/{}/statm", pid_))) >> skipped >> resident;
        const auto ticks =
            (user + system) * (1'000'000'000 / static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK)));
        std::string text;
        const auto line = [&](const char* name, std::uint64_t value) {
            text += fmt::format("{:<40}\t{}\n", name, value);
        };
        if (cpu == 0) {
            line("Resident memory", std::min(resident * 4096, memory_));
            line("Wired memory", setup_.config.get_bool("memory.wired", false) ? memory_ : 0);
        }
        line("vcpu total runtime", ticks / static_cast<std::uint64_t>(cpus_));
        return text;
    }

    void pin(const std::vector<std::vector<int>>& pins) {
        std::string answer;
        for (std::size_t vcpu = 0; vcpu < pins.size(); ++vcpu) {
            if (pins[vcpu].empty())
                continue;
            if (answer.empty())
                answer = qmp_.call(R"({"execute":"query-cpus-fast"})").value_or("");
            const auto key = answer.find(fmt::format("\"cpu-index\": {},", vcpu));
            // Each processor's member "thread-id" stands in the same object, before or behind the index.
            const auto begin = key == std::string::npos ? key : answer.rfind("{\"thread-id\"", key);
            if (begin == std::string::npos)
                continue;
            cpu_set_t set;
            CPU_ZERO(&set);
            for (const int cpu : pins[vcpu])
                CPU_SET(static_cast<std::size_t>(cpu), &set);
            sched_setaffinity(std::atoi(json_member(answer.substr(begin), "thread-id").c_str()), sizeof set,
                              &set);
        }
    }

    const Setup& setup_;
    int cpus_;
    std::uint64_t memory_;
    Qmp qmp_;
    Fd control_;
    pid_t pid_{-1};
    std::string reason_;
    std::optional<int> forced_;
};

int most_cpus() {
    const auto tunable = loader_variable("hw.vmm.maxcpu");
    return tunable.empty() ? static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)) : std::atoi(tunable.c_str());
}

/// bhyverun.c, main(), in its order.
int run(const Arguments& arguments, int release) {
    Config config = parse_command_line(arguments, release);
    const auto name = *config.get("name");
    const auto cpus = topology(config);
    const auto pins = pinning(config, cpus.cpus);
    const auto memory = memory_size(config);

    // libvmmapi of 15 loads the module by itself.
    if (!module_loaded("vmm") && (release < 1500 || load_module("vmm") != 0)) {
        print_error("vm_create: " + freebsd_error(ENOENT));
        return 4;
    }
    const bool boot_rom = config.get(release >= 1500 ? "bootrom" : "lpc.bootrom").has_value();
    VmObject vm = VmObject::open_to_run(name, boot_rom, release);
    if (cpus.cpus > most_cpus())
        bhyve_errx(ex_oserr, "vm_set_topology");
    vm.set_memory(memory);

    Setup setup{config, release, name, vm.state(), {}, {}, {}, {}, {}, false, false, {}};
    try {
        if (!load_bootrom(setup)) {
            if (release >= 1500)
                return 4;
            throw DeviceFailure{errno};
        }
        init_pci(setup);
    } catch (const DeviceFailure& failure) {
        print_error(fmt::format("{}evice emulation initialization error: {}", release >= 1500 ? 'D' : 'd',
                                freebsd_error(failure.error)));
        return 4;
    }
    if (config.find("tpm"))
        throw std::runtime_error("the lab cannot give a guest a TPM");
    Guest guest(setup, cpus, memory, pins);
    setup.inherited.clear();
    set_title("bhyve: " + name);
    const int status = guest.run();
    if (status == 1 && config.get_bool("destroy_on_poweroff", false))
        VmObject::destroy(name);
    return status;
}

} // namespace

int bhyve_main(const Arguments& arguments) {
    try {
        return run(arguments, release_number(release()));
    } catch (const Exit& exit) {
        return exit.status;
    }
}

} // namespace bhype::lab
