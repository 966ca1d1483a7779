// Compares every command that host/ can make with the texts in golden/, which are for people to read too.
//
// golden/NAME.toml is a vm.toml; golden/NAME.RELEASE.cmd is bhyve's command line for it. golden/commands.txt
// holds all other commands. After a change on purpose:
//     BHYPE_GOLDEN=write src/host/host_test --gtest_filter='Golden*'
// writes them anew and prints each line that changed; read `git diff src/host/golden` before committing.

#include "host/bhyve.h"
#include "host/dhclient.h"
#include "host/disks.h"
#include "host/dnsmasq.h"
#include "host/facts.h"
#include "host/ifconfig.h"
#include "host/look.h"
#include "host/neighbors.h"
#include "host/pf.h"
#include "host/rc_conf.h"
#include "host/routes.h"
#include "host/smartctl.h"
#include "host/sockstat.h"
#include "host/traffic.h"
#include "host/zfs.h"
#include "host/zfs_snapshot.h"
#include "host/zfs_space.h"
#include "host/zpool.h"
#include "host/zpool_status.h"

#include "base/toml.h"
#include "host/text.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

namespace bhype::host {
namespace {

const std::filesystem::path directory = std::filesystem::path(BHYPE_SOURCE_DIR) / "src/host/golden";

struct Release {
    const char* name;
    std::int64_t osreldate;
};
constexpr std::array<Release, 3> releases{{{"13.2", 1302001}, {"14.3", 1403000}, {"15.0", 1500068}}};

std::optional<std::string> read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return std::nullopt;
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string difference(std::string_view before, std::string_view after) {
    const auto old_lines = split(before, '\n');
    const auto new_lines = split(after, '\n');
    std::string text;
    for (const auto line : old_lines)
        if (std::find(new_lines.begin(), new_lines.end(), line) == new_lines.end())
            text += "- " + std::string(line) + '\n';
    for (const auto line : new_lines)
        if (std::find(old_lines.begin(), old_lines.end(), line) == old_lines.end())
            text += "+ " + std::string(line) + '\n';
    return text.empty() ? "  the same lines in another order\n" : text;
}

void compare(const std::filesystem::path& path, const std::string& actual) {
    const auto golden = read(path);
    if (golden == actual)
        return;
    const auto name = path.filename().string();
    const char* mode = std::getenv("BHYPE_GOLDEN");
    if (mode != nullptr && std::string_view(mode) == "write") {
        std::ofstream(path, std::ios::binary) << actual;
        std::cout << "wrote " << name << '\n' << (golden ? difference(*golden, actual) : "  new\n");
    } else if (!golden) {
        ADD_FAILURE() << name << " is missing; BHYPE_GOLDEN=write makes it";
    } else {
        ADD_FAILURE() << name << " differs:\n" << difference(*golden, actual);
    }
}

/// As display(), an option a line, so that a difference shows one device; sh(1) takes it as it is.
std::string by_lines(const Command& command) {
    std::string text(path(command.program));
    for (const auto& argument : command.arguments) {
        const bool option = argument.size() == 2 && argument[0] == '-';
        const bool last = &argument == &command.arguments.back();
        text += (option || last ? " \\\n    " : " ") + sh_quoted(argument);
    }
    return text + '\n';
}

Runtime runtime_for(const Machine& machine, const std::string& name, std::int64_t osreldate) {
    Runtime runtime;
    runtime.vm = VmName::from(name);
    runtime.osreldate = osreldate;
    for (const auto& disk : machine.disks)
        runtime.disks.push_back(
            {disk.name, HostPath::from("/dev/zvol/tank/bhype/vm/" + name + '/' + disk.name.str())});
    int tap = 0;
    for (const auto& nic : machine.nics)
        runtime.taps.push_back({nic.name, InterfaceName::from("tap" + std::to_string(tap++))});
    runtime.tty = HostPath::from("/dev/pts/7");
    runtime.vnc_port = 5907;
    runtime.config_file = HostPath::from("/var/run/bhype/vm/" + name + "/bhyve.conf");
    runtime.firmware = HostPath::from("/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd");
    runtime.variables = HostPath::from("/tank/bhype/vm/" + name + "/uefi-vars.fd");
    return runtime;
}

std::vector<std::string> cases() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory))
        if (entry.path().extension() == ".toml")
            names.push_back(entry.path().stem().string());
    std::sort(names.begin(), names.end());
    return names;
}

