#include "lab/bhyve/options.h"

#include "lab/bhyve/failure.h"
#include "lab/bhyve/legacy.h"
#include "lab/bhyve/tables.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <limits>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

constexpr int cpu_setsize = 1024; // sys/_cpuset.h; 256 on 13.2

[[noreturn]] void usage(int status, int release) {
    std::cerr << usage_text(release);
    throw Exit{status};
}

bool parse_topology(Config& config, const std::string& argument) {
    if (argument.empty()) {
        for (const char* key : {"sockets", "cores", "threads", "cpus"})
            config.set(key, "1");
        return true;
    }
    for (std::size_t at = 0; at <= argument.size();) {
        const auto comma = std::min(argument.find(',', at), argument.size());
        const auto word = argument.substr(at, comma - at);
        const auto equals = word.find('=');
        at = comma + 1;
        if (equals == std::string::npos) {
            config.set("cpus", word);
            continue;
        }
        const auto key = word.substr(0, equals);
        if (key != "cpus" && key != "sockets" && key != "cores" && key != "threads")
            return false;
        config.set(key, word.substr(equals + 1));
    }
    return true;
}

bool parse_pin(Config& config, const std::string& argument) {
    int vcpu = 0, host = 0;
    if (std::sscanf(argument.c_str(), "%d:%d", &vcpu, &host) != 2) {
        print_error("invalid format: " + argument);
        return false;
    }
    if (vcpu < 0) {
        print_error(fmt::format("invalid vcpu '{}'", vcpu));
        return false;
    }
    if (host < 0 || host >= cpu_setsize) {
        print_error(fmt::format("hostcpu '{}' outside valid range from 0 to {}", host, cpu_setsize - 1));
        return false;
    }
    const auto key = fmt::format("vcpu.{}.cpuset", vcpu);
    const auto old = config.get(key);
    config.set(key, old ? fmt::format("{},{}", *old, host) : std::to_string(host));
    return true;
}

void parse_gdb(Config& config, std::string argument) {
    if (argument.starts_with('w')) {
        config.set("gdb.wait", "true");
        argument.erase(0, 1);
    }
    const auto colon = argument.rfind(':');
    if (colon != std::string::npos)
        config.set("gdb.address", argument.substr(0, colon));
    config.set("gdb.port", colon == std::string::npos ? argument : argument.substr(colon + 1));
}

bool parse_fwcfg(const std::string& argument) {
    const auto comma = argument.find(',');
    const auto value = comma == std::string::npos ? "" : argument.substr(comma + 1);
    if (!value.starts_with("string=") && !value.starts_with("file=")) {
        bhyve_warnx(fmt::format("Invalid fw_cfg option \"{}\"", argument));
        return false;
    }
    // Only the emulated firmware interface of QEMU's own would carry it, which bhyve has with lpc.fwcfg=qemu
    // alone.
    throw std::runtime_error("the lab cannot give files to the firmware (-f)");
}

/// "help" may be cut short, as bhyve compares only as much as was given.
bool asks_for_help(const std::string& argument) {
    return std::string_view("help").starts_with(argument);
}

template <typename Rows>
[[noreturn]] void print_names(const Rows& rows, int release) {
    for (const auto& row : rows)
        if (row.releases.contains(release))
            std::cout << row.name << '\n';
    throw Exit{0};
}

