// A bhyped that was taken over: it speaks the protocol as user bhype and asks for what lies outside bHype's
// own tree. The script has put things of others beside it (tank/home, pool foreign, bh-foreign, tap9, a VM
// named foreign, /root/secret) and compares them afterwards.

#include "session.h"

#include "wire/frame.h"

#include <sys/socket.h>
#include <unistd.h>

namespace bhype::test {
namespace {

using Lies = std::vector<json::object>;

const std::string task = "tank/bhype/.new/t00000000000000ff";
const std::string sum(64, '0');

json::object definition(json::object changes = {}) {
    json::object machine = encode(host::Machine{.id = random_uuid()}).as_object();
    for (auto& [key, value] : changes)
        machine[key] = value;
    return machine;
}

/// What each operation is asked for, each to be refused. An operation without its lies does not compile.
template <class Operation>
Lies lies();

#define BHYPE_LIES(OPERATION, ...)                                                                           \
    template <>                                                                                              \
    Lies lies<host::OPERATION>() {                                                                           \
        return {__VA_ARGS__};                                                                                \
    }
#define BHYPE_ASKS_NOTHING(OPERATION) BHYPE_LIES(OPERATION, {{"raw", "x"}})

BHYPE_ASKS_NOTHING(HostFacts)
BHYPE_ASKS_NOTHING(DiskList)
BHYPE_ASKS_NOTHING(PoolList)
BHYPE_ASKS_NOTHING(InterfaceList)
BHYPE_ASKS_NOTHING(LeaseList)
BHYPE_ASKS_NOTHING(GuestList)
BHYPE_ASKS_NOTHING(ModulesEnsure)
BHYPE_LIES(DatasetList, {{"root", "tank"}, {"snapshots", true}}, {{"root", "tank/home"}, {"snapshots", true}},
           {{"root", "foreign/bhype"}, {"snapshots", false}},
           {{"root", "tank/bhype/../home"}, {"snapshots", false}}, {{"root", "-r"}, {"snapshots", false}})
BHYPE_LIES(PoolCreate, {{"pool", "more"}, {"layout", "stripe"}, {"disks", {"nda0"}}},
           {{"pool", "more"}, {"layout", "stripe"}, {"disks", {"nda2"}}},
           {{"pool", "more"}, {"layout", "stripe"}, {"disks", {"nda9"}}},
           {{"pool", "more"}, {"layout", "stripe"}, {"disks", {"/dev/nda2"}}},
           {{"pool", "more"}, {"layout", "stripe"}, {"disks", {"../root/secret"}}},
           {{"pool", "more"}, {"layout", "stripe"}, {"disks", {"-f"}}},
           {{"pool", "-f"}, {"layout", "stripe"}, {"disks", {"nda2"}}},
           {{"pool", "mirror"}, {"layout", "stripe"}, {"disks", {"nda2"}}},
           {{"pool", "more"}, {"layout", "-f"}, {"disks", {"nda2"}}})
BHYPE_LIES(TreeCreate, {{"pool", "foreign"}, {"id", random_uuid().str()}},
           {{"pool", "tank/home"}, {"id", random_uuid().str()}}, {{"pool", "tank"}, {"id", "x -o exec=on"}},
           {{"pool", "none"}, {"id", random_uuid().str()}})
BHYPE_LIES(DatasetCreate, {{"name", "tank/home/x"}}, {{"name", "tank/bhype/vm/x"}},
           {{"name", "tank/bhype/.new/x/y"}}, {{"name", "tank/bhype/.new"}},
           {{"name", task + "/../../../home"}}, {{"name", "foreign/bhype/.new/t00000000000000ff/x"}},
           {{"name", task + "/x"}, {"options", {"mountpoint=/etc"}}})
BHYPE_LIES(VolumeCreate, {{"name", "tank/swap2"}, {"size", 1048576}},
           {{"name", "tank/bhype/vm/web1/x"}, {"size", 1048576}}, {{"name", task + "/v"}, {"size", -1}},
           {{"name", task + "/v -o exec=on"}, {"size", 1048576}},
           {{"name", "foreign/bhype/.new/t00000000000000ff/x"}, {"size", 1048576}})
BHYPE_LIES(SnapshotCreate, {{"dataset", "tank/home"}, {"label", "x"}},
           {{"dataset", "tank/bhype/vm/web1"}, {"label", "x"}}, {{"dataset", task}, {"label", "x@y"}},
           {{"dataset", task}, {"label", "-r"}})
BHYPE_LIES(
    CloneCreate, {{"origin", "tank/home"}, {"label", "keep"}, {"name", task + "/x"}},
    {{"origin", "tank/bhype/../home"}, {"label", "keep"}, {"name", task + "/x"}},
    {{"origin", "foreign/bhype/vm/a"}, {"label", "keep"}, {"name", "foreign/bhype/.new/t00000000000000ff/x"}},
    {{"origin", "foreign/bhype/vm/a"}, {"label", "keep"}, {"name", task + "/x"}},
    {{"origin", "tank/bhype/template/tiny-linux-1/disk0"}, {"label", "template"}, {"name", "tank/home/x"}})
BHYPE_LIES(VolumeGrow, {{"name", "tank/swap"}, {"size", 1073741824}},
           {{"name", "tank/bhype/template/tiny-linux-1/disk0"}, {"size", 1073741824}})
BHYPE_LIES(DatasetPublish, {{"from", "tank/home"}, {"to", "tank/bhype/vm/home"}},
           {{"from", task + "/x"}, {"to", "tank/stolen"}},
           {{"from", task + "/x"}, {"to", "tank/bhype/image/x"}},
           {{"from", task + "/x"}, {"to", "foreign/bhype/vm/x"}}, {{"from", task}, {"to", "tank/bhype/vm/x"}})
BHYPE_LIES(AsideRemove, {{"pool", "tank"}, {"task", "../../home"}}, {{"pool", "tank"}, {"task", ""}},
           {{"pool", "foreign"}, {"task", "t00000000000000ff"}})
BHYPE_LIES(DatasetDestroy, {{"name", "tank"}}, {{"name", "tank/home"}}, {{"name", "tank/bhype"}},
           {{"name", "tank/bhype/vm"}}, {{"name", "tank/bhype/.new"}}, {{"name", "tank/bhype/vm/web1/disk0"}},
           {{"name", "tank/home@keep"}}, {{"name", "foreign/bhype/vm/a"}}, {{"name", "-r"}})
BHYPE_LIES(
    DefinitionWrite, {{"dataset", "tank/home"}, {"machine", definition()}, {"expected", 0}},
    {{"dataset", "tank/bhype/template/tiny-linux-1"}, {"machine", definition()}, {"expected", 0}},
    {{"dataset", "foreign/bhype/vm/a"}, {"machine", definition()}, {"expected", 0}},
    {{"dataset", "tank/bhype/vm/../../home"}, {"machine", definition()}, {"expected", 0}},
    {{"dataset", "tank/bhype/vm/web1"},
     {"machine", definition({{"raw", {"-s", "9,passthru,1/0/0"}}})},
     {"expected", 1}},
    {{"dataset", "tank/bhype/vm/web1"},
     {"machine",
      definition({{"disks",
                   {json::object{{"name", "disk0,ro"}, {"slot", 4}, {"kind", "nvme"}, {"serial", "x"}}}}})},
     {"expected", 1}},
    {{"dataset", "tank/bhype/vm/web1"},
     {"machine",
      definition({{"disks",
                   {json::object{
                       {"name", "disk0"}, {"slot", 4}, {"kind", "nvme"}, {"serial", "x,path=/dev/nda2"}}}}})},
     {"expected", 1}})
BHYPE_LIES(FirmwareCopy, {{"dataset", "tank/home"}}, {{"dataset", "tank/bhype/vm/web1"}},
           {{"dataset", "foreign/bhype/.new/t00000000000000ff/x"}})
BHYPE_LIES(ImageWrite, {{"file", "/root/secret"}, {"sha256", sum}, {"volume", task + "/v"}},
           {{"file", "/etc/shadow"}, {"sha256", sum}, {"volume", task + "/v"}},
           {{"file", "/dev/nda2"}, {"sha256", sum}, {"volume", task + "/v"}},
           {{"file", "/var/db/bhype/own.raw"}, {"sha256", sum}, {"volume", task + "/v"}},
           {{"file", "/var/bhype/images/../../../root/secret"}, {"sha256", sum}, {"volume", task + "/v"}},
           {{"file", "/var/bhype/images/link.raw"}, {"sha256", sum}, {"volume", task + "/v"}},
           {{"file", "/var/bhype/imagesx"}, {"sha256", sum}, {"volume", task + "/v"}},
           {{"file", "/var/bhype/images/tiny-linux.raw"}, {"sha256", sum}, {"volume", "tank/swap"}})
BHYPE_LIES(BridgeEnsure, {{"switch", "foreign"}, {"address", "10.9.0.1/24"}}, {{"switch", "foreign"}},
           {{"switch", "x destroy"}}, {{"switch", "nat"}, {"address", "10.0.0.1/24 group wheel"}})
BHYPE_LIES(TapCreate, {{"vm", "web1"}, {"nic", "net0"}, {"switch", "foreign"}},
           {{"vm", "-x"}, {"nic", "net0"}, {"switch", "nat"}},
           {{"vm", "web1"}, {"nic", "../x"}, {"switch", "nat"}})
BHYPE_LIES(TapsRemove, {{"vm", ""}}, {{"vm", "*"}}, {{"vm", "../x"}})
BHYPE_LIES(DhcpEnsure, {{"ranges", json::array{}}},
           {{"ranges", {json::object{{"switch", "nat"}, {"address", "10.77.0.1/24\ndhcp-script=/tmp/x"}}}}},
           {{"ranges", {json::object{{"switch", "n\ndhcp-script=/tmp/x"}, {"address", "10.77.0.1/24"}}}}},
           {{"ranges", {json::object{{"switch", "nat"}, {"address", "10.77.0.0/24"}}}}},
           {{"ranges", {json::object{{"switch", "nat"}, {"address", "10.77.0.1/24"}}}},
            {"conf-file", "/tmp/x"}})
BHYPE_LIES(GuestStart, {{"vm", "web1"}, {"dataset", "tank/home"}, {"taps", json::array{}}},
           {{"vm", "web1"}, {"dataset", "tank/bhype/vm/web2"}, {"taps", json::array{}}},
           {{"vm", "a"}, {"dataset", "foreign/bhype/vm/a"}, {"taps", json::array{}}},
           {{"vm", "web1"},
            {"dataset", "tank/bhype/vm/web1"},
            {"taps", {json::object{{"nic", "net0"}, {"tap", "tap9"}}}}},
           {{"vm", "web1"},
            {"dataset", "tank/bhype/vm/web1"},
            {"taps", {json::object{{"nic", "net0"}, {"tap", "lo0"}}}}},
           {{"vm", "web1"}, {"dataset", "tank/bhype/vm/web1"}, {"taps", json::array{}}, {"raw", {"-S"}}})
BHYPE_LIES(GuestStop, {{"vm", "foreign"}, {"seconds", 5}}, {{"vm", "web1"}, {"seconds", 100000}},
           {{"vm", "../x"}, {"seconds", 5}})
BHYPE_LIES(GuestKill, {{"vm", "../x"}}, {{"vm", "-9"}})
BHYPE_LIES(GuestReset, {{"vm", "foreign"}}, {{"vm", "../x"}})
BHYPE_LIES(GuestForget, {{"vm", ".."}}, {{"vm", ""}})
BHYPE_LIES(GuestLog, {{"vm", "web1"}, {"dataset", "tank/home"}, {"bytes", 10}},
           {{"vm", "a"}, {"dataset", "foreign/bhype/vm/a"}, {"bytes", 10}},
           {{"vm", "web1"}, {"dataset", "tank/bhype/vm/web1"}, {"bytes", 1000000000}})
BHYPE_LIES(ConsoleOpen, {{"vm", "foreign"}, {"kind", "serial"}, {"mode", "control"}},
           {{"vm", "../x"}, {"kind", "serial"}, {"mode", "control"}},
           {{"vm", "web1"}, {"kind", "tcp"}, {"mode", "control"}})
BHYPE_LIES(PasswordCheck, {{"user", "dev1"}, {"client", "x"}}, {{"user", "a\nb"}, {"client", "x"}},
           {{"user", "-x"}, {"client", "x"}})
BHYPE_LIES(AccountCheck, {{"user", "a\nb"}, {"client", "x"}}, {{"user", "-x"}, {"client", "x"}})

std::optional<Code> refusal(Session& session, std::string_view operation, const json::object& arguments) {
    return code_of([&] { session.host().perform(operation, arguments, 30s, {}); });
}

const std::set<Code> refusals{Code::policy,       Code::invalid_field,  Code::invalid_request,
                              Code::disk_in_use,  Code::dataset_exists, Code::dataset_missing,
                              Code::vm_no_switch, Code::vm_not_running};

TEST(HostileBhyped, GetsNothingByLying) {
    Session session;
    boost::mp11::mp_for_each<boost::mp11::mp_transform<boost::mp11::mp_identity, host::Operations>>(
        [&](auto identity) {
            using Operation = typename decltype(identity)::type;
            const auto all = lies<Operation>();
            EXPECT_FALSE(all.empty()) << Operation::operation;
            for (const auto& arguments : all) {
                const auto code = refusal(session, Operation::operation, arguments);
                EXPECT_TRUE(code && refusals.contains(*code))
                    << Operation::operation << ' ' << json::serialize(arguments) << ": "
                    << (code ? info(*code).id : "was done");
            }
        });
}

TEST(HostileBhyped, CannotMakeUpOperations) {
    Session session;
    for (const auto* name : {"run.command", "file.read", "", "dataset.destroy ", "../guest.start"})
        EXPECT_EQ(refusal(session, name, {{"argv", {"/bin/sh"}}}), Code::policy) << name;
}

/// A definition names a path that is fine in itself; hostd looks where it lies when the machine starts.
TEST(HostileBhyped, CannotGiveAGuestAForeignFile) {
    Session session;
    int number = 0;
    for (const auto* path :
         {"/root/secret", "/var/db/bhype/own.raw", "/var/bhype/images/link.raw", "/dev/nda2"}) {
        const auto name = "evil" + std::to_string(++number);
        const auto place = DatasetName::from(task + "/" + name);
        const auto target = DatasetName::from("tank/bhype/vm/" + name);
        host::Machine machine{.id = random_uuid()};
        machine.cds.push_back({DeviceName::from("cd0"), host::Slot(3), HostPath::from(path)});
        session.perform(host::DatasetCreate{place, machine.id});
        session.perform(host::FirmwareCopy{place});
        session.perform(host::DefinitionWrite{place, machine, 0});
        session.perform(host::DatasetPublish{place, target});
        const auto code = code_of([&] { session.perform(host::GuestStart{VmName::from(name), target, {}}); });
        EXPECT_TRUE(code == Code::policy || code == Code::vm_file_missing) << path;
        session.perform(host::DatasetDestroy{target});
    }
    session.perform(host::AsideRemove{tank, TaskId::from("t00000000000000ff")});
}

TEST(HostileBhyped, CannotTakeAForeignMachinesName) {
    Session session;
    EXPECT_NO_THROW(session.perform(host::GuestForget{VmName::from("foreign")}));
    const auto place = DatasetName::from(task + "/foreign");
    const auto target = DatasetName::from("tank/bhype/vm/foreign");
    const host::Machine machine{.id = random_uuid()};
    session.perform(host::DatasetCreate{place, machine.id});
    session.perform(host::FirmwareCopy{place});
    session.perform(host::DefinitionWrite{place, machine, 0});
    session.perform(host::DatasetPublish{place, target});
    EXPECT_EQ(code_of([&] {
                  session.perform(host::GuestStart{VmName::from("foreign"), target, {}});
              }),
              Code::policy);
    session.perform(host::DatasetDestroy{target});
    session.perform(host::AsideRemove{tank, TaskId::from("t00000000000000ff")});
}

/// The tap that only pretends to be web1's stays.
TEST(HostileBhyped, CannotRemoveForeignTaps) {
    Session session;
    session.perform(host::TapsRemove{vm});
    bool there = false;
    for (const auto& one : session.perform(host::InterfaceList{}))
        there = there || one.name.str() == "tap9";
    EXPECT_TRUE(there);
}

TEST(HostileBhyped, CannotHarmByNoise) {
    for (const std::string& noise :
         {std::string("GET / HTTP/1.0\r\n\r\n"), std::string(100, '\0'), std::string("\x7f\xff\xff\xff", 4),
          std::string("\0\0\0\2[]", 6), std::string("\0\0\0\4{\"a\"", 8)}) {
        const Fd socket = wire::connect_to("/var/run/bhype/hostd.sock");
        ASSERT_TRUE(socket);
        EXPECT_EQ(::send(socket.get(), noise.data(), noise.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(noise.size()));
        ::shutdown(socket.get(), SHUT_WR);
        char byte = 0;
        while (::read(socket.get(), &byte, 1) == 1) {
        }
    }
    Session session;
    EXPECT_NO_THROW(session.perform(host::GuestList{}));
}

/// Run as a person with an account, in group bhype or not.
TEST(Stranger, CannotConnect) {
    EXPECT_FALSE(wire::connect_to("/var/run/bhype/hostd.sock"));
    EXPECT_NE(::access("/tank/bhype/vm", R_OK), 0);
    EXPECT_NE(::access("/var/run/bhype/vmd", R_OK), 0);
    EXPECT_NE(::access("/var/db/bhype", R_OK), 0);
    EXPECT_NE(::access("/var/log/bhype", R_OK), 0);
}

} // namespace
} // namespace bhype::test
