#include "host/address.h"
#include "host/bhyve.h"
#include "host/disks.h"
#include "host/dnsmasq.h"
#include "host/facts.h"
#include "host/ifconfig.h"
#include "host/pf.h"
#include "host/routes.h"
#include "host/test_output.h"
#include "host/zfs.h"
#include "host/zfs_snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <functional>

namespace bhype::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using test::error_of;
using test::printed;

// ---- definitions and bhyve

constexpr std::string_view good_machine = R"(
version = 1
id = "6f1c3f7e-0f3c-4a53-9b8e-1c2d3e4f5a6b"
generation = 3
created_from = "debian-12"
note = ""
cpus = 2
memory = "1G"
wired = false
firmware = "uefi"
clock = "utc"
tablet = true
[screen]
width = 1024
height = 768
[[disks]]
name = "disk0"
slot = 4
kind = "nvme"
serial = "A1"
[[nics]]
name = "net0"
slot = 10
kind = "virtio-net"
mac = "58:9c:fc:00:00:01"
switch = "nat"
[[cds]]
name = "cd0"
slot = 3
image = "/tank/install.iso"
)";

Runtime good_runtime() {
    Runtime runtime;
    runtime.vm = VmName::from("web1");
    runtime.osreldate = 1403000;
    runtime.disks = {{DeviceName::from("disk0"), HostPath::from("/dev/zvol/tank/disk0")}};
    runtime.taps = {{DeviceName::from("net0"), InterfaceName::from("tap3")}};
    runtime.tty = HostPath::from("/dev/pts/7");
    runtime.config_file = HostPath::from("/var/run/bhype/web1.conf");
    runtime.firmware = HostPath::from("/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd");
    runtime.variables = HostPath::from("/tank/bhype/vm/web1/uefi-vars.fd");
    return runtime;
}

std::string replaced(std::string_view text, std::string_view what, std::string_view with) {
    std::string copy(text);
    const auto at = copy.find(what);
    EXPECT_NE(at, copy.npos) << what;
    return copy.replace(at, what.size(), with);
}

TEST(Machine, HasTagsEachOnce) {
    const auto tagged = [](std::string_view tags) {
        return replaced(good_machine, "cpus = 2", "cpus = 2\ntags = " + std::string(tags));
    };
    const auto machine = parse_machine(tagged(R"(["test", "team-a"])"));
    EXPECT_EQ(machine.tags, (std::vector<Tag>{Tag::from("test"), Tag::from("team-a")}));
    EXPECT_EQ(encode(parse_machine(print_machine(machine))), encode(machine));
    EXPECT_TRUE(parse_machine(tagged("[]")).tags.empty());
    EXPECT_THAT(error_of([&] { parse_machine(tagged(R"(["a", "b", "a"])")); }), HasSubstr("tags[2]"));
    EXPECT_THAT(error_of([&] { parse_machine(tagged(R"(["Test"])")); }), HasSubstr("tags[0]"));
    std::string many;
    for (char c = 'a'; c <= 'q'; ++c)
        many += std::string(many.empty() ? "" : ",") + '"' + c + '"';
    EXPECT_THAT(error_of([&] { parse_machine(tagged('[' + many + ']')); }), HasSubstr("at most 16"));
}

TEST(Machine, NamesEveryProblemAtOnce) {
    auto text = replaced(good_machine, "cpus = 2", "cpus = 0\nextra = 1");
    text = replaced(text, "memory = \"1G\"", "memory = \"1\"");
    text = replaced(text, "mac = \"58:9c:fc:00:00:01\"", "mac = \"01:00:00:00:00:00\"");
    const auto error = error_of([&] { parse_machine(text); });
    for (const auto* field : {"cpus", "extra", "memory", "nics[0].mac"})
        EXPECT_THAT(error, HasSubstr(field));
    EXPECT_THAT(error, HasSubstr("api.invalid_field"));
}

TEST(Machine, SeesWhatIsUsedTwice) {
    EXPECT_THAT(error_of([] { parse_machine(replaced(good_machine, "slot = 10", "slot = 4")); }),
                HasSubstr("nics[0].slot"));
    EXPECT_THAT(error_of([] { parse_machine(replaced(good_machine, "\"cd0\"", "\"disk0\"")); }),
                HasSubstr("cds[0].name"));
}

TEST(Machine, TellsTheLineOfASyntaxError) {
    const auto error = error_of([] { parse_machine("version = 1\nid = \n"); });
    EXPECT_THAT(error, HasSubstr("vm.toml line 2"));
    EXPECT_THAT(error, HasSubstr("api.invalid_request"));
}

TEST(Machine, FindsFreeSlots) {
    auto machine = parse_machine(good_machine);
    EXPECT_EQ(free_slot(machine, 3), 5);
    EXPECT_EQ(free_slot(machine, 10), 11);
    machine.disks[0].slot = 27;
    EXPECT_THAT(error_of([&] { free_slot(machine, 27); }), HasSubstr("vm.refused"));
}

TEST(Machine, PrintsWhatItReads) {
    auto machine = parse_machine(good_machine);
    machine.created_from = R"(a "quoted" \ name)";
    EXPECT_EQ(encode(parse_machine(print_machine(machine))), encode(machine));
    EXPECT_THAT(print_machine(machine), HasSubstr("memory = \"1G\""));
}