TEST(Golden, BhyveCommandLines) {
    const auto names = cases();
    EXPECT_GE(names.size(), 40U);
    std::set<std::string> expected;
    for (const auto& name : names)
        for (const auto& release : releases) {
            SCOPED_TRACE(name);
            const auto file = fmt::format("{}.{}.cmd", name, release.name);
            expected.insert(file);
            try {
                const auto machine = parse_machine(read(directory / (name + ".toml")).value());
                compare(directory / file,
                        by_lines(bhyve_command(machine, runtime_for(machine, name, release.osreldate))));
            } catch (const Error& error) {
                ADD_FAILURE() << error.what();
            }
        }
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        const auto name = entry.path().filename().string();
        if (entry.path().extension() == ".cmd") {
            EXPECT_TRUE(expected.contains(name)) << name << " has no definition";
        }
    }
}

TEST(Golden, DefinitionsSurvivePrinting) {
    for (const auto& name : cases()) {
        SCOPED_TRACE(name);
        const auto machine = parse_machine(read(directory / (name + ".toml")).value());
        const auto text = print_machine(machine);
        EXPECT_EQ(encode(parse_machine(text)), encode(machine)) << text;
        EXPECT_EQ(print_machine(parse_machine(text)), text);
    }
}

TEST(Golden, EveryFieldOfADefinitionHasACase) {
    // Each field takes at least two values in the cases, so that none is without effect unnoticed.
    std::map<std::string, std::set<std::string>> values;
    const std::function<void(const std::string&, const json::value&)> walk = [&](const std::string& path,
                                                                                 const json::value& value) {
        if (value.is_object())
            for (const auto& [key, item] : value.get_object())
                walk(path + '.' + std::string(key), item);
        else if (value.is_array())
            for (const auto& item : value.get_array())
                walk(path, item);
        else
            values[path].insert(json::serialize(value));
    };
    for (const auto& name : cases())
        walk("", encode(parse_machine(read(directory / (name + ".toml")).value())));
    EXPECT_EQ(values.size(), 25U);
    for (const auto& [path, found] : values) {
        if (path != ".version" && path != ".firmware") { // there is one of each so far
            EXPECT_GE(found.size(), 2U) << path;
        }
    }
}

