#include "hostd/context.h"

#include "host/dnsmasq.h"
#include "host/ifconfig.h"
#include "os/files.h"
#include "os/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <thread>

namespace bhype::hostd {

namespace {

using namespace std::chrono_literals;

std::vector<host::Interface> interfaces(Context& context) {
    const auto list = host::ifconfig_list();
    return host::parse_ifconfig_list(list, context.command(list));
}

const host::Interface* named(const std::vector<host::Interface>& all, const InterfaceName& name) {
    const auto found = std::ranges::find_if(all, [&](const auto& one) { return one.name == name; });
    return found == all.end() ? nullptr : &*found;
}

bool ours(const host::Interface& interface) {
    return std::ranges::count(interface.groups, host::interface_group) > 0 &&
           interface.description.starts_with("bhype ");
}

void ifconfig(Context& context, const host::Command& command) {
    host::expect_success(command, context.command(command));
}

InterfaceName make(Context& context, const host::Command& create) {
    const auto output = context.command(create);
    const auto made = host::made_interface(output);
    if (output.exit_status != 0 && made)
        context.command(host::ifconfig_destroy(*made)); // it stays half made otherwise
    host::expect_success(create, output);
    if (!made)
        host::unexpected(create.program, "the new interface's name", output.out);
    return *made;
}

/// Directory and name.
std::pair<std::string, std::string> split(const HostPath& path) {
    const auto slash = path.str().rfind('/');
    return {path.str().substr(0, slash), path.str().substr(slash + 1)};
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

BHYPE_PERFORM(InterfaceList) {
    static_cast<void>(operation);
    return interfaces(context);
}

BHYPE_PERFORM(BridgeEnsure) {
    const auto name = host::bridge_name(operation.switch_);
    auto all = interfaces(context);
    const auto* bridge = named(all, name);
    if (bridge && !ours(*bridge))
        throw Error(Code::policy, name.str() + " is not bHype's");
    if (!bridge) {
        ifconfig(context, host::ifconfig_create_bridge(operation.switch_));
        all = interfaces(context);
        bridge = named(all, name);
    }
    if (!bridge)
        throw Error(Code::command_failed, name.str() + " did not appear");
    for (const auto& address : bridge->inet)
        if (const auto prefix = Ipv4Prefix::parse(address); prefix && prefix != operation.address)
            ifconfig(context, host::ifconfig_remove_address(name, *prefix));
    if (operation.address && std::ranges::count(bridge->inet, operation.address->str()) == 0)
        ifconfig(context, host::ifconfig_add_address(name, *operation.address));
    if (!bridge->up)
        ifconfig(context, host::ifconfig_up(name));
    return {};
}

BHYPE_PERFORM(TapCreate) {
    const auto bridge_name = host::bridge_name(operation.switch_);
    const auto all = interfaces(context);
    const auto* bridge = named(all, bridge_name);
    if (!bridge || !ours(*bridge))
        throw Error(Code::vm_no_switch, "there is no bridge " + bridge_name.str() + " of switch " +
                                            operation.switch_.str() +
                                            "; bHype makes it again in a few seconds");
    const auto description = host::tap_description(operation.vm, operation.nic);
    const auto found = std::ranges::find_if(
        all, [&](const auto& one) { return one.description == description && ours(one); });
    const bool exists = found != all.end();
    const auto tap =
        exists ? found->name : make(context, host::ifconfig_create_tap(operation.vm, operation.nic));
    try {
        if (bridge->mtu > 0 && (!exists || found->mtu != bridge->mtu))
            ifconfig(context, host::ifconfig_mtu(tap, bridge->mtu));
        for (const auto& other : all)
            if (exists && other.name != bridge_name && ours(other) &&
                std::ranges::count(other.members, tap.str()) > 0)
                ifconfig(context, host::ifconfig_remove_member(other.name, tap));
        if (std::ranges::count(bridge->members, tap.str()) == 0)
            ifconfig(context, host::ifconfig_add_member(bridge_name, tap));
        ifconfig(context, host::ifconfig_up(tap));
    } catch (...) {
        if (!exists)
            context.command(host::ifconfig_destroy(tap));
        throw;
    }
    return {tap};
}

BHYPE_PERFORM(TapsRemove) {
    if (context.house.guests.alive(operation.vm))
        throw Error(Code::vm_running, operation.vm.str());
    const auto prefix = "bhype vm/" + operation.vm.str() + "/";
    for (const auto& interface : interfaces(context))
        if (ours(interface) && interface.description.starts_with(prefix) &&
            interface.name.str().starts_with("tap"))
            ifconfig(context, host::ifconfig_destroy(interface.name));
    return {};
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

BHYPE_PERFORM(DhcpEnsure) {
    const host::DnsmasqFiles files;
    for (const auto* path : {&files.configuration, &files.leases}) {
        const auto directory = split(*path).first;
        if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST)
            throw Error(Code::command_failed, directory);
    }
    const auto text = host::dnsmasq_configuration(operation.ranges, files);
    const auto [directory_name, file] = split(files.configuration);
    const Fd directory = os::open_directory(directory_name);
    const bool same = os::read_file(directory.get(), file, 1 << 20) == text;
    if (!same)
        os::write_file(directory.get(), file, text, 0644);
    const auto test = host::dnsmasq_test(files);
    host::expect_success(test, context.command(test));

    const auto running = dnsmasq_running(files);
    if (running && same)
        return {};
    if (running) {
        ::kill(running, SIGTERM);
        for (int tries = 0; tries < 100 && os::process_id(running); ++tries)
            std::this_thread::sleep_for(20ms);
    }
    const auto start = host::dnsmasq_start(files);
    host::expect_success(start, context.command(start));
    return {};
}

} // namespace bhype::hostd