/// Everything that a text could do to a command line, a configuration file, a terminal or a path.
const std::vector<std::string> hostile{"",
                                       "-rf",
                                       "--",
                                       "a b c",
                                       "a,b",
                                       "a,ro",
                                       "%(name)",
                                       "a%b",
                                       "a\\b",
                                       "a\nb",
                                       "a\rb",
                                       "\x1b[2J",
                                       "../x",
                                       "/..",
                                       "/a/../b",
                                       "a/b\"",
                                       "a;b",
                                       "$(id)",
                                       "`id`",
                                       "a\"b",
                                       "a'b c",
                                       "a@b",
                                       "a#b",
                                       "a=b,c",
                                       "\xff\xfe",
                                       "/",
                                       "//",
                                       std::string("a\0b", 3),
                                       std::string(600, 'a'),
                                       std::string(600, '/')};

TEST(Machine, NoHostileTextReachesTheCommandLine) {
    struct Place {
        const char* field;
        std::function<void(Machine&, Runtime&, const std::string&)> put;
    };
    // Through JSON, as texts come from files and sockets.
    const auto from = [](auto& value, const std::string& text) {
        Problems problems;
        decode_into(json::value(json::string(text)), value, problems);
        problems.raise();
    };
    const std::vector<Place> places{
        {"id", [&](Machine& m, Runtime&, const std::string& t) { from(m.id, t); }},
        {"disk name", [&](Machine& m, Runtime&, const std::string& t) { from(m.disks[0].name, t); }},
        {"serial", [&](Machine& m, Runtime&, const std::string& t) { m.disks[0].serial = t; }},
        {"nic name", [&](Machine& m, Runtime&, const std::string& t) { from(m.nics[0].name, t); }},
        {"mac", [&](Machine& m, Runtime&, const std::string& t) { from(m.nics[0].mac, t); }},
        {"switch", [&](Machine& m, Runtime&, const std::string& t) { from(m.nics[0].switch_, t); }},
        {"cd name", [&](Machine& m, Runtime&, const std::string& t) { from(m.cds[0].name, t); }},
        {"cd image", [&](Machine& m, Runtime&, const std::string& t) { from(m.cds[0].image, t); }},
        {"vm", [&](Machine&, Runtime& r, const std::string& t) { from(r.vm, t); }},
        {"disk path", [&](Machine&, Runtime& r, const std::string& t) { from(r.disks[0].path, t); }},
        {"tap", [&](Machine&, Runtime& r, const std::string& t) { from(r.taps[0].tap, t); }},
        {"tty", [&](Machine&, Runtime& r, const std::string& t) { from(r.tty, t); }},
        {"config file", [&](Machine&, Runtime& r, const std::string& t) { from(r.config_file, t); }},
        {"firmware", [&](Machine&, Runtime& r, const std::string& t) { from(r.firmware, t); }},
        {"variables", [&](Machine&, Runtime& r, const std::string& t) { from(r.variables, t); }},
    };
    const auto unchanged = bhyve_command(parse_machine(good_machine), good_runtime());
    for (const auto& place : places)
        for (const auto& text : hostile) {
            auto machine = parse_machine(good_machine);
            auto runtime = good_runtime();
            EXPECT_THROW(
                {
                    place.put(machine, runtime, text);
                    const auto command = bhyve_command(machine, runtime);
                    ADD_FAILURE() << place.field << " took " << sh_quoted(text) << ": " << display(command);
                },
                Error)
                << place.field << ' ' << sh_quoted(text);
        }
    EXPECT_EQ(bhyve_command(parse_machine(good_machine), good_runtime()), unchanged);
}

TEST(Machine, NoFieldMadeInCodeIsTrusted) {
    const auto refused = [](const std::function<void(Machine&, Runtime&)>& change) {
        auto machine = parse_machine(good_machine);
        auto runtime = good_runtime();
        change(machine, runtime);
        return error_of([&] { bhyve_command(machine, runtime); });
    };
    EXPECT_THAT(refused([](Machine& m, Runtime&) { m.cpus = 0; }), HasSubstr("cpus"));
    EXPECT_THAT(refused([](Machine& m, Runtime&) { m.memory = ByteSize(1); }), HasSubstr("memory"));
    EXPECT_THAT(refused([](Machine& m, Runtime&) { m.disks[0].slot = 31; }), HasSubstr("slot"));
    EXPECT_THAT(refused([](Machine& m, Runtime&) { m.id = Uuid(); }), HasSubstr("id"));
    EXPECT_THAT(refused([](Machine&, Runtime& r) { r.vm = VmName(); }), HasSubstr("vm"));
    EXPECT_THAT(refused([](Machine&, Runtime& r) { r.disks.clear(); }), HasSubstr("disk0 has no path"));
    EXPECT_THAT(refused([](Machine&, Runtime& r) { r.taps.clear(); }), HasSubstr("net0 has no tap"));
    EXPECT_THAT(refused([](Machine&, Runtime& r) { r.taps[0].tap = InterfaceName::from("vm-web0"); }),
                HasSubstr("not named tapN"));
    EXPECT_THAT(refused([](Machine&, Runtime& r) { r.taps[0].tap = InterfaceName::from("tap"); }),
                HasSubstr("not named tapN"));
    EXPECT_THAT(refused([](Machine&, Runtime& r) { r.osreldate = 1301000; }), HasSubstr("13.2"));
    EXPECT_EQ(refused([](Machine&, Runtime&) {}), "no error");
}