void apply(Config& config, char letter, const std::string& argument, int release) {
    const auto refuse = [&](const char* what) {
        bhyve_errx(ex_usage, fmt::format("invalid {} '{}'", what, argument));
    };
    switch (letter) {
    case 'A':
        if (release < 1500)
            config.set("acpi_tables", "true");
        break;
    case 'a':
    case 'x':
        config.set("x86.x2apic", letter == 'x' ? "true" : "false");
        break;
    case 'C':
        config.set("memory.guest_in_core", "true");
        break;
    case 'c':
        if (!parse_topology(config, argument))
            refuse("cpu topology");
        break;
    case 'D':
        config.set("destroy_on_poweroff", "true");
        break;
    case 'e':
        config.set("x86.strictio", "true");
        break;
    case 'f':
        if (!parse_fwcfg(argument))
            refuse("fwcfg item");
        break;
    case 'G':
        parse_gdb(config, argument);
        break;
    case 'H':
        config.set("x86.vmexit_on_hlt", "true");
        break;
    case 'h':
        usage(0, release);
    case 'I':
        break;
    case 'k':
        config.load_file(argument);
        break;
    case 'K':
        config.set("keyboard.layout", argument);
        break;
    case 'l':
        if (asks_for_help(argument))
            print_names(lpc_rows(), release);
        if (!parse_lpc(config, argument, release))
            refuse("lpc device configuration");
        break;
    case 'm':
        config.set("memory.size", argument);
        break;
    case 'n':
        throw std::runtime_error("the lab cannot emulate NUMA domains (-n)");
    case 'o':
        if (!config.set_option(argument))
            refuse("configuration option");
        break;
    case 'P':
        config.set("x86.vmexit_on_pause", "true");
        break;
    case 'p':
        if (!parse_pin(config, argument))
            refuse("vcpu pinning configuration");
        break;
    case 'S':
        config.set("memory.wired", "true");
        break;
    case 's':
        if (asks_for_help(argument))
            print_names(device_rows(), release);
        if (!parse_slot(config, argument, release))
            throw Exit{4};
        break;
    case 'U':
        config.set("uuid", argument);
        break;
    case 'u':
        config.set("rtc.use_localtime", "false");
        break;
    case 'W':
        config.set("virtio_msix", "false");
        break;
    case 'w':
        config.set("x86.strictmsr", "false");
        break;
    case 'Y':
        config.set("x86.mptable", "false");
        break;
    default:
        throw std::logic_error(fmt::format("option -{} is in the table only", letter));
    }
}

const OptionRow* find_option(char letter, int release) {
    for (const OptionRow& row : option_rows())
        if (row.letter == letter && row.releases.contains(release))
            return &row;
    return nullptr;
}

/// getopt(3) as in FreeBSD's libc: stops at the first word that is no option. Returns where the operands
/// begin.
std::size_t parse_options(Config& config, const std::vector<std::string>& arguments, int release) {
    std::size_t at = 0;
    for (; at < arguments.size(); ++at) {
        const auto& word = arguments[at];
        if (word.size() < 2 || word[0] != '-')
            return at;
        if (word == "--")
            return at + 1;
        for (std::size_t i = 1; i < word.size(); ++i) {
            const OptionRow* row = find_option(word[i], release);
            if (!row) {
                print_error(fmt::format("bhyve: illegal option -- {}", word[i]));
                usage(1, release);
            }
            if (!row->argument) {
                apply(config, row->letter, "", release);
                continue;
            }
            if (i + 1 == word.size() && at + 1 == arguments.size()) {
                print_error(fmt::format("bhyve: option requires an argument -- {}", word[i]));
                usage(1, release);
            }
            apply(config, row->letter, i + 1 < word.size() ? word.substr(i + 1) : arguments[++at], release);
            break;
        }
    }
    return at;
}

int number(const char* key, const std::string& value) {
    char* end = nullptr;
    errno = 0;
    const long result = std::strtol(value.c_str(), &end, 0);
    if (errno != 0 || *end != '\0' || end == value.c_str() || result < 1 || result > 65535)
        bhyve_errx(4, fmt::format("Invalid value for {}: '{}'", key, value));
    return static_cast<int>(result);
}

/// expand_number(3).
bool expand_number(const std::string& text, std::uint64_t& result) {
    char* end = nullptr;
    errno = 0;
    result = std::strtoull(text.c_str(), &end, 0);
    if (end == text.c_str() || errno != 0)
        return false;
    const std::string_view rest(end);
    if (rest.empty())
        return true;
    const auto power = std::string_view("bkmgtpe").find(static_cast<char>(rest[0] | 0x20));
    const bool tail = rest.size() == 1 || (rest.size() == 2 && (rest[1] | 0x20) == 'b');
    if (power == std::string_view::npos || !tail)
        return false;
    const auto shift = 10 * power;
    if (shift && result > std::numeric_limits<std::uint64_t>::max() >> shift)
        return false;
    result <<= shift;
    return true;
}

} // namespace

std::string usage_text(int release) {
    std::string text =
        fmt::format("Usage: bhyve [-{}aCDeHhPSuWwxY]\n"
                    "             [-c [[cpus=]numcpus][,sockets=n][,cores=n][,threads=n]]\n"
                    "             [-G port] [-k config_file] [-l lpc] [-m mem] [-o var=value]\n"
                    "             [-p vcpu:hostcpu] [-r file] [-s pci] [-U uuid] vmname\n",
                    release < 1500 ? "A" : "");
    for (const OptionRow& row : option_rows())
        if (!row.usage.empty() && row.releases.contains(release))
            text += fmt::format("       {}\n", row.usage);
    return text;
}

