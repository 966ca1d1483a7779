#pragma once

// Everything bHype does to the host, as data. Each operation says its name on the wire and in the journal,
// what it may do to the host (Effect), how long it may take, and the type of its result. host/ turns an
// operation into commands and their output into the result; hostd/ performs it; nothing else touches the
// host.

#include "host/disk_operations.h"
#include "host/look_operations.h"
#include "host/machine.h"
#include "host/network_operations.h"
#include "host/pool_operations.h"
#include "host/snapshot_operations.h"
#include "host/space_operations.h"

namespace bhype::host {

// ---- reading
// -------------------------------------------------------------------------------------------------

struct HostFactsResult {
    std::string release;        ///< "14.3-RELEASE" (freebsd-version -u)
    std::int64_t osreldate = 0; ///< kern.osreldate
    std::string hostname;
    std::string cpu_model;                 ///< hw.model
    std::int64_t cpus = 0;                 ///< hw.ncpu
    std::optional<std::int64_t> max_vcpus; ///< hw.vmm.maxcpu; absent when vmm is not loaded
    ByteSize memory;                       ///< hw.physmem
    ByteSize memory_free; ///< pages free, inactive and laundry, plus what the ARC can give back
    ByteSize arc;         ///< kstat.zfs.misc.arcstats.size
    std::vector<std::string> missing_modules; ///< of vmm, nmdm, if_bridge, if_tuntap, zfs
    bool dhcp = false;                        ///< bHype's dnsmasq runs
};
BOOST_DESCRIBE_STRUCT(HostFactsResult, (),
                      (release, osreldate, hostname, cpu_model, cpus, max_vcpus, memory, memory_free, arc,
                       missing_modules, dhcp))
struct HostFacts {
    bool whole = true; ///< false: without release and modules, which cost most and change least
    BHYPE_OPERATION("host.facts", reads, 20);
    using Result = HostFactsResult;
};
BOOST_DESCRIBE_STRUCT(HostFacts, (), (whole))

struct Disk {
    DiskName name;
    ByteSize size;
    std::string description;
    std::string ident;
    bool solid_state = false;
    std::string used_by; ///< empty: free. "pool tank", "partitions", "mounted", "exported pool old", ...
};
BOOST_DESCRIBE_STRUCT(Disk, (), (name, size, description, ident, solid_state, used_by))
struct DiskList {
    BHYPE_OPERATION("disk.list", reads, 60);
    using Result = std::vector<Disk>;
};
BOOST_DESCRIBE_STRUCT(DiskList, (), ())

enum class DatasetType { filesystem, volume, snapshot };
BOOST_DESCRIBE_ENUM(DatasetType, filesystem, volume, snapshot)
struct Dataset {
    std::string name; ///< with "@label" for a snapshot
    DatasetType type = DatasetType::filesystem;
    ByteSize used;
    ByteSize available;
    ByteSize referenced;
    std::string mountpoint; ///< "-" or "none" when there is none
    std::string origin;     ///< "-" when it is no clone
    ByteSize volsize;       ///< 0 unless a volume
    std::string id;         ///< bhype:id, "-" when unset
    std::string host;       ///< bhype:host, "-" when unset
};
BOOST_DESCRIBE_STRUCT(Dataset, (),
                      (name, type, used, available, referenced, mountpoint, origin, volsize, id, host))
/// Everything below ROOT, ROOT included, in one `zfs list`. A missing ROOT gives an empty list; one without
/// bhype:id on POOL/bhype is refused.
struct DatasetList {
    DatasetName root;
    bool snapshots = false;
    bool below = true; ///< false: ROOT alone
    BHYPE_OPERATION("dataset.list", reads, 120);
    using Result = std::vector<Dataset>;
};
BOOST_DESCRIBE_STRUCT(DatasetList, (), (root, snapshots, below))

// ---- pools and datasets
// ----------------------------------------------------------------------------------------

/// Makes POOL/bhype and its children (.new, vm, template, image) with bHype's properties, owners and modes;
/// what is there already stays. Nothing is made when POOL/bhype exists without bhype:id.
struct TreeCreate {
    PoolName pool;
    Uuid id;
    BHYPE_OPERATION("tree.create", replaces, 120);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(TreeCreate, (), (pool, id))

/// A file system under POOL/bhype/.new/TASK or below; parents are made. root:_bhype 0750.
struct DatasetCreate {
    DatasetName name;
    std::optional<Uuid> id; ///< set as bhype:id
    BHYPE_OPERATION("dataset.create", aside, 60);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(DatasetCreate, (), (name, id))

/// A sparse volume, volmode=dev. Waits for /dev/zvol/NAME.
struct VolumeCreate {
    DatasetName name;
    ByteSize size;
    BHYPE_OPERATION("volume.create", aside, 60);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(VolumeCreate, (), (name, size))

struct SnapshotCreate {
    DatasetName dataset;
    SnapshotLabel label;
    BHYPE_OPERATION("snapshot.create", aside, 60);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(SnapshotCreate, (), (dataset, label))

struct CloneCreate {
    DatasetName origin;
    SnapshotLabel label;
    DatasetName name;
    BHYPE_OPERATION("clone.create", aside, 60);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(CloneCreate, (), (origin, label, name))

/// zfs send of a volume's snapshot into a new volume under .new, which shares nothing with it. Reports
/// progress.
struct VolumeCopy {
    DatasetName origin;
    SnapshotLabel label;
    DatasetName name;
    BHYPE_OPERATION("volume.copy", aside, 86400);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(VolumeCopy, (), (origin, label, name))

/// zfs promote of a VM's volume: its origin becomes its own snapshot, and what was cloned from is a clone of
/// it. The snapshots up to that one move along; zfs refuses when both have one of a name. No clone: done.
struct VolumePromote {
    DatasetName volume; ///< POOL/bhype/vm/NAME/DISK
    BHYPE_OPERATION("volume.promote", replaces, 60);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(VolumePromote, (), (volume))

/// Grows a volume; a smaller size is refused (zfs would cut without asking). On a volume under .new nothing
/// is lost.
struct VolumeGrow {
    DatasetName name;
    ByteSize size;
    BHYPE_OPERATION("volume.grow", aside, 60);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(VolumeGrow, (), (name, size))

/// The one step that makes what was built aside appear: .new/TASK/X becomes NAME.
struct DatasetPublish {
    DatasetName from;
    DatasetName to;
    BHYPE_OPERATION("dataset.publish", aside, 60);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(DatasetPublish, (), (from, to))

/// Removes POOL/bhype/.new/TASK with all below it. Absent: done.
struct AsideRemove {
    PoolName pool;
    TaskId task;
    BHYPE_OPERATION("aside.remove", aside, 120);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(AsideRemove, (), (pool, task))

/// Destroys a VM's or template's dataset with everything below it, snapshots included. Absent: done.
struct DatasetDestroy {
    DatasetName name;
    BHYPE_OPERATION("dataset.destroy", irreversible, 120);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(DatasetDestroy, (), (name))

/// Writes vm.toml of a VM's dataset whole: temporary, fsync, rename. `expected` is the generation that the
/// file must have now (0: no file); otherwise Error(precondition_failed).
struct DefinitionWrite {
    DatasetName dataset;
    Machine machine;
    std::int64_t expected = 0;
    BHYPE_OPERATION("definition.write", replaces, 30);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(DefinitionWrite, (), (dataset, machine, expected))

struct SnapshotOf {
    DatasetName dataset;
    SnapshotLabel label;
};
BOOST_DESCRIBE_STRUCT(SnapshotOf, (), (dataset, label))
/// Copies the firmware's variable store template, or the variables of a VM's snapshot, to
/// DATASET/uefi-vars.fd.
struct FirmwareCopy {
    DatasetName dataset;
    std::optional<SnapshotOf> from;
    BHYPE_OPERATION("firmware.copy", aside, 30);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(FirmwareCopy, (), (dataset, from))

/// Writes a raw image file into a volume under .new after checking its SHA-256. Reports progress in bytes.
/// The file must lie in an image directory that hostd.toml allows.
struct ImageWrite {
    HostPath file;
    Sha256 sha256;
    DatasetName volume;
    BHYPE_OPERATION("image.write", aside, 3600);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(ImageWrite, (), (file, sha256, volume))

// ---- the host itself
// ------------------------------------------------------------------------------------------------

/// kldload -n of vmm, nmdm, if_bridge, if_tuntap and the lines for the next boot in
/// /boot/loader.conf.d/bhype.conf.
struct ModulesEnsure {
    BHYPE_OPERATION("modules.ensure", reconciled, 60);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(ModulesEnsure, (), ())

// ---- guests
// ----------------------------------------------------------------------------------------------------

enum class GuestState { starting, running, stopping, stopped, failed };
BOOST_DESCRIBE_ENUM(GuestState, starting, running, stopping, stopped, failed)
struct Guest {
    VmName vm;
    GuestState state = GuestState::stopped;
    std::string reason;                  ///< why it ended, or what it waits for; empty while it runs
    std::vector<std::string> last_lines; ///< bhyve's last lines when it failed
    std::int64_t since = 0;              ///< epoch seconds of the last change of state
    std::int64_t started = 0;            ///< epoch seconds of this power-on; guest reboots do not change it
    std::int64_t reboots = 0;
    std::int64_t bhyve_pid = 0;
    std::int64_t vmd_pid = 0;
    std::int64_t generation = 0; ///< of the definition it runs with
    std::int64_t change = 0; ///< grows with every change that hostd saw: of two pictures the higher is newer
};
BOOST_DESCRIBE_STRUCT(Guest, (),
                      (vm, state, reason, last_lines, since, started, reboots, bhyve_pid, vmd_pid, generation,
                       change))
/// Guests that run or have ended since hostd's run directory was last cleared. hostd also sends an event with
/// a Guest whenever one changes.
struct GuestList {
    BHYPE_OPERATION("guest.list", reads, 10);
    using Result = std::vector<Guest>;
};
BOOST_DESCRIBE_STRUCT(GuestList, (), ())

struct NicTap {
    DeviceName nic;
    InterfaceName tap;
};
BOOST_DESCRIBE_STRUCT(NicTap, (), (nic, tap))
/// Starts a vmd, which starts bhyve, for the definition that lies in the dataset. Returns when bhyve has
/// lived through its start-up or has failed: Error(vm_start_failed) with bhyve's words.
struct GuestStart {
    VmName vm;
    DatasetName dataset;
    std::vector<NicTap> taps;
    BHYPE_OPERATION("guest.start", reconciled, 60);
    using Result = Guest;
};
BOOST_DESCRIBE_STRUCT(GuestStart, (), (vm, dataset, taps))

/// Presses the power button, again every few seconds, until the guest has ended or `seconds` have passed;
/// returns at once. The outcome comes as an event: stopped, or running again with the reason "did not react".
/// 0 seconds: presses it no more.
struct GuestStop {
    VmName vm;
    Ranged<0, 3600> seconds = 60;
    BHYPE_OPERATION("guest.stop", reconciled, 10);
    using Result = Guest;
};
BOOST_DESCRIBE_STRUCT(GuestStop, (), (vm, seconds))

/// Ends bhyve at once: what the guest has not written is lost. Returns when it is gone. Not running: done.
struct GuestKill {
    VmName vm;
    BHYPE_OPERATION("guest.kill", irreversible, 30);
    using Result = Guest;
};
BOOST_DESCRIBE_STRUCT(GuestKill, (), (vm))

struct GuestReset {
    VmName vm;
    BHYPE_OPERATION("guest.reset", irreversible, 30);
    using Result = Guest;
};
BOOST_DESCRIBE_STRUCT(GuestReset, (), (vm))

/// After a VM has ended: removes the kernel's VM object, if it is bHype's, and the run directory. Refused
/// while it runs.
struct GuestForget {
    VmName vm;
    BHYPE_OPERATION("guest.forget", reconciled, 30);
    using Result = Done;
};
BOOST_DESCRIBE_STRUCT(GuestForget, (), (vm))

struct GuestLogResult {
    std::string text;
};
BOOST_DESCRIBE_STRUCT(GuestLogResult, (), (text))
/// The last bytes of bhyve.log.
struct GuestLog {
    VmName vm;
    DatasetName dataset;
    Ranged<1, 262144> bytes = 65536;
    BHYPE_OPERATION("guest.log", reads, 10);
    using Result = GuestLogResult;
};
BOOST_DESCRIBE_STRUCT(GuestLog, (), (vm, dataset, bytes))

enum class ConsoleKind { screen, serial };
BOOST_DESCRIBE_ENUM(ConsoleKind, screen, serial)
enum class ConsoleMode { control, watch, take_over };
BOOST_DESCRIBE_ENUM(ConsoleMode, control, watch, take_over)
struct ConsoleOpenResult {
    std::int64_t viewers = 0; ///< others who look on
};
BOOST_DESCRIBE_STRUCT(ConsoleOpenResult, (), (viewers))
/// Comes with one descriptor, a stream socket: RFB 3.8 without authentication for the screen; plain bytes,
/// the last 256 KiB first, for the serial line. `control` fails with Error(console_in_use) when somebody has
/// control.
struct ConsoleOpen {
    VmName vm;
    ConsoleKind kind = ConsoleKind::serial;
    ConsoleMode mode = ConsoleMode::control;
    BHYPE_OPERATION("console.open", reads, 10);
    using Result = ConsoleOpenResult;
};
BOOST_DESCRIBE_STRUCT(ConsoleOpen, (), (vm, kind, mode))

// ---- accounts
// --------------------------------------------------------------------------------------------------

struct PasswordCheckResult {
    bool accepted = false;
};
BOOST_DESCRIBE_STRUCT(PasswordCheckResult, (), (accepted))
/// PAM service "bhype" in a short-lived child. The password comes on a descriptor (a pipe's end), never in
/// the frame. Root, system accounts (uid below 1000) and empty passwords are refused unless hostd.toml allows
/// them.
struct PasswordCheck {
    UserName user;
    std::string client; ///< PAM_RHOST
    BHYPE_OPERATION("password.check", reads, 20);
    using Result = PasswordCheckResult;
};
BOOST_DESCRIBE_STRUCT(PasswordCheck, (), (user, client))

struct AccountCheckResult {
    bool barred = false;
};
BOOST_DESCRIBE_STRUCT(AccountCheckResult, (), (barred))
/// Whether PAM's account management, of the same service, now refuses an account that has logged in: locked,
/// expired, not from that client. What PAM cannot tell is no refusal.
struct AccountCheck {
    UserName user;
    std::string client; ///< PAM_RHOST
    BHYPE_OPERATION("account.check", reads, 20);
    using Result = AccountCheckResult;
};
BOOST_DESCRIBE_STRUCT(AccountCheck, (), (user, client))

/// Every operation, once. Tests walk this list.
using Operations = boost::mp11::mp_list<
    HostFacts, DiskList, PoolList, DatasetList, InterfaceList, TrafficList, LeaseList, NeighborList,
    PoolCreate, TreeCreate, DatasetCreate, VolumeCreate, SnapshotCreate, CloneCreate, VolumeGrow,
    DatasetPublish, AsideRemove, DatasetDestroy, DefinitionWrite, FirmwareCopy, ImageWrite, VolumeCopy,
    VolumePromote, BridgeEnsure, BridgeDetach, BridgeRemove, TapCreate, TapsRemove, PortList, DhcpTest,
    DhcpEnsure, RoutingEnsure, FirewallEnsure, FirewallShow, FirewallInstall, UplinkPlan, UplinkShow,
    UplinkApply, UplinkConfirm, UplinkRevert, ModulesEnsure, GuestList, GuestStart, GuestStop, GuestKill,
    GuestReset, GuestForget, GuestLog, ConsoleOpen, PasswordCheck, AccountCheck, SnapshotList, GuestSnapshot,
    SnapshotReclaim, SnapshotDestroy, SnapshotHold, SnapshotNote, VolumeRollback, FirmwareRestore,
    SnapshotDefinition, PoolStatus, PoolImportable, SecretKeep, PoolUnlock, PoolLock, PoolImport, PoolExport,
    PoolScrub, PoolTrim, PoolClear, PoolAdd, DevicePut, DeviceChange, DiskWipe, SpaceList, DatasetLimit,
    DiskGrow, DiskHealth, SnapshotLook, SnapshotFile>;

} // namespace bhype::host
