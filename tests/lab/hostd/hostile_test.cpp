// A bhyped that was taken over: it speaks the protocol as user bhype and asks for what lies outside bHype's
// own tree. The script has put things of others beside it (tank/home, pool foreign, bh-foreign, tap9, a VM
// named foreign, /root/secret) and compares them afterwards.

#include "session.h"

#include "wire/frame.h"

#include <sys/socket.h>
#include <unistd.h>

namespace bhype::test {
namespace {

/// Arguments, and the code with which they must be refused. What they name exists, so that the refusal is the
/// policy's.
struct Lie {
    Code code;
    json::object arguments;
};
using Lies = std::vector<Lie>;

const std::string task = "tank/bhype/.new/t00000000000000ff";
const std::string foreign_task = "foreign/bhype/.new/t00000000000000ff";
const std::string sum(64, '0');
constexpr auto policy = Code::policy;
constexpr auto field = Code::invalid_field;

json::object definition(json::object changes = {}) {
    json::object machine = encode(host::Machine{.id = random_uuid()}).as_object();
    for (auto& [key, value] : changes)
        machine[key] = value;
    return machine;
}

json::object disk(const char* name, const char* serial) {
    return {{"disks", {json::object{{"name", name}, {"slot", 4}, {"kind", "nvme"}, {"serial", serial}}}}};
}

json::object range(const char* name, const char* address) {
    return {{"ranges", {json::object{{"switch", name}, {"address", address}}}}};
}

json::object disks_of(const char* disk, const char* role = "data", const char* layout = "stripe") {
    return {{"role", role}, {"layout", layout}, {"disks", json::array{disk}}};
}

/// What each operation is asked for, each to be refused. An operation without its lies does not compile.
template <class Operation>
Lies lies();

#define BHYPE_LIES(OPERATION, ...)                                                                           \
    template <>                                                                                              \
    Lies lies<host::OPERATION>() {                                                                           \
        return {__VA_ARGS__};                                                                                \
    }
#define BHYPE_ASKS_NOTHING(OPERATION) BHYPE_LIES(OPERATION, {field, {{"raw", "x"}}})

BHYPE_ASKS_NOTHING(HostFacts)
BHYPE_ASKS_NOTHING(DiskList)
BHYPE_ASKS_NOTHING(PoolList)
BHYPE_ASKS_NOTHING(PoolStatus)
BHYPE_ASKS_NOTHING(PoolImportable)
BHYPE_LIES(SecretKeep, {Code::invalid_request, json::object{}}, {field, {{"secret", "in the frame"}}})
BHYPE_LIES(PoolUnlock, {policy, {{"pool", "tank"}, {"secret", "s0123456789abcdef0123456789abcdef"}}},
           {Code::dataset_missing, {{"pool", "none"}}},
           {field, {{"pool", "tank"}, {"secret", "file:///etc/passwd"}}}, {field, {{"pool", "-a"}}})
BHYPE_LIES(PoolLock, {policy, {{"pool", "tank"}}}, {Code::dataset_missing, {{"pool", "none"}}},
           {field, {{"pool", "-a"}}})
BHYPE_ASKS_NOTHING(InterfaceList)
BHYPE_ASKS_NOTHING(LeaseList)
BHYPE_ASKS_NOTHING(NeighborList)
BHYPE_ASKS_NOTHING(TrafficList)
BHYPE_ASKS_NOTHING(FirewallShow)
BHYPE_ASKS_NOTHING(UplinkShow)
BHYPE_ASKS_NOTHING(GuestList)
BHYPE_ASKS_NOTHING(ModulesEnsure)
BHYPE_LIES(DatasetList, {policy, {{"root", "tank"}, {"snapshots", true}}},
           {policy, {{"root", "tank/home"}, {"snapshots", true}}},
           {policy, {{"root", "foreign/bhype"}, {"snapshots", false}}},
           {field, {{"root", "tank/bhype/../home"}, {"snapshots", false}}},
           {field, {{"root", "-r"}, {"snapshots", false}}})
BHYPE_LIES(PoolCreate, {Code::disk_in_use, {{"pool", "more"}, {"groups", {disks_of("nda0")}}}},
           {Code::disk_in_use, {{"pool", "more"}, {"groups", {disks_of("nda2")}}}},
           {policy, {{"pool", "more"}, {"groups", {disks_of("nda9")}}}},
           {field, {{"pool", "more"}, {"groups", {disks_of("/dev/nda2")}}}},
           {field, {{"pool", "more"}, {"groups", {disks_of("../root/secret")}}}},
           {field, {{"pool", "more"}, {"groups", {disks_of("-f")}}}},
           {field, {{"pool", "more"}, {"groups", json::array()}}},
           {field, {{"pool", "more"}, {"groups", {disks_of("nda3", "cache")}}}},
           {field, {{"pool", "-f"}, {"groups", {disks_of("nda3")}}}},
           {field, {{"pool", "mirror"}, {"groups", {disks_of("nda3")}}}},
           {field, {{"pool", "more"}, {"groups", {disks_of("nda3", "data", "-f")}}}})
BHYPE_LIES(PoolImport, {Code::pool_exists, {{"guid", "12"}, {"pool", "tank"}}},
           {Code::dataset_missing, {{"guid", "12"}, {"pool", "more"}}},
           {field, {{"guid", "-a"}, {"pool", "more"}}}, {field, {{"guid", "tank"}, {"pool", "more"}}},
           {field, {{"guid", "12"}, {"pool", "-R/"}}})
BHYPE_LIES(PoolExport, {field, {{"pool", "-a"}}}, {field, {{"pool", "tank/bhype"}}},
           {policy, {{"pool", "tank"}}})
BHYPE_LIES(PoolScrub, {Code::dataset_missing, {{"pool", "none"}, {"action", "start"}}},
           {field, {{"pool", "tank"}, {"action", "-s"}}})
BHYPE_LIES(PoolTrim, {Code::dataset_missing, {{"pool", "none"}, {"action", "start"}}},
           {field, {{"pool", "tank"}, {"action", "-s"}}})
BHYPE_LIES(PoolClear, {Code::dataset_missing, {{"pool", "none"}}},
           {Code::device_missing, {{"pool", "tank"}, {"device", "nda2"}}},
           {field, {{"pool", "tank"}, {"device", "-F"}}}, {field, {{"pool", "tank"}, {"device", "../nda0"}}})
BHYPE_LIES(PoolAdd, {Code::disk_in_use, {{"pool", "tank"}, {"group", disks_of("nda2")}}},
           {Code::disk_in_use, {{"pool", "tank"}, {"group", disks_of("nda0", "cache")}}},
           {Code::dataset_missing, {{"pool", "none"}, {"group", disks_of("nda3")}}},
           {Code::command_failed, {{"pool", "tank"}, {"group", disks_of("nda3")}}},
           {field, {{"pool", "tank"}, {"group", disks_of("-f")}}})
BHYPE_LIES(DiskWipe, {Code::disk_in_use, {{"disk", "nda0"}}}, {Code::disk_in_use, {{"disk", "nda2"}}},
           {policy, {{"disk", "nda9"}}}, {field, {{"disk", "-f"}}}, {field, {{"disk", "/dev/nda0"}}})
BHYPE_LIES(DiskHealth, {policy, {{"disk", "nda9"}}}, {policy, {{"disk", "mem0"}}},
           {policy, {{"disk", "nvme0"}}}, {field, {{"disk", "-x"}}}, {field, {{"disk", "/dev/nda0"}}},
           {field, {{"disk", "../root/secret"}}}, {field, json::object{}})
BHYPE_LIES(SpaceList, {field, {{"pool", "tank/home"}}}, {field, {{"pool", "-r"}}})
BHYPE_LIES(DatasetLimit, {policy, {{"dataset", "tank/home"}, {"quota", 0}, {"reservation", 0}}},
           {policy, {{"dataset", "tank/bhype"}, {"quota", 1048576}, {"reservation", 0}}},
           {policy, {{"dataset", "foreign/bhype/vm/a"}, {"quota", 0}, {"reservation", 0}}},
           {field, {{"dataset", "tank/bhype/vm/web1"}, {"quota", -1}, {"reservation", 0}}},
           {field, {{"dataset", "-r"}, {"quota", 0}, {"reservation", 0}}})
BHYPE_LIES(DiskGrow, {policy, {{"volume", "tank/swap"}, {"size", 1073741824}}},
           {policy, {{"volume", "foreign/bhype/vm/a/disk0"}, {"size", 1073741824}}},
           {policy, {{"volume", "tank/bhype/vm/web1/disk0"}, {"size", 1048576}}},
           {policy, {{"volume", "tank/bhype/template/tiny-linux-1/disk0"}, {"size", 1073741824}}})
BHYPE_LIES(DevicePut, {Code::disk_in_use, {{"pool", "tank"}, {"device", "nda0"}, {"disk", "nda2"}}},
           {Code::device_missing, {{"pool", "tank"}, {"device", "nda2"}, {"disk", "nda3"}}},
           {policy, {{"pool", "tank"}, {"device", "nda0"}, {"disk", "nda9"}}},
           {field, {{"pool", "tank"}, {"device", "-f"}, {"disk", "nda3"}}},
           {field, {{"pool", "tank"}, {"device", "nda0"}, {"disk", "-s"}}})
BHYPE_LIES(DeviceChange,
           {Code::device_missing, {{"pool", "tank"}, {"device", "nda2"}, {"action", "offline"}}},
           {Code::dataset_missing, {{"pool", "none"}, {"device", "nda2"}, {"action", "offline"}}},
           {field, {{"pool", "tank"}, {"device", "-f"}, {"action", "offline"}}},
           {field, {{"pool", "tank"}, {"device", "nda0"}, {"action", "destroy"}}})
BHYPE_LIES(TreeCreate, {Code::dataset_exists, {{"pool", "foreign"}, {"id", random_uuid().str()}}},
           {field, {{"pool", "tank/home"}, {"id", random_uuid().str()}}},
           {field, {{"pool", "tank"}, {"id", "x -o exec=on"}}})
BHYPE_LIES(DatasetCreate, {policy, {{"name", "tank/home/x"}}}, {policy, {{"name", "tank/bhype/vm/x"}}},
           {policy, {{"name", "tank/bhype/.new/x/y"}}}, {policy, {{"name", "tank/bhype/.new"}}},
           {field, {{"name", task + "/../../../home"}}}, {policy, {{"name", foreign_task + "/y"}}},
           {field, {{"name", task + "/y"}, {"options", {"mountpoint=/etc"}}}})
BHYPE_LIES(VolumeCreate, {policy, {{"name", "tank/swap2"}, {"size", 1048576}}},
           {policy, {{"name", "tank/bhype/vm/web1/x"}, {"size", 1048576}}},
           {field, {{"name", task + "/y"}, {"size", -1}}},
           {field, {{"name", task + "/y -o exec=on"}, {"size", 1048576}}},
           {policy, {{"name", foreign_task + "/y"}, {"size", 1048576}}})
BHYPE_LIES(SnapshotCreate, {policy, {{"dataset", "tank/home"}, {"label", "x"}}},
           {policy, {{"dataset", "tank/bhype/vm/web1"}, {"label", "x"}}},
           {policy, {{"dataset", foreign_task + "/x"}, {"label", "x"}}},
           {field, {{"dataset", task}, {"label", "x@y"}}}, {field, {{"dataset", task}, {"label", "-r"}}})
BHYPE_LIES(
    CloneCreate, {policy, {{"origin", "tank/swap"}, {"label", "keep"}, {"name", task + "/y"}}},
    {field, {{"origin", "tank/bhype/../swap"}, {"label", "keep"}, {"name", task + "/y"}}},
    {policy, {{"origin", "foreign/bhype/vm/a"}, {"label", "keep"}, {"name", foreign_task + "/y"}}},
    {policy, {{"origin", "foreign/bhype/vm/a"}, {"label", "keep"}, {"name", task + "/y"}}},
    {policy,
     {{"origin", "tank/bhype/template/tiny-linux-1/disk0"}, {"label", "template"}, {"name", "tank/home/x"}}})
BHYPE_LIES(
    VolumeCopy, {policy, {{"origin", "tank/swap"}, {"label", "keep"}, {"name", task + "/y"}}},
    {field, {{"origin", "tank/bhype/../swap"}, {"label", "keep"}, {"name", task + "/y"}}},
    {policy, {{"origin", "foreign/bhype/vm/a"}, {"label", "keep"}, {"name", task + "/y"}}},
    {policy,
     {{"origin", "tank/bhype/template/tiny-linux-1/disk0"}, {"label", "template"}, {"name", "tank/home/x"}}},
    {policy,
     {{"origin", "tank/bhype/template/tiny-linux-1/disk0"},
      {"label", "template"},
      {"name", "tank/bhype/vm/web1/x"}}})
BHYPE_LIES(VolumePromote, {policy, {{"volume", "tank/swap"}}}, {policy, {{"volume", "tank/bhype/vm/web1"}}},
           {policy, {{"volume", "tank/bhype/template/tiny-linux-1/disk0"}}},
           {policy, {{"volume", "foreign/bhype/vm/a/disk0"}}},
           {field, {{"volume", "tank/bhype/vm/web1/../../../home"}}})
BHYPE_LIES(VolumeGrow, {policy, {{"name", "tank/swap"}, {"size", 1073741824}}},
           {policy, {{"name", "tank/bhype/vm/web1/disk0"}, {"size", 1073741824}}},
           {policy, {{"name", "tank/bhype/template/tiny-linux-1/disk0"}, {"size", 1073741824}}})
BHYPE_LIES(DatasetPublish, {policy, {{"from", "tank/home"}, {"to", "tank/bhype/vm/home"}}},
           {policy, {{"from", task + "/x"}, {"to", "tank/stolen"}}},
           {policy, {{"from", task + "/x"}, {"to", "tank/bhype/image/x"}}},
           {policy, {{"from", task + "/x"}, {"to", "foreign/bhype/vm/x"}}},
           {policy, {{"from", foreign_task + "/x"}, {"to", "foreign/bhype/vm/x"}}},
           {policy, {{"from", "tank/bhype/.new"}, {"to", "tank/bhype/vm/x"}}},
           {Code::dataset_exists, {{"from", task + "/x"}, {"to", "tank/bhype/vm/web1"}}})
BHYPE_LIES(AsideRemove, {field, {{"pool", "tank"}, {"task", "../../home"}}},
           {field, {{"pool", "tank"}, {"task", ""}}},
           {policy, {{"pool", "foreign"}, {"task", "t00000000000000ff"}}})
BHYPE_LIES(DatasetDestroy, {policy, {{"name", "tank"}}}, {policy, {{"name", "tank/home"}}},
           {policy, {{"name", "tank/bhype"}}}, {policy, {{"name", "tank/bhype/vm"}}},
           {policy, {{"name", "tank/bhype/.new"}}}, {policy, {{"name", "tank/bhype/vm/web1/disk0"}}},
           {field, {{"name", "tank/home@keep"}}}, {policy, {{"name", "foreign/bhype/vm/a"}}},
           {field, {{"name", "-r"}}})
BHYPE_LIES(
    DefinitionWrite, {policy, {{"dataset", "tank/home"}, {"machine", definition()}, {"expected", 0}}},
    {policy, {{"dataset", "tank/bhype/template/tiny-linux-1"}, {"machine", definition()}, {"expected", 0}}},
    {policy, {{"dataset", "foreign/bhype/vm/a"}, {"machine", definition()}, {"expected", 0}}},
    {field, {{"dataset", "tank/bhype/vm/../../home"}, {"machine", definition()}, {"expected", 0}}},
    {field,
     {{"dataset", "tank/bhype/vm/web1"},
      {"machine", definition({{"raw", {"-s", "9,passthru,1/0/0"}}})},
      {"expected", 1}}},
    {field,
     {{"dataset", "tank/bhype/vm/web1"}, {"machine", definition(disk("disk0,ro", "x"))}, {"expected", 1}}},
    {field,
     {{"dataset", "tank/bhype/vm/web1"},
      {"machine", definition(disk("disk0", "x,path=/dev/nda2"))},
      {"expected", 1}}})
BHYPE_LIES(FirmwareCopy,
           {policy,
            {{"dataset", task + "/x"}, {"from", json::object{{"dataset", "tank/home"}, {"label", "keep"}}}}},
           {policy,
            {{"dataset", task + "/x"},
             {"from", json::object{{"dataset", "foreign/bhype/vm/a"}, {"label", "keep"}}}}},
           {policy, {{"dataset", "tank/home"}}}, {policy, {{"dataset", "tank/bhype/vm/web1"}}},
           {policy, {{"dataset", foreign_task + "/x"}}})
BHYPE_LIES(SnapshotList, {policy, {{"dataset", "tank/home"}}}, {policy, {{"dataset", "tank/bhype"}}},
           {policy, {{"dataset", "foreign/bhype/vm/a"}}}, {field, {{"dataset", "tank/bhype/vm/x@y"}}})
json::object snapshot_of(const char* dataset, const char* label = "x") {
    return {{"datasets", {dataset}},
            {"label", label},
            {"made_by", "plan x"},
            {"live", json::array{}},
            {"note", ""}};
}
BHYPE_LIES(GuestSnapshot, {policy, snapshot_of("tank/home")},
           {policy, snapshot_of("tank/bhype/vm/web1/disk0")}, {policy, snapshot_of("tank/bhype")},
           {policy, snapshot_of("foreign/bhype/vm/a")}, {field, snapshot_of("tank/bhype/vm/web1", "-r")},
           {field, snapshot_of("tank/bhype/vm/web1", "x y")},
           {policy,
            {{"datasets", {"tank/bhype/vm/web1", "foreign/bhype/vm/a"}},
             {"label", "x"},
             {"made_by", ""},
             {"live", json::array{}},
             {"note", ""}}},
           {field,
            {{"datasets", {"tank/bhype/vm/web1"}},
             {"label", "x"},
             {"made_by", "a\n-o setuid=on"},
             {"live", {"a b"}},
             {"note", ""}}})
BHYPE_LIES(SnapshotReclaim, {policy, {{"dataset", "tank/home"}, {"labels", {"keep"}}}},
           {policy, {{"dataset", "foreign/bhype/vm/a"}, {"labels", {"keep"}}}},
           {field, {{"dataset", "tank/bhype/vm/web1"}, {"labels", {"keep%"}}}})
BHYPE_LIES(SnapshotDestroy, {policy, {{"dataset", "tank/home"}, {"labels", {"keep"}}, {"below", true}}},
           {policy, {{"dataset", "tank/bhype"}, {"labels", {"keep"}}, {"below", true}}},
           {policy, {{"dataset", "foreign/bhype/vm/a"}, {"labels", {"keep"}}, {"below", true}}},
           {field, {{"dataset", "tank/bhype/vm/web1"}, {"labels", json::array{}}, {"below", true}}},
           {field, {{"dataset", "tank/bhype/vm/web1"}, {"labels", {"%"}}, {"below", true}}},
           {field, {{"dataset", "tank/bhype/vm/web1"}, {"labels", {"a,b"}}, {"below", true}}})
BHYPE_LIES(SnapshotHold, {policy, {{"dataset", "tank/home"}, {"label", "keep"}, {"held", false}}},
           {policy, {{"dataset", "foreign/bhype/vm/a"}, {"label", "keep"}, {"held", true}}},
           {field, {{"dataset", "tank/bhype/vm/web1"}, {"label", "-r"}, {"held", true}}})
BHYPE_LIES(SnapshotNote, {policy, {{"dataset", "tank/home"}, {"label", "keep"}, {"note", "x"}}},
           {policy, {{"dataset", "foreign/bhype/vm/a"}, {"label", "keep"}, {"note", "x"}}},
           {field, {{"dataset", "tank/bhype/vm/web1"}, {"label", "keep"}, {"note", "a\tb"}}})
BHYPE_LIES(VolumeRollback, {policy, {{"volume", "tank/swap"}, {"label", "keep"}}},
           {policy, {{"volume", "tank/bhype/vm/web1"}, {"label", "keep"}}},
           {policy, {{"volume", "tank/bhype/template/tiny-linux-1/disk0"}, {"label", "template"}}},
           {policy, {{"volume", "foreign/bhype/vm/a/disk0"}, {"label", "keep"}}},
           {field, {{"volume", "tank/bhype/vm/web1/../../../home"}, {"label", "keep"}}})
BHYPE_LIES(FirmwareRestore, {policy, {{"dataset", "tank/home"}, {"label", "keep"}}},
           {policy, {{"dataset", "foreign/bhype/vm/a"}, {"label", "keep"}}},
           {field, {{"dataset", "tank/bhype/vm/web1"}, {"label", ".."}}},
           {Code::vm_file_missing, {{"dataset", "tank/bhype/vm/web1"}, {"label", "none"}}})
BHYPE_LIES(SnapshotDefinition, {policy, {{"dataset", "tank/home"}, {"label", "keep"}}},
           {policy, {{"dataset", "foreign/bhype/vm/a"}, {"label", "keep"}}},
           {field, {{"dataset", "tank/bhype/vm/web1"}, {"label", "../../home"}}})
BHYPE_LIES(
    SnapshotLook,
    {policy, {{"volume", "tank/home"}, {"label", "keep"}, {"path", "/"}, {"from", 0}, {"limit", 1}}},
    {policy, {{"volume", "tank/bhype/vm/web1"}, {"label", "keep"}, {"path", "/"}, {"from", 0}, {"limit", 1}}},
    {policy,
     {{"volume", "foreign/bhype/vm/a/disk0"}, {"label", "keep"}, {"path", "/"}, {"from", 0}, {"limit", 1}}},
    {policy,
     {{"volume", "tank/bhype/template/tiny-linux-1/disk0"},
      {"label", "template"},
      {"path", "/"},
      {"from", 0},
      {"limit", 1}}},
    {field,
     {{"volume", "tank/bhype/vm/web1/disk0"}, {"label", "-r"}, {"path", "/"}, {"from", 0}, {"limit", 1}}},
    {field,
     {{"volume", "tank/bhype/vm/web1/disk0"},
      {"label", "keep"},
      {"path", "/../etc"},
      {"from", 0},
      {"limit", 1}}},
    {field,
     {{"volume", "tank/bhype/vm/web1/disk0"},
      {"label", "keep"},
      {"partition", "-"},
      {"path", "/"},
      {"from", 0},
      {"limit", 1}}},
    {field,
     {{"volume", "tank/bhype/vm/web1/disk0"},
      {"label", "keep"},
      {"path", "/"},
      {"from", 0},
      {"limit", 1001}}})
BHYPE_LIES(SnapshotFile, {policy, {{"volume", "tank/home"}, {"label", "keep"}, {"path", "/etc/shadow"}}},
           {policy, {{"volume", "tank/bhype/.new/look-1"}, {"label", "keep"}, {"path", "/etc/shadow"}}},
           {policy, {{"volume", "foreign/bhype/vm/a/disk0"}, {"label", "keep"}, {"path", "/etc/shadow"}}},
           {field, {{"volume", "tank/bhype/vm/web1/disk0"}, {"label", "keep"}, {"path", "etc/shadow"}}},
           {field, {{"volume", "tank/bhype/vm/web1/disk0"}, {"label", "a,b"}, {"path", "/etc/shadow"}}})
BHYPE_LIES(ImageWrite, {policy, {{"file", "/root/secret"}, {"sha256", sum}, {"volume", task + "/v"}}},
           {policy, {{"file", "/etc/shadow"}, {"sha256", sum}, {"volume", task + "/v"}}},
           {policy, {{"file", "/dev/nda2"}, {"sha256", sum}, {"volume", task + "/v"}}},
           {policy, {{"file", "/var/db/bhype/own.raw"}, {"sha256", sum}, {"volume", task + "/v"}}},
           {field,
            {{"file", "/var/bhype/images/../../../root/secret"}, {"sha256", sum}, {"volume", task + "/v"}}},
           {policy, {{"file", "/var/bhype/images/link.raw"}, {"sha256", sum}, {"volume", task + "/v"}}},
           {policy, {{"file", "/var/bhype/imagesx/secret"}, {"sha256", sum}, {"volume", task + "/v"}}},
           {policy, {{"file", "/var/bhype/images/tiny-linux.raw"}, {"sha256", sum}, {"volume", "tank/swap"}}})
BHYPE_LIES(BridgeEnsure, {policy, {{"switch", "foreign"}, {"address", "10.9.0.1/24"}}},
           {policy, {{"switch", "foreign"}}}, {field, {{"switch", "x destroy"}}},
           {field, {{"switch", "nat"}, {"address", "10.0.0.1/24 group wheel"}}})
BHYPE_LIES(BridgeDetach, {policy, {{"switch", "foreign"}, {"uplink", "tap9"}}},
           {field, {{"switch", "nat"}, {"uplink", "em0 destroy"}}},
           {field, {{"switch", "-a"}, {"uplink", "em0"}}})
BHYPE_LIES(BridgeRemove, {policy, {{"switch", "foreign"}}}, {field, {{"switch", "nat destroy"}}},
           {field, {{"switch", "../x"}}})
BHYPE_LIES(TapCreate, {Code::vm_no_switch, {{"vm", "web1"}, {"nic", "net0"}, {"bridge", "em0"}}},
           {Code::vm_no_switch, {{"vm", "web1"}, {"nic", "net0"}, {"bridge", "lo0"}}},
           {field, {{"vm", "-x"}, {"nic", "net0"}, {"bridge", "bh-nat"}}},
           {field, {{"vm", "web1"}, {"nic", "../x"}, {"bridge", "bh-nat"}}},
           {field, {{"vm", "web1"}, {"nic", "net0"}, {"bridge", "bh-nat name lo0"}}})
BHYPE_LIES(TapsRemove, {field, {{"vm", ""}}}, {field, {{"vm", "*"}}}, {field, {{"vm", "../x"}}})
BHYPE_LIES(DhcpEnsure, {field, range("nat", "10.77.0.1/24\ndhcp-script=/tmp/x")},
           {field, range("n\ndhcp-script=/tmp/x", "10.77.0.1/24")}, {field, range("nat", "10.77.0.0/24")},
           {field,
            {{"ranges", {json::object{{"switch", "nat"}, {"address", "10.77.0.1/24"}}}},
             {"conf-file", "/tmp/x"}}})
json::object rules(json::object changes) {
    json::object item{{"switch", "nat"}, {"nat", true}, {"reach_host", false}, {"address", "10.77.0.1/24"}};
    for (auto& [key, value] : changes)
        item[key] = value;
    return {{"switches", {item}}, {"forwards", json::array{}}};
}
json::object forwards(json::object changes) {
    json::object item{{"protocol", "tcp"}, {"port", 8080}, {"to", "10.77.0.9"}, {"to_port", 80}};
    for (auto& [key, value] : changes)
        item[key] = value;
    return {{"switches", json::array{}}, {"forwards", {item}}};
}
BHYPE_LIES(RoutingEnsure, {field, {{"inet", "yes"}}},
           {field, {{"inet", true}, {"sysctl", "security.bsd.see_other_uids"}}})
BHYPE_LIES(FirewallEnsure, {field, rules({{"switch", "nat }\npass all"}})},
           {field, rules({{"address", "10.77.0.1/24 to any"}})}, {field, rules({{"uplink", "em0 pass"}})},
           {field, rules({{"raw", "pass all"}})}, {field, forwards({{"to", "10.0.0.1 port 22"}})},
           {field, forwards({{"port", 0}})}, {field, forwards({{"port", 70000}})},
           {field, forwards({{"protocol", "tcp pass"}})})
BHYPE_LIES(FirewallInstall, {field, {{"present", "yes"}}},
           {field, {{"present", true}, {"file", "/etc/master.passwd"}}})

json::object bridged(json::object changes) {
    json::object change{{"kind", "bridge"}, {"present", true}, {"ports", {"em0"}}, {"switch", "public"}};
    for (auto& [key, value] : changes)
        change[key] = value;
    return {{"change", change}};
}
json::object applied(json::object arguments, std::int64_t seconds = 60) {
    arguments["id"] = "t00000000000000ff";
    arguments["seconds"] = seconds;
    return arguments;
}
constexpr auto impossible = Code::switch_refused;
BHYPE_LIES(UplinkPlan, {impossible, bridged({{"switch", "foreign"}})},
           {impossible, bridged({{"ports", {"tap9"}}})}, {impossible, bridged({{"ports", {"em7"}}})},
           {field, bridged({{"ports", {"em0 destroy"}}})}, {field, bridged({{"kind", "wg"}})},
           {field, bridged({{"address", "10.0.0.1/24 alias"}})})
BHYPE_LIES(PortList, {field, {{"ports", json::array{}}}}, {field, {{"ports", {0}}}},
           {field, {{"ports", {"53 -a"}}}})
BHYPE_LIES(DhcpTest, {field, {{"range", {{"switch", "x y"}}}}},
           {field, {{"range", {{"switch", "nat"}, {"address", "10.77.0.1/24; x"}}}}},
           {field, {{"range", {{"switch", "nat"}}}}})
BHYPE_LIES(UplinkApply, {impossible, applied(bridged({{"switch", "foreign"}}))},
           {impossible, applied(bridged({{"ports", {"tap9"}}}))}, {field, applied(bridged({}), 1)},
           {field, applied(bridged({}), 86400)}, {field, applied(bridged({{"ports", {"-a"}}}))})
BHYPE_LIES(UplinkConfirm, {Code::uplink_over, {{"id", "t0000000000000000"}}}, {field, {{"id", 5}}},
           {field, {{"id", "../x"}}})
BHYPE_LIES(UplinkRevert, {field, {{"id", 5}}},
           {field, {{"id", "t0000000000000000"}, {"change", json::object{}}}})
BHYPE_LIES(GuestStart, {policy, {{"vm", "web1"}, {"dataset", "tank/home"}, {"taps", json::array{}}}},
           {policy, {{"vm", "web1"}, {"dataset", "tank/bhype/vm/web2"}, {"taps", json::array{}}}},
           {policy,
            {{"vm", "web1"}, {"dataset", "tank/bhype/template/tiny-linux-1"}, {"taps", json::array{}}}},
           {policy, {{"vm", "a"}, {"dataset", "foreign/bhype/vm/a"}, {"taps", json::array{}}}},
           {policy,
            {{"vm", "web1"},
             {"dataset", "tank/bhype/vm/web1"},
             {"taps", {json::object{{"nic", "net0"}, {"tap", "tap9"}}}}}},
           {policy,
            {{"vm", "web1"},
             {"dataset", "tank/bhype/vm/web1"},
             {"taps", {json::object{{"nic", "net0"}, {"tap", "lo0"}}}}}},
           {field,
            {{"vm", "web1"}, {"dataset", "tank/bhype/vm/web1"}, {"taps", json::array{}}, {"raw", {"-S"}}}})
BHYPE_LIES(GuestStop, {Code::vm_not_running, {{"vm", "foreign"}, {"seconds", 5}}},
           {field, {{"vm", "web1"}, {"seconds", 100000}}}, {field, {{"vm", "../x"}, {"seconds", 5}}})
BHYPE_LIES(GuestKill, {field, {{"vm", "../x"}}}, {field, {{"vm", "-9"}}})
BHYPE_LIES(GuestReset, {Code::vm_not_running, {{"vm", "foreign"}}}, {field, {{"vm", "../x"}}})
BHYPE_LIES(GuestForget, {field, {{"vm", ".."}}}, {field, {{"vm", ""}}})
BHYPE_LIES(GuestLog, {policy, {{"vm", "web1"}, {"dataset", "tank/home"}, {"bytes", 10}}},
           {policy, {{"vm", "web1"}, {"dataset", "tank/bhype/vm/web2"}, {"bytes", 10}}},
           {policy, {{"vm", "a"}, {"dataset", "foreign/bhype/vm/a"}, {"bytes", 10}}},
           {field, {{"vm", "web1"}, {"dataset", "tank/bhype/vm/web1"}, {"bytes", 1000000000}}})
BHYPE_LIES(ConsoleOpen, {Code::vm_not_running, {{"vm", "foreign"}, {"kind", "serial"}, {"mode", "control"}}},
           {field, {{"vm", "../x"}, {"kind", "serial"}, {"mode", "control"}}},
           {field, {{"vm", "web1"}, {"kind", "tcp"}, {"mode", "control"}}})
BHYPE_LIES(PasswordCheck, {Code::invalid_request, {{"user", "dev1"}, {"client", "x"}}},
           {field, {{"user", "a\nb"}, {"client", "x"}}}, {field, {{"user", "-x"}, {"client", "x"}}})
BHYPE_LIES(AccountCheck, {field, {{"user", "a\nb"}, {"client", "x"}}},
           {field, {{"user", "-x"}, {"client", "x"}}})

std::optional<Code> refusal(Session& session, std::string_view operation, const json::object& arguments) {
    return code_of([&] { session.host().perform(operation, arguments, 30s, {}); });
}

std::string id_of(const std::optional<Code>& code) {
    return std::string(code ? info(*code).id : "was done");
}

/// A VM of bHype's own, stopped.
DatasetName make_machine(Session& session, const std::string& name, const host::Machine& machine) {
    const auto place = DatasetName::from(task + "/" + name);
    const auto target = DatasetName::from("tank/bhype/vm/" + name);
    session.perform(host::DatasetCreate{place, machine.id});
    session.perform(host::FirmwareCopy{place});
    session.perform(host::DefinitionWrite{place, machine, 0});
    session.perform(host::DatasetPublish{place, target});
    return target;
}

void remove_aside(Session& session) {
    session.perform(host::AsideRemove{tank, TaskId::from("t00000000000000ff")});
}

TEST(HostileBhyped, GetsNothingByLying) {
    Session session;
    const auto web2 = make_machine(session, "web2", {.id = random_uuid()});
    session.perform(host::DatasetCreate{DatasetName::from(task + "/x"), {}});
    session.perform(host::VolumeCreate{DatasetName::from(task + "/v"), 64_MiB});
    boost::mp11::mp_for_each<boost::mp11::mp_transform<boost::mp11::mp_identity, host::Operations>>(
        [&](auto identity) {
            using Operation = typename decltype(identity)::type;
            const auto all = lies<Operation>();
            EXPECT_FALSE(all.empty()) << Operation::operation;
            for (const auto& [code, arguments] : all)
                EXPECT_EQ(id_of(refusal(session, Operation::operation, arguments)), info(code).id)
                    << Operation::operation << ' ' << json::serialize(arguments);
        });
    session.perform(host::DatasetDestroy{web2});
    remove_aside(session);
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
    for (const auto& [path, wanted] : {std::pair("/root/secret", Code::policy),
                                       {"/var/db/bhype/own.raw", Code::policy},
                                       {"/dev/nda2", Code::policy},
                                       {"/var/bhype/images/link.raw", Code::vm_file_missing}}) {
        const auto name = "evil" + std::to_string(++number);
        host::Machine machine{.id = random_uuid()};
        machine.cds.push_back({DeviceName::from("cd0"), host::Slot(3), HostPath::from(path)});
        // What may never be is not written down; what is not there now is found when the guest starts.
        std::optional<DatasetName> target;
        EXPECT_EQ(id_of(code_of([&] {
                      target = make_machine(session, name, machine);
                      session.perform(host::GuestStart{VmName::from(name), *target, {}});
                  })),
                  info(wanted).id)
            << path;
        EXPECT_EQ(target.has_value(), wanted == Code::vm_file_missing);
        if (target)
            session.perform(host::DatasetDestroy{*target});
    }
    remove_aside(session);
}

/// A VM that somebody else runs: it is not bHype's to kill, forget or run again, whatever is published in its
/// name.
TEST(HostileBhyped, CannotTakeAForeignMachinesName) {
    Session session;
    const auto name = VmName::from("foreign");
    const auto there = [] { return ::access("/dev/vmm/foreign", F_OK) == 0; };
    ASSERT_TRUE(there());
    EXPECT_EQ(session.perform(host::GuestKill{name}).vmd_pid, 0) << "there is none of bHype's";
    EXPECT_TRUE(there());
    EXPECT_NO_THROW(session.perform(host::GuestForget{name}));
    EXPECT_TRUE(there());
    const auto target = make_machine(session, "foreign", {.id = random_uuid()});
    EXPECT_EQ(code_of([&] { session.perform(host::GuestStart{name, target, {}}); }), Code::policy);
    session.perform(host::GuestKill{name});
    session.perform(host::GuestForget{name});
    EXPECT_TRUE(there());
    session.perform(host::DatasetDestroy{target});
    remove_aside(session);
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
