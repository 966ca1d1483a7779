#include "host/ifconfig.h"

#include "host/text.h"

#include <algorithm>
#include <bit>

namespace bhype::host {

namespace {

Command ifconfig(std::vector<std::string> arguments) {
    return {.program = Program::ifconfig,
            .arguments = std::move(arguments),
            .input = std::nullopt,
            .deadline = std::chrono::seconds(20)};
}

/// "bh-nat: flags=1008843<UP,BROADCAST,...> metric 0 mtu 1500"
Interface parse_header(const Command& command, std::string_view line) {
    const auto colon = line.find(": flags=");
    const auto open = line.find('<', colon == line.npos ? 0 : colon);
    const auto close = line.find('>', open == line.npos ? 0 : open);
    const auto mtu = line.find(" mtu ", close == line.npos ? 0 : close);
    if (colon == line.npos || open == line.npos || close == line.npos || mtu == line.npos)
        unexpected(command.program, "an interface with flags and mtu", line);
    Interface found;
    const auto name = InterfaceName::parse(line.substr(0, colon));
    const auto after = words(line.substr(mtu + 5));
    const auto size = after.empty() ? std::nullopt : number<std::int64_t>(after[0]);
    if (!name || !size)
        unexpected(command.program, "a name and an mtu", line);
    found.name = *name;
    found.mtu = *size;
    for (const auto flag : split(line.substr(open + 1, close - open - 1), ','))
        found.up = found.up || flag == "UP";
    return found;
}

/// "options=4e527bb<RXCSUM,TXCSUM>"
std::vector<std::string> flags_of(std::string_view field) {
    const auto open = field.find('<');
    const auto close = field.rfind('>');
    if (open == field.npos || close == field.npos || close <= open + 1)
        return {};
    const auto parts = split(field.substr(open + 1, close - open - 1), ',');
    return {parts.begin(), parts.end()};
}

/// "vlan: 20 vlanproto: 802.1q vlanpcp: 0 parent interface: em0", "<none>" for what is unset
void parse_vlan(Interface& interface, const std::vector<std::string_view>& fields) {
    interface.vlan = number<std::int64_t>(fields[1]).value_or(0);
    if (fields.back() != "<none>" && fields[fields.size() - 2] == "interface:")
        interface.parent = fields.back();
}

/// "inet 10.0.0.1/24 broadcast ..." or, without -f, "inet 10.0.0.1 netmask 0xffffff00 ..."
std::string parse_inet(const Command& command, const std::vector<std::string_view>& fields,
                       std::string_view line) {
    if (fields.size() < 2)
        unexpected(command.program, "an address", line);
    std::string address(fields[1]);
    if (address.find('/') != address.npos)
        return address;
    for (std::size_t i = 2; i + 1 < fields.size(); ++i)
        if (fields[i] == "netmask" && fields[i + 1].starts_with("0x")) {
            std::uint32_t mask = 0;
            const auto digits = fields[i + 1].substr(2);
            std::from_chars(digits.data(), digits.data() + digits.size(), mask, 16);
            return address + '/' + std::to_string(std::popcount(mask));
        }
    unexpected(command.program, "a prefix length or netmask", line);
}

std::string family(std::string_view address) {
    return address.find(':') == address.npos ? "inet" : "inet6";
}

} // namespace

InterfaceName bridge_name(const SwitchName& name) {
    return InterfaceName::from("bh-" + name.str());
}

InterfaceName vlan_name(const SwitchName& name) {
    return InterfaceName::from("bhv-" + name.str());
}

std::string switch_description(const SwitchName& name) {
    return "bhype switch/" + name.str();
}

std::string tap_description(const VmName& vm, const DeviceName& nic) {
    return "bhype vm/" + vm.str() + '/' + nic.str();
}

std::optional<VmName> vm_of_tap(std::string_view description) {
    constexpr std::string_view head = "bhype vm/";
    if (!description.starts_with(head))
        return std::nullopt;
    return VmName::parse(description.substr(head.size(), description.rfind('/') - head.size()));
}

Command ifconfig_list() {
    auto command = ifconfig({"-f", "inet:cidr,inet6:cidr,ether:colon", "-a"});
    command.output_limit = 16 << 20;
    return command;
}

std::vector<Interface> parse_ifconfig_list(const Command& command, const Output& output) {
    expect_success(command, output);
    std::vector<Interface> found;
    each_line(output.out, [&](std::string_view line) {
        if (trimmed(line).empty())
            return;
        if (line[0] != ' ' && line[0] != '\t') {
            found.push_back(parse_header(command, line));
            return;
        }
        if (found.empty())
            unexpected(command.program, "an interface", line);
        auto& interface = found.back();
        const auto fields = words(line);
        if (fields[0] == "ether" && fields.size() >= 2)
            interface.ether = fields[1];
        else if (fields[0] == "description:")
            interface.description = trimmed(trimmed(line).substr(12));
        else if (fields[0] == "groups:")
            interface.groups.assign(fields.begin() + 1, fields.end());
        else if (fields[0] == "member:" && fields.size() >= 2) {
            interface.members.emplace_back(fields[1]);
            if (fields.size() >= 3 && std::ranges::count(flags_of(fields[2]), "PRIVATE") > 0)
                interface.isolated.emplace_back(fields[1]);
        } else if (fields[0] == "inet")
            interface.inet.push_back(parse_inet(command, fields, line));
        else if (fields[0] == "inet6" && fields.size() >= 2)
            interface.inet6.emplace_back(fields[1]);
        else if (fields[0].starts_with("options="))
            interface.options = flags_of(fields[0]);
        else if (fields[0] == "nd6" && fields.size() >= 2)
            interface.nd6 = flags_of(fields[1]);
        else if (fields[0] == "media:")
            interface.media = trimmed(trimmed(line).substr(6));
        else if (fields[0] == "status:")
            interface.carrier = trimmed(line) != "status: no carrier";
        else if (fields[0] == "vlan:" && fields.size() >= 4)
            parse_vlan(interface, fields);
        else if (fields[0] == "laggproto" && fields.size() >= 2)
            interface.laggproto = fields[1];
        else if (fields[0] == "laggport:" && fields.size() >= 2)
            interface.laggports.emplace_back(fields[1]);
        else if (fields.size() >= 4 && fields[0] == "Opened" && fields[1] == "by" && fields[2] == "PID")
            interface.opened_by = number<std::int64_t>(fields[3]).value_or(0);
    });
    if (found.empty()) // there is always lo0
        unexpected(command.program, "interfaces", "");
    return found;
}

Command ifconfig_create_bridge(const SwitchName& name) {
    return ifconfig({"bridge", "create", "name", bridge_name(name).str(), "group",
                     std::string(interface_group), "description", switch_description(name)});
}

Command ifconfig_create_vlan(const SwitchName& name, const InterfaceName& parent, std::int64_t tag) {
    return ifconfig({"vlan", "create", "vlandev", parent.str(), "vlan", std::to_string(tag), "name",
                     vlan_name(name).str(), "group", std::string(interface_group), "description",
                     switch_description(name)});
}

Command ifconfig_create_tap(const VmName& vm, const DeviceName& nic) {
    return ifconfig(
        {"tap", "create", "group", std::string(interface_group), "description", tap_description(vm, nic)});
}

std::optional<InterfaceName> made_interface(const Output& output) {
    return InterfaceName::parse(trimmed(output.out));
}

Command ifconfig_destroy(const InterfaceName& name) {
    return ifconfig({name.str(), "destroy"});
}
Command ifconfig_up(const InterfaceName& name) {
    return ifconfig({name.str(), "up"});
}
Command ifconfig_down(const InterfaceName& name) {
    return ifconfig({name.str(), "down"});
}
Command ifconfig_mtu(const InterfaceName& name, std::int64_t mtu) {
    return ifconfig({name.str(), "mtu", std::to_string(mtu)});
}
Command ifconfig_add_address(const InterfaceName& name, std::string_view address) {
    return ifconfig({name.str(), family(address), std::string(address), "alias"});
}
Command ifconfig_remove_address(const InterfaceName& name, std::string_view address) {
    return ifconfig(
        {name.str(), family(address), std::string(address.substr(0, address.find('/'))), "-alias"});
}
Command ifconfig_enable_inet6(const InterfaceName& name) {
    return ifconfig({name.str(), "inet6", "-ifdisabled", "auto_linklocal"});
}
Command ifconfig_accept_rtadv(const InterfaceName& name) {
    return ifconfig({name.str(), "inet6", "accept_rtadv"});
}
Command ifconfig_disable_inet6(const InterfaceName& name) {
    return ifconfig({name.str(), "inet6", "ifdisabled", "-auto_linklocal"});
}
Command ifconfig_ether(const InterfaceName& name, std::string_view ether) {
    return ifconfig({name.str(), "ether", std::string(ether)});
}
Command ifconfig_create_lagg(const InterfaceName& name, std::string_view protocol,
                             const std::vector<InterfaceName>& ports) {
    std::vector<std::string> arguments{name.str(), "create", "laggproto", std::string(protocol)};
    for (const auto& port : ports) {
        arguments.emplace_back("laggport");
        arguments.push_back(port.str());
    }
    arguments.insert(arguments.end(), {"group", std::string(interface_group), "up"});
    return ifconfig(std::move(arguments));
}
Command ifconfig_create_vlan_of(const InterfaceName& parent, std::int64_t tag) {
    return ifconfig({parent.str() + '.' + std::to_string(tag), "create", "vlan", std::to_string(tag),
                     "vlandev", parent.str(), "up"});
}
Command ifconfig_add_member(const InterfaceName& bridge, const InterfaceName& member) {
    return ifconfig({bridge.str(), "addm", member.str()});
}
Command ifconfig_isolate(const InterfaceName& bridge, const InterfaceName& member, bool isolated) {
    return ifconfig({bridge.str(), isolated ? "private" : "-private", member.str()});
}
Command ifconfig_remove_member(const InterfaceName& bridge, const InterfaceName& member) {
    return ifconfig({bridge.str(), "deletem", member.str()});
}

} // namespace bhype::host