TEST(Bhyve, PutsThePasswordInTheFileAlone) {
    EXPECT_EQ(bhyve_config(Secret("a1B2c3D4")), "pci.0.29.0.password=a1B2c3D4\n");
    for (const auto* bad : {"", "123456789", "a b", "a\nb", "%(x)", "pa=s"})
        EXPECT_THAT(error_of([&] { bhyve_config(Secret(bad)); }), HasSubstr("base.internal")) << bad;
}

// ---- commands

TEST(Display, CanBePastedIntoAShell) {
    Command command{.program = Program::zfs, .arguments = hostile, .input = std::nullopt};
    std::erase_if(command.arguments, [](const auto& text) { return text.find('\0') != text.npos; });
    command.arguments.insert(command.arguments.end(),
                             {"'", "''", "\t\n'\\", "é", "\x7f", "*", "~", "!x", "a&b"});
    std::string expected;
    for (const auto& argument : command.arguments)
        expected += argument + '\n';
    // bash, whose $'...' is FreeBSD's sh's.
    const auto text = display(command).substr(path(command.program).size());
    EXPECT_THAT(text, testing::Not(HasSubstr("\x1b"))) << "safe on a terminal";
    FILE* pipe = ::popen(("bash -c " + sh_quoted("printf '%s\\n'" + text)).c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::string got;
    std::array<char, 4096> buffer;
    while (const auto n = ::fread(buffer.data(), 1, buffer.size(), pipe))
        got.append(buffer.data(), n);
    ::pclose(pipe);
    EXPECT_EQ(got, expected);
}

TEST(Outcome, BecomesAnError) {
    const auto command = zfs_destroy(DatasetName::from("tank/bhype/vm/web1"));
    EXPECT_NO_THROW(expect_success(command, printed("")));
    EXPECT_EQ(error_of([&] { expect_success(command, printed("", 1, "line one\nline two\n")); }),
              "host.command_failed: zfs destroy: line one\nline two");
    EXPECT_THAT(error_of([&] { expect_success(command, printed("", 3)); }), HasSubstr("exit status 3"));
    Output cut = printed("x");
    cut.truncated = true;
    EXPECT_THAT(error_of([&] { expect_success(command, cut); }), HasSubstr("host.output_unexpected"));
}

// ---- zfs and zpool, texts of OpenZFS 2.1.11

TEST(Zfs, ReadsItsList) {
    const auto command = zfs_list(DatasetName::from("tq"), true);
    const auto found = parse_zfs_list(
        command, printed("tq/b d\tfilesystem\t1\t2\t3\t/tq/b d\t-\t-\t-\t-\n"
                         "tq/v\tvolume\t1109393408\t7799190528\t12288\t-\ttq/t@template\t1073741824\t"
                         "6f1c3f7e-0f3c-4a53-9b8e-1c2d3e4f5a6b\thostid\n"
                         "tq/v@s\tsnapshot\t0\t-\t12288\t-\t-\t1073741824\t-\t-\n"));
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(found[0].name, "tq/b d");
    EXPECT_EQ(found[1].type, DatasetType::volume);
    EXPECT_EQ(found[1].volsize, 1_GiB);
    EXPECT_EQ(found[1].origin, "tq/t@template");
    EXPECT_EQ(found[2].available, ByteSize(0));
    EXPECT_THAT(parse_zfs_list(command, printed("", 1, "cannot open 'tq': dataset does not exist\n")),
                IsEmpty());
    EXPECT_THAT(parse_zfs_list(command, printed("", 0, "no datasets available\n")), IsEmpty());
    EXPECT_THAT(error_of([&] { parse_zfs_list(command, printed("tq\tfilesystem\n")); }),
                HasSubstr("output_unexpected"));
    EXPECT_THAT(error_of([&] { parse_zfs_list(command, printed("tq\tbookmark\t1\t2\t3\t-\t-\t-\t-\t-\n")); }),
                HasSubstr("output_unexpected"));
    EXPECT_THAT(error_of([&] { parse_zfs_list(command, printed("", 1, "permission denied\n")); }),
                HasSubstr("command_failed"));
}

TEST(ZfsSnapshot, ReadsItsList) {
    const auto command = zfs_list_snapshots(DatasetName::from("tq/v"));
    const auto found = parse_zfs_snapshots(
        command, printed("tq/v@a\t1795467243\t17\t0\t24576\t1\ton\ttq/c,tq/d e\tuser dev1\tweb1\tmine\n"
                         "tq/v/disk0@a\t1795467243\t17\t4096\t12288\t0\toff\t\t-\t-\t-\n"));
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].dataset, "tq/v");
    EXPECT_EQ(found[0].label, "a");
    EXPECT_EQ(found[0].created, 1795467243);
    EXPECT_EQ(found[0].txg, 17);
    EXPECT_EQ(found[0].holds, 1);
    EXPECT_TRUE(found[0].doomed);
    EXPECT_THAT(found[0].clones, ElementsAre("tq/c", "tq/d e"));
    EXPECT_EQ(found[0].made_by, "user dev1");
    EXPECT_EQ(found[0].live, "web1");
    EXPECT_EQ(found[0].note, "mine");
    EXPECT_EQ(found[1].used, ByteSize(4096));
    EXPECT_THAT(found[1].clones, IsEmpty());
    EXPECT_EQ(found[1].note, "");
    EXPECT_THAT(parse_zfs_snapshots(command, printed("", 1, "cannot open 'tq/v': dataset does not exist\n")),
                IsEmpty());
    EXPECT_THAT(error_of([&] { parse_zfs_snapshots(command, printed("tq/v@a\t1\t2\n")); }),
                HasSubstr("output_unexpected"));
    EXPECT_THAT(
        error_of([&] { parse_zfs_snapshots(command, printed("tq/v\t1\t2\t3\t4\t5\toff\t-\t-\t-\t-\n")); }),
        HasSubstr("output_unexpected"));
}

