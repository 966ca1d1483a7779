#include "lab/bhyve/control.h"
#include "lab/bhyve/failure.h"
#include "lab/bhyve/tables.h"
#include "lab/bhyve/vmm.h"
#include "lab/commands/modules.h"
#include "lab/core/command.h"

#include <cerrno>
#include <cstring>
#include <iostream>
#include <map>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>

namespace bhype::lab {

int bhyvectl_main(const Arguments& arguments);

namespace {

struct Option {
    std::string_view name;
    std::string_view argument; ///< what the usage calls its argument; empty: it has none
    bool able;                 ///< whether the lab has it
};

// usr.sbin/bhyvectl/bhyvectl.c, setup_options(), without those of BHYVE_SNAPSHOT. bhyvectl has some eighty
// more that read and write registers of amd64's virtual machine control structures: there are none here.
constexpr Option options[] = {
    {"vm", "vmname", true},
    {"cpu", "vcpu_number", true},
    {"set-mem", "memory in units of MB", false},
    {"capname", "capname", false},
    {"setcap", "0|1", false},
    {"getcap", "", false},
    {"get-stats", "", true},
    {"get-memmap", "", false},
    {"get-memseg", "", false},
    {"get-all", "", false},
    {"run", "", false},
    {"create", "", true},
    {"destroy", "", true},
    {"force-reset", "", true},
    {"force-poweroff", "", true},
    {"get-active-cpus", "", true},
    {"get-debug-cpus", "", false},
    {"get-suspended-cpus", "", true},
    {"get-cpu-topology", "", false},
    {"inject-nmi", "", true},
    {"unassign-pptdev", "bus/slot/func", false},
};

[[noreturn]] void usage() {
    std::cerr << "Usage: bhyvectl --vm=<vmname>\n";
    for (const Option& option : options)
        if (option.name != "vm")
            std::cerr << (option.argument.empty()
                              ? fmt::format("       [--{}]\n", option.name)
                              : fmt::format("       [--{}=<{}>]\n", option.name, option.argument));
    throw Exit{1};
}

std::map<std::string_view, std::string> parse(const Arguments& arguments) {
    std::map<std::string_view, std::string> given;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const auto& word = arguments[i];
        if (word == "--")
            break;
        if (!word.starts_with("--")) {
            if (word.size() > 1 && word[0] == '-') {
                print_error(fmt::format("bhyvectl: illegal option -- {}", word[1]));
                usage();
            }
            break;
        }
        const auto equals = word.find('=');
        const auto name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
        const Option* found = nullptr;
        for (const Option& option : options)
            if (option.name == name)
                found = &option;
        if (!found) {
            print_error(fmt::format("bhyvectl: unrecognized option `--{}'", name));
            usage();
        }
        if (found->argument.empty() && equals != std::string::npos) {
            print_error(fmt::format("bhyvectl: option doesn't take an argument -- {}", name));
            usage();
        }
        if (!found->argument.empty() && equals == std::string::npos && i + 1 == arguments.size()) {
            print_error(fmt::format("bhyvectl: option requires an argument -- {}", name));
            usage();
        }
        given[found->name] = found->argument.empty()       ? ""
                             : equals != std::string::npos ? word.substr(equals + 1)
                                                           : arguments[++i];
    }
    return given;
}

/// An action's errno, as FreeBSD counts.
int act(const std::string& name, const char* question) {
    if (const auto answer = ask_bhyve(name, question))
        return std::atoi(answer->c_str());
    return VmObject::suspend(name) == 0 ? 0 : 37;
}

void print_cpus(const char* banner, int count) {
    std::cout << banner << ":\t";
    for (int cpu = 0; cpu < count; ++cpu)
        std::cout << (cpu ? ", " : " ") << cpu;
    std::cout << (count ? "\n" : " (none)\n");
}

int run(const Arguments& arguments, int release) {
    const auto given = parse(arguments);
    const auto has = [&](const char* name) { return given.contains(name); };
    if (!has("vm"))
        usage();
    const auto& name = given.at("vm");
    if (release >= 1500 && has("create") + has("destroy") + has("force-reset") + has("force-poweroff") > 1) {
        print_error("mutually exclusive actions specified");
        return 1;
    }
    if (!module_loaded("vmm") || (!VmObject::exists(name) && !has("create"))) {
        if (release < 1500)
            std::cout << "VM:" << name << " is not created.\n";
        else
            print_error(fmt::format("vm_open: {} could not be opened: {}", name, freebsd_error(ENOENT)));
        return 1;
    }
    for (const Option& option : options)
        if (given.contains(option.name) && !option.able)
            throw std::runtime_error(fmt::format("the lab has no --{}", option.name));
    if (has("create"))
        throw std::runtime_error("the lab makes VMs by bhyve only");

    const auto cpu = has("cpu") ? std::atoi(given.at("cpu").c_str()) : 0;
    int error = 0;
    if (has("inject-nmi"))
        ask_bhyve(name, "nmi");
    if (has("get-active-cpus") || has("get-suspended-cpus")) {
        const int count = std::atoi(ask_bhyve(name, "cpus").value_or("0").c_str());
        if (has("get-active-cpus"))
            print_cpus("active cpus", count);
        if (has("get-suspended-cpus"))
            print_cpus("suspended cpus", 0);
    }
    if (has("get-stats"))
        std::cout << "vcpu" << cpu << " stats:\n"
                  << ask_bhyve(name, fmt::format("stats {}", cpu)).value_or("");
    if (has("force-reset"))
        error = act(name, "reset");
    if (!error && has("force-poweroff"))
        error = act(name, "poweroff");
    if (error)
        std::cout << "errno = " << error << '\n';
    if (has("destroy")) {
        ask_bhyve(name, "destroy");
        VmObject::destroy(name);
    }
    return error ? 255 : 0;
}

} // namespace

std::optional<std::string> ask_bhyve(const std::string& name, const std::string& question) {
    const Fd socket_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (VmObject::folder(name) / "control").c_str(), sizeof address.sun_path - 1);
    if (connect(socket_fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        return std::nullopt;
    send(socket_fd.get(), question.data(), question.size(), MSG_NOSIGNAL);
    std::string answer;
    char bytes[1024];
    for (ssize_t count; (count = recv(socket_fd.get(), bytes, sizeof bytes, 0)) > 0;)
        answer.append(bytes, static_cast<std::size_t>(count));
    return answer;
}

int bhyvectl_main(const Arguments& arguments) {
    try {
        return run(arguments, release_number(release()));
    } catch (const Exit& exit) {
        return exit.status;
    }
}

} // namespace bhype::lab
