#include "hostd/context.h"

#include "base/log.h"
#include "host/ifconfig.h"
#include "host/sockstat.h"
#include "os/files.h"
#include "os/process.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

namespace bhype::hostd {

namespace {

using namespace std::chrono_literals;

/// Directory and name.
std::pair<std::string, std::string> split(const HostPath& path) {
    const auto slash = path.str().rfind('/');
    return {path.str().substr(0, slash), path.str().substr(slash + 1)};
}

bool is_text_of(const HostPath& path, const std::string& text) {
    const auto [directory_name, file] = split(path);
    return os::read_file(os::open_directory(directory_name).get(), file, 1 << 24) == text;
}

void write(const HostPath& path, const std::string& text) {
    const auto [directory_name, file] = split(path);
    os::write_file(os::open_directory(directory_name).get(), file, text, 0644);
}

HostPath beside(const HostPath& path, const char* suffix) {
    return HostPath::from(path.str() + suffix);
}

void end(pid_t running, const host::DnsmasqFiles& files) {
    ::kill(running, SIGTERM);
    for (int tries = 0; tries < 100 && os::process_id(running); ++tries)
        std::this_thread::sleep_for(20ms);
    ::unlink(files.pid.str().c_str()); // one that stays behind is that of a dnsmasq that ended by itself
}

/// Who else listens there.
std::vector<host::Listener> strangers(Context& context, const std::vector<Ranged<1, 65535>>& ports) {
    const auto list = host::sockstat_listening(ports);
    auto found = host::parse_sockstat(list, context.command(list));
    const auto own = dnsmasq_running({});
    std::erase_if(found, [&](const host::Listener& one) { return own != 0 && one.pid == own; });
    return found;
}

/// dnsmasq(8), "EXIT CODES": 2 is a problem with network access.
constexpr int exit_network = 2;
constexpr auto taken = "Address already in use";
/// For a dnsmasq that has no pid file yet, or no longer, and still holds its sockets: a hostd that was killed
/// left it so.
constexpr auto patience = 5s;

host::DnsmasqFiles prepare() {
    host::DnsmasqFiles files;
    for (const auto* path : {&files.configuration, &files.leases})
        os::make_directory(split(*path).first, 0755);
    return files;
}

/// "named (process 812) has udp4 10.77.0.1:53"
std::string told(const host::Listener& one) {
    return fmt::format("{} (process {}) has {} {}:{}", one.command, one.pid, one.protocol, one.address,
                       one.port);
}

/// Takes out what cannot be served while others have its ports, and says who. A dnsmasq is left to be found
/// out by trying: it may be bHype's, lost sight of, and ends soon.
std::string set_aside(Context& context, std::vector<host::DhcpRange>& ranges) {
    auto found = strangers(context, {{53}, {67}});
    std::erase_if(found, [](const host::Listener& one) { return one.command == "dnsmasq"; });
    for (const auto& one : found)
        if (one.port == 67 && std::ranges::any_of(ranges, [&](const host::DhcpRange& range) {
                return host::keeps_from(one, range);
            })) {
            ranges.clear();
            return "no switch has DHCP: " + told(one);
        }
    std::string refused;
    for (const auto& one : found)
        std::erase_if(ranges, [&](const host::DhcpRange& range) {
            const bool out = host::keeps_from(one, range);
            if (out)
                refused += fmt::format("{}switch {} has no DHCP and names: {}", refused.empty() ? "" : "; ",
                                       range.switch_.str(), told(one));
            return out;
        });
    return refused;
}

/// dnsmasq ends when one of its interfaces is not there.
std::vector<host::DhcpRange> on_bridges(const std::vector<host::DhcpRange>& wanted) {
    auto ranges = wanted;
    std::erase_if(ranges, [](const host::DhcpRange& range) {
        return ::if_nametoindex(host::bridge_name(range.switch_).str().c_str()) == 0;
    });
    return ranges;
}

} // namespace

pid_t dnsmasq_running(const host::DnsmasqFiles& files) {
    const auto [directory_name, file] = split(files.pid);
    std::optional<std::string> text;
    try {
        text = os::read_file(os::open_directory(directory_name).get(), file, 64);
    } catch (const Error& error) {
        if (error.code() != Code::vm_file_missing)
            throw;
    }
    const auto pid = text ? static_cast<pid_t>(std::atoi(text->c_str())) : 0;
    return pid > 1 && os::process_title(pid).find("dnsmasq") != std::string::npos ? pid : 0;
}

BHYPE_PERFORM(LeaseList) {
    static_cast<void>(operation);
    static_cast<void>(context);
    const host::DnsmasqFiles files;
    const auto [directory_name, file] = split(files.leases);
    try {
        const Fd directory = os::open_directory(directory_name);
        const auto text = os::read_file(directory.get(), file, 4 << 20);
        return text ? host::parse_leases(*text) : std::vector<host::Lease>{};
    } catch (const Error& error) {
        if (error.code() == Code::vm_file_missing)
            return {};
        throw;
    }
}

BHYPE_PERFORM(PortList) {
    // Not while one dnsmasq follows another: the one without a pid file would be taken for somebody else's.
    const std::lock_guard lock(context.house.dhcp.mutex);
    return strangers(context, operation.ports);
}

BHYPE_PERFORM(DhcpTest) {
    const auto configuration = host::dnsmasq_configuration({operation.range}, {});
    const auto test = host::dnsmasq_test(configuration);
    return {host::dnsmasq_refusal(test, context.command(test), configuration)};
}

BHYPE_PERFORM(DhcpEnsure) {
    const std::lock_guard lock(context.house.dhcp.mutex);
    const auto files = prepare();
    if (!operation.ranges.empty())
        host::dnsmasq_configuration(operation.ranges,
                                    files); // refuses what is wrong, whatever bridges there are
    const auto hosts = host::dnsmasq_hosts(operation.hosts);
    // A file that says that the running dnsmasq has not been told yet: so that a kill in the middle loses
    // nothing.
    const auto untold = beside(files.hosts, ".untold");
    if (!is_text_of(files.hosts, hosts)) {
        write(untold, "");
        write(files.hosts, hosts);
    }
    host::DhcpEnsureResult result;
    const auto patient_until = std::chrono::steady_clock::now() + patience;
    while (true) {
        const auto running = dnsmasq_running(files);
        auto ranges = on_bridges(operation.ranges);
        if (ranges.empty()) {
            if (running)
                end(running, files);
            return result;
        }
        const auto serves = [&](const std::string& text) {
            if (!running || !is_text_of(files.configuration, text))
                return false;
            if (::access(untold.str().c_str(), F_OK) == 0 && ::kill(running, SIGHUP) == 0)
                ::unlink(untold.str().c_str());
            return true;
        };
        auto configuration = host::dnsmasq_configuration(ranges, files);
        if (serves(configuration))
            return result;
        result.refused = set_aside(context, ranges);
        if (ranges.empty())
            return result;
        configuration = host::dnsmasq_configuration(ranges, files);
        if (serves(configuration))
            return result;
        const auto test = host::dnsmasq_test(configuration);
        const auto tested = context.command(test);
        if (const auto refusal = host::dnsmasq_refusal(test, tested, configuration); !refusal.empty())
            throw Error(Code::command_failed, "dnsmasq: " + refusal);
        // A boot empties the pid file's folder.
        if (!running && ::unlink(files.pid.str().c_str()) == 0) {
            result.had_ended = true;
            log::warning("dnsmasq had ended by itself; it is started again");
        }
        // Ended before the file is in its place: what runs has always read what is there.
        if (running)
            end(running, files);
        write(files.configuration, configuration);
        ::unlink(untold.str().c_str());
        const auto start = host::dnsmasq_start(files);
        const auto output = context.command(start);
        const bool late = std::chrono::steady_clock::now() > patient_until;
        if (output.exit_status != exit_network || late) {
            if (output.exit_status == exit_network && output.err.find(taken) != std::string::npos)
                throw Error(Code::port_taken, host::failure_detail(start, output));
            host::expect_success(start, output);
            return result;
        }
        ::unlink(files.configuration.str().c_str()); // so that one that appears is not taken for this one
        std::this_thread::sleep_for(200ms);
    }
}

} // namespace bhype::hostd