TEST(ZfsSnapshot, TellsWhatIsGoneFromWhatFailed) {
    const auto ask = zfs_destroy_snapshots(DatasetName::from("tq/v"), {SnapshotLabel::from("a")}, true, true);
    EXPECT_EQ(parse_reclaim(ask, printed("destroy\ttq/v@a\nreclaim\t123\n")), ByteSize(123));
    const auto none = printed("", 1, "could not find any snapshots to destroy; check snapshot names.\n");
    EXPECT_TRUE(none_of_them(none));
    EXPECT_EQ(parse_reclaim(ask, none), ByteSize(0));
    EXPECT_THAT(error_of([&] { parse_reclaim(ask, printed("destroy\ttq/v@a\n")); }),
                HasSubstr("output_unexpected"));
    EXPECT_THAT(error_of([&] {
                    parse_reclaim(ask, printed("destroy\ttq/v@a\n", 1,
                                               "cannot destroy 'tq/v@a': snapshot has dependent clones\n"
                                               "use '-R' to destroy the following datasets:\ntq/c\n"));
                }),
                HasSubstr("has_clones"));
    const auto hold = zfs_hold(DatasetName::from("tq/v"), SnapshotLabel::from("a"), true);
    EXPECT_TRUE(expect_hold(hold, printed("")));
    EXPECT_FALSE(expect_hold(
        hold, printed("", 1, "cannot hold snapshot 'tq/v@a': tag already exists on this dataset\n")));
    EXPECT_THAT(
        error_of([&] { expect_hold(hold, printed("", 1, "cannot open 'tq/v': dataset does not exist\n")); }),
        HasSubstr("dataset_missing"));
    EXPECT_EQ(zfs_code("cannot rollback to 'tq/v@a': clones of previous snapshots exist\nuse '-R' to force"),
              Code::dataset_has_clones);
}

TEST(Zfs, GivesErrorsTheirCodes) {
    const std::vector<std::pair<const char*, Code>> rows{
        {"cannot create 'tq/x': dataset already exists", Code::dataset_exists},
        {"cannot create 'tq/x/y': parent does not exist", Code::dataset_missing},
        {"cannot create 'tq/x': out of space", Code::no_space},
        {"cannot create 'tq/x': no such pool 'tq'", Code::dataset_missing},
        {"cannot destroy 'tq/x': dataset is busy", Code::dataset_busy},
        {"cannot destroy snapshot tq/x@s: dataset is busy", Code::dataset_busy},
        {"cannot unmount '/tq/x': pool or dataset is busy", Code::dataset_busy},
        {"cannot export 'tq': pool is busy", Code::dataset_busy},
        {"cannot set property for 'tq/x': size is greater than available space", Code::no_space},
        {"cannot create 'tq': pool already exists", Code::pool_exists},
        {"invalid vdev specification\nuse '-f' to override the following errors:\n/dev/nda2 is part of "
         "active pool 'tq'",
         Code::disk_in_use},
        {"permission denied", Code::command_failed},
        {"", Code::command_failed}};
    for (const auto& [text, code] : rows)
        EXPECT_EQ(zfs_code(text), code) << text;
    EXPECT_FALSE(expect_zfs_or_missing(zfs_destroy(DatasetName::from("tq/x")),
                                       printed("", 1, "cannot open 'tq/x': dataset does not exist\n")));
    EXPECT_EQ(parse_volsize(zfs_get_volsize(DatasetName::from("tq/v")), printed("1073741824\n")), 1_GiB);
}

// ---- interfaces

