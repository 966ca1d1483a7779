#pragma once

// VMs as the API shows them, and the requests about them. Field names and meanings are the API's.

#include "access/caller.h"
#include "host/operations.h"
#include "template/template.h"

namespace bhype::vm {

enum class Action { start, stop, kill, reset, edit, delete_, console };
BOOST_DESCRIBE_ENUM(Action, start, stop, kill, reset, edit, delete_, console)

struct Disk {
    DeviceName name;
    host::Slot slot;
    host::DiskKind kind = host::DiskKind::nvme;
    std::string serial;
    ByteSize size;
    ByteSize used;
    std::optional<std::string> origin; ///< snapshot that it is a clone of
};
BOOST_DESCRIBE_STRUCT(Disk, (), (name, slot, kind, serial, size, used, origin))

/// A NIC of the list: what is asked of all at once.
struct NicSummary {
    DeviceName name;
    MacAddress mac;
    SwitchName switch_;
    std::optional<std::string> tap;
    std::optional<std::string> address; ///< from the DHCP lease, or as the host has seen it (ARP)
};
BOOST_DESCRIBE_STRUCT(NicSummary, (), (name, mac, switch_, tap, address))

struct Nic : NicSummary {
    host::Slot slot;
    host::NicKind kind = host::NicKind::virtio_net;
    std::vector<std::string> inet6;   ///< as the host has seen them (NDP); link-local ones last
    std::optional<Ipv4Address> fixed; ///< that the switch's DHCP keeps for it
};
BOOST_DESCRIBE_STRUCT(Nic, (NicSummary), (slot, kind, inet6, fixed))

/// What the list and the VM's own page both tell.
struct VmFacts {
    VmName name;
    host::GuestState state = host::GuestState::stopped;
    std::string reason;
    std::int64_t started = 0;
    std::string owner;
    std::string group;
    Note note;
    std::vector<Tag> tags;
    std::string template_;
    std::int64_t cpus = 1;
    ByteSize memory;
    std::vector<std::string> pending_restart; ///< fields that take effect at the next start
    std::vector<Action> actions;              ///< what this caller may do now
    std::optional<TaskId> task;               ///< at work on it
    /// Why vm.toml cannot be used. What it says is then shown as it was last known.
    std::optional<std::string> definition_error;
};
BOOST_DESCRIBE_STRUCT(VmFacts, (),
                      (name, state, reason, started, owner, group, note, tags, template_, cpus, memory,
                       pending_restart, actions, task, definition_error))

/// A VM of the list. With a thousand VMs each byte counts: what only the VM's own page shows is left to it.
struct VmSummary : VmFacts {
    std::vector<NicSummary> nics;
};
BOOST_DESCRIBE_STRUCT(VmSummary, (VmFacts), (nics))

struct Vm : VmFacts {
    std::vector<std::string> last_lines;
    std::int64_t since = 0;
    std::int64_t reboots = 0;
    std::vector<Disk> disks;
    std::vector<Nic> nics;
    std::vector<host::MachineCd> cds;
    std::optional<host::MachineScreen> screen;
    Uuid id;
    std::int64_t generation = 0;
    std::int64_t running_generation = 0; ///< 0 when it does not run
    DatasetName dataset;
};
BOOST_DESCRIBE_STRUCT(Vm, (VmFacts),
                      (last_lines, since, reboots, disks, nics, cds, screen, id, generation,
                       running_generation, dataset))

struct CreateVm {
    VmName name;
    TemplateName template_;
    std::optional<Ranged<1, 1024>> cpus;
    std::optional<SizeBetween<32, 16777216>> memory;
    std::optional<SizeBetween<1, 67108864>> disk;
    std::optional<SwitchName> switch_; ///< "nat" when missing
    std::optional<Note> note;
    std::vector<Tag> tags;
    std::optional<UserName> owner; ///< administrators only; the caller when missing
    std::optional<GroupName> group;
    bool start = false;
    bool plan = false; ///< tell what would be done, do nothing
};
BOOST_DESCRIBE_STRUCT(CreateVm, (),
                      (name, template_, cpus, memory, disk, switch_, note, tags, owner, group, start, plan))

struct CloneVm {
    VmName name;
    std::optional<SnapshotLabel> snapshot; ///< one is made for it when missing
    std::optional<Note> note;
    std::optional<UserName> owner; ///< administrators only; the caller when missing
    std::optional<GroupName> group;
    bool full = false; ///< copies the blocks instead of sharing them
    bool start = false;
    bool plan = false; ///< tell what would be done, do nothing
};
BOOST_DESCRIBE_STRUCT(CloneVm, (), (name, snapshot, note, owner, group, full, start, plan))

struct PromoteVm {
    bool plan = false; ///< tell what would change, do nothing
    static constexpr bool defaults_apply = true;
};
BOOST_DESCRIBE_STRUCT(PromoteVm, (), (plan))

struct EditVm {
    std::optional<Ranged<1, 1024>> cpus;
    std::optional<SizeBetween<32, 16777216>> memory;
    std::optional<Note> note;
    std::optional<std::vector<Tag>> tags; ///< the whole
    std::optional<host::MachineScreen> screen;
    std::optional<UserName> owner;
    std::optional<std::string> group; ///< empty text: nobody else
    std::optional<CdImage> cd;
};
BOOST_DESCRIBE_STRUCT(EditVm, (), (cpus, memory, note, tags, screen, owner, group, cd))

struct AddNic {
    std::optional<SwitchName> switch_; ///< "nat" when missing
    std::optional<host::NicKind> kind; ///< virtio-net when missing
    std::optional<MacAddress> mac;     ///< a random one when missing
    std::optional<Ipv4Address> fixed;
};
BOOST_DESCRIBE_STRUCT(AddNic, (), (switch_, kind, mac, fixed))

struct EditNic {
    std::optional<SwitchName> switch_;
    std::optional<host::NicKind> kind;
    std::optional<MacAddress> mac;
    std::optional<FixedAddress> fixed;
};
BOOST_DESCRIBE_STRUCT(EditNic, (), (switch_, kind, mac, fixed))

struct StopVm {
    std::optional<Ranged<1, 3600>> seconds; ///< how long to wait for the guest; 60 when missing
};
BOOST_DESCRIBE_STRUCT(StopVm, (), (seconds))

struct OpenConsole {
    host::ConsoleKind kind = host::ConsoleKind::serial;
    std::optional<host::ConsoleMode> mode; ///< control when missing
};
BOOST_DESCRIBE_STRUCT(OpenConsole, (), (kind, mode))

struct ConsoleTicket {
    std::string ticket;
    std::string path;         ///< of the WebSocket
    std::string protocol;     ///< to offer beside "binary"
    std::int64_t viewers = 0; ///< others who look on
};
BOOST_DESCRIBE_STRUCT(ConsoleTicket, (), (ticket, path, protocol, viewers))

/// What a create would do or cost, or what a delete destroys and keeps.
struct Plan {
    std::vector<std::string> steps;
    ByteSize space_now;
    ByteSize space_most;
    ByteSize memory_left;
    std::vector<std::string> destroys;
    std::vector<std::string> keeps;
    std::vector<std::string> problems;
};
BOOST_DESCRIBE_STRUCT(Plan, (), (steps, space_now, space_most, memory_left, destroys, keeps, problems))

struct LogText {
    std::string text;
};
BOOST_DESCRIBE_STRUCT(LogText, (), (text))

/// good: as it should be; bad: in the way, and `todo` says what to do; unknown: cannot be told from here, or
/// does not matter since something before it is bad.
enum class FindingState { good, bad, unknown };
BOOST_DESCRIBE_ENUM(FindingState, good, bad, unknown)
/// One answer to "why has this guest no network".
struct Finding {
    std::string check; ///< "The tap is in the switch's bridge"
    FindingState state = FindingState::unknown;
    std::string found; ///< "tap3 is a member of bh-nat"
    std::string todo;  ///< empty when there is nothing to do
};
BOOST_DESCRIBE_STRUCT(Finding, (), (check, state, found, todo))
struct NicDiagnosis {
    DeviceName nic;
    std::vector<Finding> findings;
};
BOOST_DESCRIBE_STRUCT(NicDiagnosis, (), (nic, findings))

} // namespace bhype::vm