TEST(Golden, EveryOtherCommand) {
    const auto dataset = DatasetName::from("tank/bhype/vm/web1");
    const auto volume = DatasetName::from("tank/bhype/.new/t0123456789abcdef/web1/disk0");
    const auto label = SnapshotLabel::from("template");
    const auto id = Uuid::from("6f1c3f7e-0f3c-4a53-9b8e-1c2d3e4f5a6b");
    const auto host = Uuid::from("11111111-2222-3333-4444-555555555555");
    const auto pool = PoolName::from("tank");
    const auto vm = VmName::from("web1");
    const auto tap = InterfaceName::from("tap0");
    const auto bridge = bridge_name(SwitchName::from("nat"));
    const auto data = VdevRole::data;
    const auto group = [](VdevRole role, PoolLayout layout, std::initializer_list<const char*> names) {
        VdevGroup made{role, layout, {}};
        for (const auto* name : names)
            made.disks.push_back(DiskName::from(name));
        return made;
    };
    const std::vector<Command> commands{
        arp_list(),
        ndp_list(),
        bhyvectl_destroy(vm),
        bhyvectl_force_poweroff(vm),
        bhyvectl_force_reset(vm),
        dd_to_volume(volume),
        diskinfo_attachment(DiskName::from("nda0")),
        dnsmasq_test("no-hosts\n"),
        dnsmasq_start({}),
        facts_version(),
        facts_sysctl(),
        hostuuid_sysctl(),
        geom_confxml(),
        ifconfig_list(),
        ifconfig_create_bridge(SwitchName::from("nat")),
        ifconfig_create_tap(vm, DeviceName::from("net0")),
        ifconfig_up(tap),
        ifconfig_mtu(tap, 1500),
        ifconfig_create_vlan(SwitchName::from("dmz"), InterfaceName::from("igb0"), 20),
        ifconfig_add_address(bridge, "10.77.0.1/24"),
        ifconfig_remove_address(bridge, "10.77.0.1/24"),
        ifconfig_add_address(bridge, "fd00:77::1/64"),
        ifconfig_remove_address(bridge, "fd00:77::1/64"),
        ifconfig_enable_inet6(bridge),
        ifconfig_disable_inet6(bridge),
        ifconfig_ether(bridge, "58:9c:fc:00:00:01"),
        ifconfig_create_lagg(InterfaceName::from("lagg0"), "lacp",
                             {InterfaceName::from("igb0"), InterfaceName::from("igb1")}),
        ifconfig_create_vlan_of(InterfaceName::from("igb0"), 20),
        ifconfig_isolate(bridge, tap, true),
        ifconfig_isolate(bridge, tap, false),
        ifconfig_add_member(bridge, tap),
        ifconfig_remove_member(bridge, tap),
        ifconfig_destroy(tap),
        kldload_needed(),
        kldload_module("pf"),
        kldstat_module("vmm"),
        look_list({dataset, label, {}, GuestPath::from("/"), 0, 1000}),
        look_list({dataset, label, PartitionName::from("1a"), GuestPath::from("/it's; rm -rf /a"), 100, 10}),
        look_file({dataset, label, PartitionName::from("2"), GuestPath::from("/-rf/a\\xff")}),
        mount_list(),
        netstat_interfaces(),
        netstat_routes(false),
        netstat_routes(true),
        pfctl_test(""),
        pfctl_load(""),
        pfctl_test_file(HostPath::from("/etc/pf.conf")),
        pfctl_load_file(HostPath::from("/etc/pf.conf")),
        pfctl_enable(),
        pfctl_running(),
        pfctl_show(PfShow::nat, false),
        pfctl_show(PfShow::rules, false),
        pfctl_show(PfShow::nat, true),
        pfctl_show(PfShow::rules, true),
        route_add({false, "10.0.0.0/8", "192.0.2.1", "igb0"}),
        route_delete({true, "default", "fe80::1%igb0", "igb0"}),
        route_default(false),
        route_default(true),
        dhclient_start(InterfaceName::from("igb0")),
        dhclient_stop(InterfaceName::from("igb0")),
        ifconfig_accept_rtadv(InterfaceName::from("igb0")),
        smartctl_health(DiskName::from("nvme0")),
        sockstat_listening({53, 67}),
        swapctl_list(),
        sysrc_all(),
        sysrc_remove("ifconfig_igb0_alias0"),
        sysctl_set("net.inet.ip.forwarding", "1"),
        sysrc_set("bhyped_enable", "YES"),
        sysrc_set("bhyped_flags", "a value with 'quotes' & spaces"),
        zfs_clone(dataset, label, volume),
        zfs_clone_to_look(dataset, label, volume),
        zfs_destroy_look(volume),
        zfs_list_snapshots(dataset),
        zfs_snapshot_guests({{dataset}, label, Note::from("user dev1"), {}, Note()}),
        zfs_snapshot_guests({{dataset, DatasetName::from("tank/bhype/vm/web2")},
                             label,
                             Note::from("plan nightly"),
                             {VmName::from("web1"), VmName::from("web2")},
                             Note::from("before the upgrade; rm -rf /")}),
        zfs_destroy_snapshots(dataset, {label}, true, false),
        zfs_destroy_snapshots(dataset, {label, SnapshotLabel::from("b")}, false, false),
        zfs_destroy_snapshots(dataset, {label, SnapshotLabel::from("b")}, true, true),
        zfs_hold(dataset, label, true),
        zfs_hold(dataset, label, false),
        zfs_set_note(dataset, label, Note::from("it's mine")),
        zfs_rollback(volume, label),
        zfs_create(dataset, std::nullopt, std::nullopt),
        zfs_create(dataset, id, host),
        zfs_create_tree_root(pool, id, host),
        zfs_create_tree_child(pool, ".new"),
        zfs_create_volume(volume, 20_GiB),
        zfs_create_volume(volume, ByteSize(12345)),
        zfs_destroy(dataset),
        zfs_get_volsize(volume),
        zfs_list(dataset, false),
        zfs_list(dataset, true),
        zfs_list(dataset, false, false),
        zfs_rename(volume, dataset),
        zfs_set_host(dataset, host),
        zfs_set_volsize(volume, 30_GiB),
        zfs_snapshot(dataset, label),
        zpool_create({pool, {group(data, PoolLayout::stripe, {"nda0"})}}),
        zpool_create({pool,
                      {group(data, PoolLayout::stripe, {"nda0"})},
                      PoolEncryption{KeyKind::passphrase, std::nullopt}},
                     {Secret("correct horse"), std::nullopt}),
        zpool_create({pool, {group(data, PoolLayout::stripe, {"nda0"})}, PoolEncryption{KeyKind::file, {}}}),
        zfs_load_key(pool, Secret("correct horse")),
        zfs_unload_key(pool),
        zfs_list_mounts(pool),
        zfs_mount("tank/bhype"),
        zfs_unmount("tank/bhype"),
        zpool_create({pool, {group(data, PoolLayout::mirror, {"nda0", "nda1"})}}),
        zpool_create({pool,
                      {group(data, PoolLayout::mirror, {"nda0", "nda1"}),
                       group(data, PoolLayout::mirror, {"nda2", "nda3"}),
                       group(VdevRole::log, PoolLayout::mirror, {"nda4", "nda5"}),
                       group(VdevRole::cache, PoolLayout::stripe, {"nda6"}),
                       group(VdevRole::special, PoolLayout::mirror, {"nda7", "nda8"}),
                       group(VdevRole::spare, PoolLayout::stripe, {"nda9", "nda10"})}}),
        zpool_create({pool, {group(data, PoolLayout::raidz1, {"ada0", "ada1", "ada2"})}}),
        zpool_create({pool, {group(data, PoolLayout::raidz2, {"da0", "da1", "da2", "da3"})}}),
        zpool_create({pool, {group(data, PoolLayout::raidz3, {"da0", "da1", "da2", "da3", "da4"})}}),
        zpool_add({pool, group(VdevRole::log, PoolLayout::stripe, {"nda4"})}),
        zpool_add({pool, group(data, PoolLayout::mirror, {"nda4", "nda5"})}),
        zpool_import({PoolGuid::from("14077227812832852083"), pool, false, false}),
        zpool_import({PoolGuid::from("14077227812832852083"), PoolName::from("old"), true, true}),
        zpool_export(pool),
        zpool_scrub({pool, UpkeepAction::start}),
        zpool_scrub({pool, UpkeepAction::pause}),
        zpool_scrub({pool, UpkeepAction::stop}),
        zpool_trim({pool, UpkeepAction::start}),
        zpool_trim({pool, UpkeepAction::pause}),
        zpool_trim({pool, UpkeepAction::stop}),
        zpool_clear({pool, std::nullopt}),
        zpool_clear({pool, VdevName::from("nda0p3")}),
        zfs_list_space(pool),
        zfs_set_limits({dataset, 50_GiB, ByteSize(0)}),
        zfs_set_limits({dataset, ByteSize(0), 1536_MiB}),
        zpool_labelclear(DiskName::from("nda5")),
        zpool_put({pool, VdevName::from("9876543210"), DiskName::from("nda5"), false}),
        zpool_put({pool, VdevName::from("gpt/disk0"), DiskName::from("nda5"), true}),
        zpool_change({pool, VdevName::from("nda5"), DeviceAction::online}),
        zpool_change({pool, VdevName::from("nda5"), DeviceAction::offline}),
        zpool_change({pool, VdevName::from("nda5"), DeviceAction::detach}),
        zpool_change({pool, VdevName::from("mirror-1"), DeviceAction::remove}),
        zpool_import_list(),
        zpool_list(),
        zpool_status(),
        zfs_list_roots(),
    };
    std::string text;
    std::set<Program> programs{Program::bhyve, Program::vmd}; // the one above, the other is hostd's
    for (const auto& command : commands) {
        text += display(command) + '\n';
        programs.insert(command.program);
    }
    compare(directory / "commands.txt", text);
    std::size_t all = 0;
#define X(name, path) ++all;
    BHYPE_PROGRAMS(X)
#undef X
    EXPECT_EQ(programs.size(), all) << "a program without a command";
    compare(directory / "loader.conf.txt", loader_conf());
    DhcpRange nat;
    nat.switch_ = SwitchName::from("nat");
    nat.address = Ipv4Prefix::from("10.77.0.1/24");
    auto lab = nat;
    lab.switch_ = SwitchName::from("lab");
    lab.address = Ipv4Prefix::from("192.168.10.254/28");
    lab.address6 = Ipv6Prefix::from("fd00:77::1/64");
    lab.first = Ipv4Address::from("192.168.10.242");
    lab.last = Ipv4Address::from("192.168.10.250");
    lab.lease = 3600;
    lab.domain = DomainName::from("lab.example");
    lab.dns = {Ipv4Address::from("192.0.2.53"), Ipv4Address::from("192.0.2.54")};
    lab.options = {{42, DhcpValue::from("192.0.2.1,192.0.2.2")}};
    auto alone = nat;
    alone.switch_ = SwitchName::from("private");
    alone.address = Ipv4Prefix::from("10.78.0.1/24");
    alone.router = false;
    DhcpRange six;
    six.switch_ = SwitchName::from("six");
    six.address6 = Ipv6Prefix::from("fd00:78::1/64");
    six.router = false;
    compare(directory / "dnsmasq.conf.txt", dnsmasq_configuration({nat, lab, alone, six}, {}));

    FirewallEnsure pf;
    pf.switches = {{nat.switch_, true, false, nat.address, std::nullopt, std::nullopt},
                   {lab.switch_, true, true, lab.address, lab.address6, InterfaceName::from("igb1")},
                   {alone.switch_, false, false, alone.address, std::nullopt, std::nullopt},
                   {six.switch_, false, false, std::nullopt, six.address6, std::nullopt}};
    pf.forwards = {{Protocol::tcp, std::nullopt, 8080, Ipv4Address::from("10.77.0.10"), 80, std::nullopt},
                   {Protocol::udp, Ipv4Address::from("192.0.2.10"), 53, Ipv4Address::from("10.77.0.11"), 53,
                    std::nullopt}};
    compare(directory / "pf.txt", pf_rules(pf, {InterfaceName::from("em0"), std::nullopt}));
}

} // namespace
} // namespace bhype::host