TEST(Ifconfig, ReadsItsListOf13To15) {
    const auto found = parse_ifconfig_list(
        ifconfig_list(),
        printed(
            "lo0: flags=1008049<UP,LOOPBACK,RUNNING,MULTICAST,LOWER_UP> metric 0 mtu 16384\n"
            "\tinet 127.0.0.1/8\n\tinet6 ::1/128\n\tgroups: lo\n"
            "bh-nat: flags=1008843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST,LOWER_UP> metric 0 mtu 1500\n"
            "\tdescription: bhype switch/nat\n\toptions=0\n\tether 58:9c:fc:10:ff:a2\n"
            "\tinet 10.77.0.1/24 broadcast 10.77.0.255\n"
            "\tinet 10.78.0.1 netmask 0xfffffff0 broadcast 10.78.0.15\n"
            "\tid 00:00:00:00:00:00 priority 32768 hellotime 2 fwddelay 15\n"
            "\tbridge flags=0<>\n"
            "\tmember: tap0 flags=143<LEARNING,DISCOVER,AUTOEDGE,AUTOPTP>\n"
            "\t        ifmaxaddr 0 port 5 priority 128 path cost 2000000\n"
            "\tmember: igb0.20 flags=143<LEARNING>\n\t        port 6 priority 128 path cost 55 vlan protocol "
            "802.1q untagged 20\n"
            "\tgroups: bridge bhype\n\tnd6 options=9<PERFORMNUD,IFDISABLED>\n\tnews of the year 2030: yes\n"
            "tap0: flags=8902<BROADCAST,PROMISC,SIMPLEX,MULTICAST> metric 0 mtu 1400\n"
            "\tdescription: bhype vm/web1/net0\n\tether 58:9c:fc:10:72:11\n\tgroups: tap bhype\n"
            "\tmedia: Ethernet 1000baseT <full-duplex>\n\tstatus: active\n\tOpened by PID 4242\n"));
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(found[1].name.str(), "bh-nat");
    EXPECT_TRUE(found[1].up);
    EXPECT_EQ(found[1].description, "bhype switch/nat");
    EXPECT_EQ(found[1].ether, "58:9c:fc:10:ff:a2");
    EXPECT_THAT(found[1].inet, ElementsAre("10.77.0.1/24", "10.78.0.1/28"));
    EXPECT_THAT(found[1].members, ElementsAre("tap0", "igb0.20"));
    EXPECT_THAT(found[1].groups, ElementsAre("bridge", "bhype"));
    EXPECT_FALSE(found[2].up);
    EXPECT_EQ(found[2].mtu, 1400);
    EXPECT_EQ(found[2].opened_by, 4242);
    EXPECT_EQ(found[2].description, tap_description(VmName::from("web1"), DeviceName::from("net0")));
}

TEST(Ifconfig, RefusesWhatItDoesNotUnderstand) {
    for (const auto* text :
         {"", "tap0: flags=8902<UP> metric 0\n", "\tinet 10.0.0.1/24\n", "something else\n",
          "tap0: flags=8902<UP> metric 0 mtu x\n", "lo0: flags=1<UP> metric 0 mtu 1\n\tinet 1.2.3.4\n"})
        EXPECT_THAT(error_of([&] { parse_ifconfig_list(ifconfig_list(), printed(text)); }),
                    HasSubstr("output_unexpected"))
            << text;
}

TEST(Ifconfig, KnowsWhatACreateLeftBehind) {
    EXPECT_EQ(made_interface(printed("tap4\n"))->str(), "tap4");
    EXPECT_EQ(made_interface(printed("bridge7\n", 1, "ifconfig: ioctl SIOCSIFNAME (set name): File exists\n"))
                  ->str(),
              "bridge7");
    EXPECT_FALSE(made_interface(printed("", 1)));
}

// ---- dnsmasq

TEST(Dnsmasq, HandsOutTheLargerSide) {
    const auto span = [](const char* prefix) {
        const auto found = addresses_for_guests(Ipv4Prefix::from(prefix));
        return found.first + ' ' + found.last + ' ' + found.netmask;
    };
    EXPECT_EQ(span("10.77.0.1/24"), "10.77.0.2 10.77.0.254 255.255.255.0");
    EXPECT_EQ(span("10.77.0.254/24"), "10.77.0.1 10.77.0.253 255.255.255.0");
    EXPECT_EQ(span("10.77.0.100/24"), "10.77.0.101 10.77.0.254 255.255.255.0");
    EXPECT_EQ(span("192.168.1.1/30"), "192.168.1.2 192.168.1.2 255.255.255.252");
    EXPECT_EQ(span("10.0.0.1/8"), "10.0.0.2 10.255.255.254 255.0.0.0");
    EXPECT_THAT(error_of([&] { span("10.77.0.0/24"); }), HasSubstr("network's own"));
    EXPECT_THAT(error_of([&] { span("10.77.0.255/24"); }), HasSubstr("broadcast"));
}

DhcpRange range(const char* name, const char* address) {
    DhcpRange found;
    found.switch_ = SwitchName::from(name);
    found.address = Ipv4Prefix::from(address);
    return found;
}

TEST(Dnsmasq, AnnouncesWithoutIpv4) {
    DhcpRange six;
    six.switch_ = SwitchName::from("six");
    EXPECT_THAT(error_of([&] { dnsmasq_configuration({six}, {}); }), HasSubstr("nothing to serve"));
    six.address6 = Ipv6Prefix::from("fd00:77::1/60");
    EXPECT_THAT(error_of([&] { dnsmasq_configuration({six}, {}); }), HasSubstr("/64"));
    six.address6 = Ipv6Prefix::from("fd00:77::1/64");
    six.router = false;
    const auto text = dnsmasq_configuration({six}, {});
    EXPECT_THAT(text, HasSubstr("enable-ra\n"));
    EXPECT_THAT(text, HasSubstr("dhcp-range=set:sw-six,::,constructor:bh-six,ra-stateless,ra-names,43200\n"
                                "ra-param=bh-six,600,0\n"));
    EXPECT_THAT(text, testing::Not(HasSubstr("option:router")));
}

