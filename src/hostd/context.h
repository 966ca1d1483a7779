#pragma once

#include "host/dnsmasq.h"
#include "host/zfs_key.h"
#include "hostd/config.h"
#include "hostd/firewall.h"
#include "hostd/flights.h"
#include "hostd/guard.h"
#include "hostd/guests.h"
#include "hostd/looks.h"
#include "hostd/password.h"
#include "hostd/secrets.h"
#include "hostd/tree.h"
#include "run/runner.h"
#include "wire/host.h"

namespace bhype::hostd {

/// Runs a command; the seam for tests.
using RunCommand = std::function<host::Output(const host::Command&, const run::Options&)>;

/// What lasts as long as hostd.
struct House {
    const Config& config;
    const Paths& paths;
    Tree& tree;
    Guests& guests;
    Passwords& passwords;
    Firewall& firewall;
    Dhcp& dhcp;
    Guard& guard;
    Secrets& secrets;
    Looks& looks;
    RunCommand run;
};

/// One operation at work.
struct Context {
    House& house;
    std::function<void(const wire::Ran&)> ran;
    std::function<void(double)> progress;
    Fd input;  ///< came with the request
    Fd output; ///< goes with the answer
    Flight flight;
    bool cancellable = false; ///< nothing is lost when its commands are ended early

    /// Runs it and tells the caller.
    host::Output command(const host::Command& command, const run::Options& options = {});
    /// Runs two with the first one's output as the second one's input, and tells the caller of both.
    host::Output pipe(const host::Command& from, const host::Command& to,
                      const std::function<void(std::string_view)>& on_line);
    run::Options with_flight(const run::Options& options) const;
    Runner runner() {
        return [this](const host::Command& c) { return command(c); };
    }
    std::vector<host::Interface> interfaces();
    /// What rc.conf sets, by variable.
    std::map<std::string, std::string> rc_conf();
    void require(const PoolName& pool) { house.tree.require(pool, runner()); }
};

/// Throws Error(vm_running) when the dataset is a VM's that runs.
void not_while_running(Context& context, const Inside& where);

/// zfs itself cuts a volume without asking: Error(policy) instead.
void grow(Context& context, const DatasetName& volume, ByteSize size);

/// CDs' images lie in hostd.toml's directories; whether they are there counts when the guest starts. Throws
/// Error(policy).
void check_media_places(const Config& config, const host::Machine& machine);

/// What a new pool is closed with: a key file is made, and rc.d/zfskeys told to load such files. Throws
/// Error(secret_gone).
host::PoolKey key_of(Context& context, const host::PoolCreate& operation);

/// bHype's dnsmasq; 0 when it does not run.
pid_t dnsmasq_running(const host::DnsmasqFiles& files);

// One for each operation in host::Operations; without it hostd does not compile.
#define BHYPE_PERFORM(OPERATION)                                                                             \
    host::OPERATION::Result perform(Context& context, const host::OPERATION& operation)
BHYPE_PERFORM(HostFacts);
BHYPE_PERFORM(DiskList);
BHYPE_PERFORM(PoolList);
BHYPE_PERFORM(DatasetList);
BHYPE_PERFORM(InterfaceList);
BHYPE_PERFORM(TrafficList);
BHYPE_PERFORM(LeaseList);
BHYPE_PERFORM(NeighborList);
BHYPE_PERFORM(PoolCreate);
BHYPE_PERFORM(PoolStatus);
BHYPE_PERFORM(SecretKeep);
BHYPE_PERFORM(PoolUnlock);
BHYPE_PERFORM(PoolLock);
BHYPE_PERFORM(PoolImportable);
BHYPE_PERFORM(PoolImport);
BHYPE_PERFORM(PoolExport);
BHYPE_PERFORM(PoolScrub);
BHYPE_PERFORM(PoolTrim);
BHYPE_PERFORM(PoolClear);
BHYPE_PERFORM(PoolAdd);
BHYPE_PERFORM(DevicePut);
BHYPE_PERFORM(DeviceChange);
BHYPE_PERFORM(DiskWipe);
BHYPE_PERFORM(DiskHealth);
BHYPE_PERFORM(SpaceList);
BHYPE_PERFORM(DatasetLimit);
BHYPE_PERFORM(DiskGrow);
BHYPE_PERFORM(TreeCreate);
BHYPE_PERFORM(DatasetCreate);
BHYPE_PERFORM(VolumeCreate);
BHYPE_PERFORM(SnapshotCreate);
BHYPE_PERFORM(CloneCreate);
BHYPE_PERFORM(VolumeCopy);
BHYPE_PERFORM(VolumePromote);
BHYPE_PERFORM(VolumeGrow);
BHYPE_PERFORM(DatasetPublish);
BHYPE_PERFORM(AsideRemove);
BHYPE_PERFORM(DatasetDestroy);
BHYPE_PERFORM(DefinitionWrite);
BHYPE_PERFORM(FirmwareCopy);
BHYPE_PERFORM(ImageWrite);
BHYPE_PERFORM(SnapshotList);
BHYPE_PERFORM(GuestSnapshot);
BHYPE_PERFORM(SnapshotReclaim);
BHYPE_PERFORM(SnapshotDestroy);
BHYPE_PERFORM(SnapshotHold);
BHYPE_PERFORM(SnapshotNote);
BHYPE_PERFORM(VolumeRollback);
BHYPE_PERFORM(FirmwareRestore);
BHYPE_PERFORM(SnapshotDefinition);
BHYPE_PERFORM(SnapshotLook);
BHYPE_PERFORM(SnapshotFile);
BHYPE_PERFORM(BridgeEnsure);
BHYPE_PERFORM(BridgeDetach);
BHYPE_PERFORM(BridgeRemove);
BHYPE_PERFORM(TapCreate);
BHYPE_PERFORM(TapsRemove);
BHYPE_PERFORM(PortList);
BHYPE_PERFORM(DhcpTest);
BHYPE_PERFORM(DhcpEnsure);
BHYPE_PERFORM(RoutingEnsure);
BHYPE_PERFORM(FirewallEnsure);
BHYPE_PERFORM(FirewallShow);
BHYPE_PERFORM(FirewallInstall);
BHYPE_PERFORM(UplinkPlan);
BHYPE_PERFORM(UplinkShow);
BHYPE_PERFORM(UplinkApply);
BHYPE_PERFORM(UplinkConfirm);
BHYPE_PERFORM(UplinkRevert);
BHYPE_PERFORM(ModulesEnsure);
BHYPE_PERFORM(GuestList);
BHYPE_PERFORM(GuestStart);
BHYPE_PERFORM(GuestStop);
BHYPE_PERFORM(GuestKill);
BHYPE_PERFORM(GuestReset);
BHYPE_PERFORM(GuestForget);
BHYPE_PERFORM(GuestLog);
BHYPE_PERFORM(ConsoleOpen);
BHYPE_PERFORM(PasswordCheck);
BHYPE_PERFORM(AccountCheck);

/// Whether it may take longer than a minute.
bool is_slow(std::string_view operation);

/// Looks the operation up by its name, decodes and checks its arguments, performs it and encodes its result.
/// Throws Error(invalid_field), Error(policy) for an unknown operation, and what performing throws.
json::value dispatch(Context& context, std::string_view operation, const json::value& arguments);

} // namespace bhype::hostd