Config parse_command_line(const std::vector<std::string>& arguments, int release) {
    Config config;
    config.set("acpi_tables", release >= 1500 ? "true" : "false");
    if (release >= 1500)
        config.set("acpi_tables_in_memory", "true");
    config.set("memory.size", "256M");
    config.set("x86.strictmsr", "true");
    if (release >= 1500)
        config.set("x86.verbosemsr", "false");
    if (release >= 1400)
        config.set("lpc.fwcfg", "bhyve");
    const auto operands = parse_options(config, arguments, release);
    if (release >= 1500) {
        for (const std::string key : {"bootrom", "bootvars"}) {
            const auto old = config.get("lpc." + key);
            if (old && !config.get(key)) {
                bhyve_warnx(fmt::format("lpc.{0} is deprecated, use '-o {0}' instead", key));
                config.set(key, *old);
            }
        }
    }
    if (arguments.size() > operands + 1)
        usage(1, release);
    if (arguments.size() == operands + 1)
        config.set("name", arguments[operands]);
    if (!config.get("name"))
        usage(1, release);
    if (config.get_bool("config.dump", false)) {
        config.dump(std::cout);
        throw Exit{1};
    }
    return config;
}

Topology topology(const Config& config) {
    const auto value = [&](const char* key, int fallback) {
        const auto text = config.get(key);
        return text ? number(key, *text) : fallback;
    };
    Topology result{};
    result.cpus = value("cpus", 1);
    result.cores = value("cores", 1);
    result.threads = value("threads", 1);
    result.sockets = value("sockets", result.cpus);
    const auto product = std::uint64_t(result.sockets) * unsigned(result.cores) * unsigned(result.threads);
    if (product > 65535)
        bhyve_errx(4, fmt::format("Computed number of vCPUs too high: {}", product));
    if (config.get("cpus") && product != unsigned(result.cpus))
        bhyve_errx(4, fmt::format("Topology ({} sockets, {} cores, {} threads) does not match {} vCPUs",
                                  result.sockets, result.cores, result.threads, result.cpus));
    result.cpus = static_cast<int>(product);
    return result;
}

std::vector<std::vector<int>> pinning(const Config& config, int cpus) {
    std::vector<std::vector<int>> result(static_cast<std::size_t>(cpus));
    for (int vcpu = 0; vcpu < cpus; ++vcpu) {
        const auto list = config.get(fmt::format("vcpu.{}.cpuset", vcpu));
        if (!list)
            continue;
        const auto invalid = [&] {
            bhyve_errx(4, fmt::format("invalid cpuset for vcpu {}: '{}'", vcpu, *list));
        };
        auto& set = result[static_cast<std::size_t>(vcpu)];
        long start = -1;
        for (const char* token = list->c_str();;) {
            char* end = nullptr;
            const long host = std::strtol(token, &end, 0);
            if (end == token)
                invalid();
            if (host < 0 || host >= cpu_setsize)
                bhyve_errx(
                    4, fmt::format("hostcpu '{}' outside valid range from 0 to {}", host, cpu_setsize - 1));
            if (*end == '-' && start < 0) {
                start = host;
            } else if (*end == ',' || *end == '\0') {
                if (start > host)
                    bhyve_errx(4, fmt::format("Invalid hostcpu range {}-{}", start, host));
                for (long cpu = start < 0 ? host : start; cpu <= host; ++cpu)
                    set.push_back(static_cast<int>(cpu));
                start = -1;
            } else {
                invalid();
            }
            if (*end == '\0')
                break;
            token = end + 1;
        }
    }
    return result;
}

std::uint64_t memory_size(const Config& config) {
    constexpr std::uint64_t mib = 1024 * 1024;
    const auto text = config.get("memory.size").value_or("");
    char* end = nullptr;
    std::uint64_t size = std::strtoull(text.c_str(), &end, 0);
    if (!text.empty() && *end == '\0')
        return size < mib ? size * mib : size; // small numbers are megabytes, by history
    if (!expand_number(text, size))
        bhyve_errx(ex_usage, fmt::format("invalid memsize '{}'", text));
    return size;
}

} // namespace bhype::lab