TEST(Dnsmasq, SaysWhichLineItRefuses) {
    const auto test = dnsmasq_test("");
    Output output;
    EXPECT_EQ(dnsmasq_refusal(test, output, "no-hosts\n"), "");
    output.exit_status = 1;
    output.err = "\ndnsmasq: bad IP address at line 2 of stdin\n";
    EXPECT_EQ(dnsmasq_refusal(test, output, "no-hosts\ndhcp-option=6,x\n"),
              "bad IP address: dhcp-option=6,x");
    output.err = "dnsmasq: something else\n";
    EXPECT_EQ(dnsmasq_refusal(test, output, "no-hosts\n"), "something else");
    output.exit_status = 127;
    EXPECT_THAT(error_of([&] { dnsmasq_refusal(test, output, ""); }), HasSubstr("something else"));
}

TEST(Dnsmasq, RefusesRangesThatCannotBe) {
    const auto nat = range("nat", "10.77.0.1/24");
    EXPECT_THAT(error_of([] { dnsmasq_configuration({}, {}); }), HasSubstr("missing"));
    EXPECT_THAT(error_of([&] { dnsmasq_configuration({nat, nat}, {}); }), HasSubstr("twice"));
    EXPECT_THAT(error_of([&] {
                    dnsmasq_configuration({nat, range("lab", "10.77.0.129/25")}, {});
                }),
                HasSubstr("overlap"));
    const auto with = [&](const char* first, const char* last) {
        auto changed = nat;
        changed.first = Ipv4Address::parse(first);
        changed.last = Ipv4Address::parse(last);
        return error_of([&] { dnsmasq_configuration({changed}, {}); });
    };
    EXPECT_THAT(with("10.77.0.9", ""), HasSubstr("both ends"));
    EXPECT_THAT(with("10.77.0.9", "10.77.1.9"), HasSubstr("within 10.77.0.0/24"));
    EXPECT_THAT(with("10.77.0.9", "10.77.0.5"), HasSubstr("within"));
    EXPECT_THAT(with("10.77.0.1", "10.77.0.5"), HasSubstr("bridge's own"));
    EXPECT_EQ(with("10.77.0.2", "10.77.0.5"), "no error");
}

TEST(Dnsmasq, KeepsAnAddressForOne) {
    const auto host = [](const char* mac, const char* address) {
        return DhcpHost{SwitchName::from("nat"), MacAddress::from(mac), Ipv4Address::parse(address),
                        DomainName::from("web1")};
    };
    const auto first = host("58:9c:fc:00:00:01", "10.77.0.10");
    EXPECT_EQ(dnsmasq_hosts({first, host("58:9c:fc:00:00:02", "")}),
              "58:9c:fc:00:00:01,10.77.0.10,web1\n58:9c:fc:00:00:02,web1\n");
    EXPECT_THAT(error_of([&] { dnsmasq_hosts({first, first}); }), HasSubstr("twice"));
    EXPECT_THAT(error_of([&] {
                    dnsmasq_hosts({first, host("58:9c:fc:00:00:02", "10.77.0.10")});
                }),
                HasSubstr("10.77.0.10 is given to"));
}

// ---- addresses

TEST(Address, IsOneThatAHostCanHave) {
    for (const auto* good :
         {"10.77.0.1/24", "10.77.0.5", "192.0.2.0/31", "fd00:77::1/64", "2001:db8::1", "223.255.255.254/24"})
        EXPECT_EQ(unusable(good), "") << good;
    for (const auto* bad : {"0.1.2.3/8", "0.0.0.0", "127.0.0.1/8", "169.254.1.1/16", "224.0.0.1/24",
                            "239.1.1.1", "240.0.0.1/8", "255.255.255.1/24", "10.77.0.0/24", "10.77.0.255/24",
                            "::", "::1", "::ffff:10.0.0.1", "fe80::1/64", "ff02::1", "fd00:77::/64"})
        EXPECT_NE(unusable(bad), "") << bad;
}

TEST(Addresses, Overlap) {
    EXPECT_TRUE(overlap("10.77.0.1/24", "10.77.0.200/32"));
    EXPECT_TRUE(overlap("10.0.0.0/8", "10.77.0.1/24"));
    EXPECT_TRUE(overlap("10.77.0.5", "10.77.0.1/24"));
    EXPECT_TRUE(overlap("fd00:77::1/64", "fd00:77::ffff:1/126"));
    EXPECT_FALSE(overlap("10.77.0.1/24", "10.77.1.1/24"));
    EXPECT_FALSE(overlap("192.168.1.1/24", "10.77.1.1/24"));
    EXPECT_FALSE(overlap("fd00:77::1/64", "fd00:78::1/64"));
    EXPECT_FALSE(overlap("::/0", "10.77.0.1/24"));
    EXPECT_FALSE(overlap("10.77.0.1/33", "10.77.0.1/24"));
    EXPECT_TRUE(overlap("fe80::1%em0/64", "fe80::2/64"));
}

