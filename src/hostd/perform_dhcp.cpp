#include "hostd/context.h"

#include "base/log.h"
#include "host/sockstat.h"
#include "os/files.h"
#include "os/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

namespace bhype::hostd {

namespace {

using namespace std::chrono_literals;

/// Directory and name.
std::pair<std::string, std::string> split(const HostPath& path) {
    const auto slash = path.str().rfind('/');
    return {path.str().substr(0, slash), path.str().substr(slash + 1)};
}

/// True when it was something else before.
bool write_if_new(const HostPath& path, const std::string& text) {
    const auto [directory_name, file] = split(path);
    const Fd directory = os::open_directory(directory_name);
    if (os::read_file(directory.get(), file, 1 << 24) == text)
        return false;
    os::write_file(directory.get(), file, text, 0644);
    return true;
}

void end(pid_t running) {
    ::kill(running, SIGTERM);
    for (int tries = 0; tries < 100 && os::process_id(running); ++tries)
        std::this_thread::sleep_for(20ms);
}

/// dnsmasq(8), "EXIT CODES": 2 is a problem with network access, of which a taken port is the likely one.
constexpr int exit_network = 2;

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

BHYPE_PERFORM(DhcpPorts) {
    static_cast<void>(operation);
    const auto list = host::sockstat_dhcp();
    auto found = host::parse_sockstat(list, context.command(list));
    const auto own = dnsmasq_running({});
    std::erase_if(found, [&](const host::Listener& one) { return own != 0 && one.pid == own; });
    return found;
}

BHYPE_PERFORM(DhcpEnsure) {
    const std::lock_guard lock(context.house.dhcp.mutex);
    const host::DnsmasqFiles files;
    const auto running = dnsmasq_running(files);
    if (operation.ranges.empty()) {
        if (running)
            end(running);
        return {};
    }
    for (const auto* path : {&files.configuration, &files.leases}) {
        const auto directory = split(*path).first;
        if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST)
            throw Error(Code::command_failed, directory);
    }
    const auto configuration = host::dnsmasq_configuration(operation.ranges, files);
    const auto hosts = host::dnsmasq_hosts(operation.hosts);
    const bool new_hosts = write_if_new(files.hosts, hosts);
    const bool new_configuration = write_if_new(files.configuration, configuration);
    if (running && !new_configuration) {
        if (new_hosts)
            ::kill(running, SIGHUP);
        return {};
    }
    const auto test = host::dnsmasq_test(files);
    host::expect_success(test, context.command(test));
    if (running)
        end(running);
    const auto start = host::dnsmasq_start(files);
    if (!running && ::access(files.pid.str().c_str(), F_OK) == 0)
        log::warning("dnsmasq had ended by itself; it is started again"); // a boot empties that folder
    const auto output = context.command(start);
    if (output.exit_status == exit_network)
        throw Error(Code::port_taken, host::failure_detail(start, output));
    host::expect_success(start, output);
    return {};
}

} // namespace bhype::hostd