TEST(Addresses, Networks) {
    EXPECT_EQ(ipv4_network(Ipv4Prefix::from("10.77.0.130/25")).str(), "10.77.0.128/25");
    EXPECT_EQ(ipv6_network(Ipv6Prefix::from("fd00:77:0:1::9/60")), "fd00:77::/60");
}

// ---- pf

TEST(Pf, KeepsTheRestOfPfConfByteForByte) {
    const std::string own = "# mine\nset skip on lo0\nnat on em0 from 10.0.0.0/8 to any -> (em0)\n\n"
                            "block in all\npass out all \\\n  keep state";
    const auto with = pf_conf_candidate(own, true);
    EXPECT_EQ(with, "# mine\nset skip on lo0\nnat on em0 from 10.0.0.0/8 to any -> (em0)\n\n"
                    "# bHype translation: begin\nnat-anchor \"bhype/*\"\nrdr-anchor \"bhype/*\"\n"
                    "# bHype translation: end\nblock in all\npass out all \\\n  keep state\n"
                    "# bHype filter: begin\nanchor \"bhype/*\"\n# bHype filter: end\n");
    EXPECT_EQ(pf_conf_candidate(with, true), with) << "twice is once";
    EXPECT_EQ(pf_conf_candidate(with, false), own + '\n');
    EXPECT_EQ(pf_conf_state(with), ConfState::complete);
    EXPECT_EQ(pf_conf_state(own), ConfState::missing);
    EXPECT_EQ(pf_conf_state("anchor \"bhype/*\"\n"), ConfState::partial);
    EXPECT_EQ(pf_conf_state("# anchor \"bhype/*\"\n"), ConfState::missing);
    EXPECT_EQ(pf_conf_candidate(pf_conf_candidate("", true), false), "");
}

TEST(Pf, FindsWhereItIsCalled) {
    const auto calls = parse_pf_calls("nat-anchor \"bhype/*\" all\nrdr-anchor \"other\" all\n",
                                      "anchor \"bhype/*\" all\npass all flags S/SA keep state\n");
    EXPECT_TRUE(calls.nat);
    EXPECT_FALSE(calls.rdr);
    EXPECT_TRUE(calls.filter);
}

TEST(Route, TellsTheWayOut) {
    EXPECT_EQ(
        parse_route_interface(printed("   route to: 0.0.0.0\ndestination: 0.0.0.0\n       mask: 0.0.0.0\n"
                                      "    gateway: 192.0.2.1\n        fib: 0\n  interface: em0\n"
                                      "      flags: <UP,GATEWAY,DONE,STATIC>\n"))
            ->str(),
        "em0");
    EXPECT_FALSE(parse_route_interface(printed("", 1, "route: route has not been found\n")));
}

TEST(Dnsmasq, ReadsLeases) {
    const auto leases = parse_leases("1795467243 58:9c:fc:00:00:01 10.77.0.10 web1 01:58:9c:fc:00:00:01\n"
                                     "0 58:9c:fc:00:00:02 10.77.0.11 * *\n"
                                     "duid 00:01:00:01\n"
                                     "1795467243 [1]123 fd00::1 web1 00:01\n"
                                     "agent-info 10.77.0.10 AA\n"
                                     "1795467243 58:9c:fc:00:00:03 10.77.0.1");
    ASSERT_EQ(leases.size(), 2U) << "the half-written last line is left out";
    EXPECT_EQ(leases[0].hostname, "web1");
    EXPECT_EQ(leases[1].hostname, "");
    EXPECT_EQ(leases[1].expires, 0);
    EXPECT_THAT(parse_leases(""), IsEmpty());
}

// ---- facts and disks

TEST(Facts, AreCountedTogether) {
    const std::string text =
        "kern.osreldate: 1403000\nkern.hostname: h: 1.example\nhw.model: Some CPU: X @ 2.0GHz\nhw.ncpu: 8\n"
        "hw.physmem: 17179869184\nhw.pagesize: 4096\nvm.stats.vm.v_free_count: 100\n"
        "vm.stats.vm.v_inactive_count: 20\nvm.stats.vm.v_laundry_count: 3\n"
        "kstat.zfs.misc.arcstats.size: 5000\nkstat.zfs.misc.arcstats.c_min: 1000\n";
    const auto parse = [](const std::string& sysctl) { return parse_facts(facts_sysctl(), printed(sysctl)); };
    const auto facts = parse(text);
    EXPECT_EQ(parse_version(facts_version(), printed("14.3-RELEASE-p1\n")), "14.3-RELEASE-p1");
    EXPECT_EQ(facts.hostname, "h: 1.example");
    EXPECT_EQ(facts.cpu_model, "Some CPU: X @ 2.0GHz");
    EXPECT_EQ(facts.memory_free, ByteSize(123 * 4096 + 4000));
    EXPECT_EQ(facts.max_vcpus, std::nullopt);
    EXPECT_EQ(parse(text + "hw.vmm.maxcpu: 8\n").max_vcpus, 8);
    EXPECT_THAT(error_of([&] { parse(text.substr(text.find('\n') + 1)); }), HasSubstr("kern.osreldate"));
    EXPECT_THAT(error_of([&] { parse(replaced(text, "hw.ncpu: 8", "hw.ncpu: many")); }),
                HasSubstr("hw.ncpu"));
    EXPECT_THAT(loader_conf(), HasSubstr("vmm_load=\"YES\"\n"));
}

TEST(Facts, SysrcTakesNoTextThatShWouldRead) {
    for (const auto* value : {"a\"b", "$(id)", "`id`", "a\\b", "a\nb"})
        EXPECT_THROW(sysrc_set("x_enable", value), Error) << value;
    for (const auto* name : {"", "a-b", "1a", "a%%b", "a+", "-x"})
        EXPECT_THROW(sysrc_set(name, "YES"), Error) << name;
}

std::string confxml(const std::string& more_classes, const std::string& mode = "r0w0e0") {
    std::string disks;
    for (const auto* name : {"nda1", "nda0", "cd0"})
        disks += std::string("<geom id=\"0x1") + name + "\"><name>" + name +
                 "</name><rank>1</rank><config></config><provider id=\"0x2" + name +
                 "\"><geom ref=\"0x1\"/><mode>" + mode + "</mode><name>" + name +
                 "</name><mediasize>21474836480</mediasize><sectorsize>512</"
                 "sectorsize><config><rotationrate>0</rotationrate>"
                 "<ident>S5Y&lt;1</ident><descr>Samsung &amp; Co</descr></config></provider></geom>";
    return "<mesh><class id=\"0xc1\"><name>DISK</name>" + disks + "</class>" + more_classes + "</mesh>\n" +
           std::string(1, '\0');
}

TEST(Disks, AreFreeWhenNobodyHasThem) {
    const auto disks = parse_disks(geom_confxml(), printed(confxml("")), {});
    ASSERT_EQ(disks.size(), 2U) << "CD drives are none";
    EXPECT_EQ(disks[0].name.str(), "nda0");
    EXPECT_EQ(disks[0].size, 20_GiB);
    EXPECT_EQ(disks[0].description, "Samsung & Co");
    EXPECT_EQ(disks[0].ident, "S5Y<1");
    EXPECT_TRUE(disks[0].solid_state);
    EXPECT_EQ(disks[0].used_by, "");
}

TEST(Disks, TellWhatUsesThem) {
    const std::string part =
        "<class id=\"0xc2\"><name>PART</name><geom id=\"0x3\"><name>nda0</name><consumer "
        "id=\"0x4\"><provider ref=\"0x2nda0\"/>"
        "<mode>r1w1e1</mode></consumer><provider "
        "id=\"0x5\"><mode>r1w1e1</mode><name>nda0p1</name></provider></geom></class>"
        "<class id=\"0xc3\"><name>LABEL</name><geom id=\"0x6\"><name>nda0p1</name><consumer "
        "id=\"0x7\"><provider ref=\"0x5\"/></consumer>"
        "<provider id=\"0x8\"><mode>r1w1e1</mode><name>gpt/data</name></provider></geom></class>";
    const auto use = [&](const std::string& xml, const DeviceUses& uses) {
        return parse_disks(geom_confxml(), printed(xml), uses).at(0).used_by;
    };
    EXPECT_EQ(use(confxml(part), {}), "partitions");
    EXPECT_EQ(use(confxml("", "r1w1e1"), {}), "open");
    DeviceUses uses;
    add_pools({{"gpt/data", "tank"}}, "pool ", uses);
    EXPECT_EQ(use(confxml(part), uses), "pool tank") << "through a partition and its label";
    EXPECT_EQ(use(confxml(part), {{"nda0", "exported pool old"}}), "exported pool old");
    uses.clear();
    add_swap(printed("Device:       1024-blocks     Used:\n/dev/nda0p1   2097152         0\n"), uses);
    EXPECT_EQ(use(confxml(part), uses), "swap");
    uses.clear();
    add_mounts(printed("/dev/gpt/data\t\t/data\t\tufs\trw \t1 1\nzroot/usr /usr zfs rw 0 0\n"), uses);
    EXPECT_EQ(use(confxml(part), uses), "mounted on /data");
    EXPECT_EQ(parse_disks(geom_confxml(), printed(confxml(part)), uses).at(1).used_by, "");
}

TEST(Disks, RefuseABrokenMesh) {
    for (const auto& text : {std::string(), std::string("<mesh><class>"), std::string("<other/>"),
                             replaced(confxml(""), "<mediasize>21474836480</mediasize>", "")})
        EXPECT_THAT(error_of([&] { parse_disks(geom_confxml(), printed(text), {}); }),
                    HasSubstr("output_unexpected"));
}

TEST(Dd, TellsHowFarItIs) {
    EXPECT_EQ(parse_dd_progress("  104857600 bytes (105 MB, 100 MiB) transferred 1.002s, 105 MB/s"),
              104857600U);
    EXPECT_EQ(parse_dd_progress("100+0 records in"), std::nullopt);
    EXPECT_EQ(parse_dd_progress(""), std::nullopt);
}

} // namespace
} // namespace bhype::host
