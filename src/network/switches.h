#pragma once

// The wanted switches and forwards, kept in the database, and what makes the host look like them.

#include "network/check.h"
#include "network/faults.h"
#include "wire/host.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <functional>
#include <memory>
#include <mutex>

namespace bhype::network {

/// Safe to call from several threads. Holds no lock while it asks the host.
class Switches {
  public:
    struct Keep {
        std::function<std::vector<Wanted>()> load;
        std::function<void(const std::vector<Wanted>&)> save;
        std::function<std::vector<Forward>()> load_forwards;
        std::function<void(const std::vector<Forward>&)> save_forwards;
        std::function<void(const std::vector<alert::Fault>&)> raise =
            nullptr; ///< what is wrong, of area "network"
    };
    Switches(wire::Host& host, Keep keep);

    /// Where the NICs of all VMs come from; none until it is told.
    void nics_from(std::function<std::vector<SwitchNic>()> nics);
    std::vector<SwitchNic> nics() const;

    std::vector<Wanted> wanted() const;
    std::optional<Wanted> find(const SwitchName& name) const;
    void want(const Wanted& wanted);
    void forget(const SwitchName& name);
    /// Throws Error(switch_in_use) that names the NICs on it.
    void check_unused(const SwitchName& name) const;
    /// A switch whose bridge was given the host's addresses, or gave them back, is wanted like that from now
    /// on, also when that went back by itself.
    void settle(const host::UplinkGuard& guard);
    /// Whether the last that was heard of was a change that may still go back.
    bool uplink_waits() const;

    std::vector<Forward> forwards() const;
    std::vector<ForwardView> forward_views() const;
    void want(const Forward& forward);
    void forget_forward(const std::string& name);
    /// Those of a VM that is no more. False when there are none.
    bool forget_forwards(const VmName& vm);

    /// What DHCP and pf are to do for all that is wanted.
    host::DhcpEnsure dhcp() const;
    host::FirewallEnsure firewall() const;
    /// Whether anything is routed, so that the host has to forward packets.
    std::optional<host::RoutingEnsure> routing() const;

    /// When dnsmasq was last found to have ended by itself, in epoch seconds; 0: not since bhyped's start.
    std::int64_t dhcp_ended() const { return dhcp_ended_; }
    /// What was not served the last time, since others have its ports, and who.
    std::string dhcp_refused() const;

    /// Gives these to `perform`, a function of a title and an operation that gives its result, until what was
    /// given last is what is wanted: another may have changed that meanwhile.
    template <class Perform>
    void serve(Perform perform) const {
        std::uint64_t version = 0;
        do {
            version = this->version();
            note(perform("Serve DHCP and names", dhcp()));
            if (const auto operation = routing())
                perform("Forward packets", *operation);
            perform("Load pf's rules", firewall());
        } while (version != this->version());
    }

    /// Makes what is missing, mends what is bHype's own, leaves alone what is as wanted. A switch that cannot
    /// be made is logged; the others go on.
    void reconcile();
    /// Until reconcile() was done once, or for so long.
    void wait_reconciled(std::chrono::milliseconds longest) const;
    /// From the last look at the host.
    bool up(const SwitchName& name) const;
    Switch show(const Wanted& wanted) const;
    /// Never null; shared, since a host may have thousands.
    std::shared_ptr<const std::vector<host::Interface>> interfaces() const;
    /// `ask` gives the host's interfaces. Of two looks at once the one that began last counts.
    template <class Ask>
    std::shared_ptr<const std::vector<host::Interface>> look(Ask ask) {
        const auto turn = ++looks_;
        return see(turn, ask());
    }
    /// The tap that connects a NIC. Throws Error(vm_no_switch) when there is no such switch.
    host::TapCreate tap(const VmName& vm, const DeviceName& nic, const SwitchName& name) const;

  private:
    std::uint64_t version() const;
    void note(const host::DhcpEnsureResult& result) const;
    std::shared_ptr<const std::vector<host::Interface>> see(std::uint64_t turn,
                                                            std::vector<host::Interface> interfaces);
    void mend();
    void mend_switches(Outcome& outcome);
    /// Serves all that is wanted; what fails does not keep the others from being done.
    void serve_all(Outcome& outcome);
    /// The list with one of that name taken out and `item` in its place, if there is one; kept by `save`.
    template <class Item, class Name>
    void replace(std::vector<Item>& list, const std::function<void(const std::vector<Item>&)>& save,
                 const Name& name, const Item* item);

    wire::Host& host_;
    Keep keep_;
    mutable std::mutex mutex_;
    std::uint64_t version_ = 0; ///< grows with each change of what is wanted
    std::vector<Wanted> wanted_;
    std::vector<Forward> forwards_;
    std::shared_ptr<const std::vector<host::Interface>> seen_ =
        std::make_shared<std::vector<host::Interface>>();
    std::atomic<std::uint64_t> looks_ = 0;
    std::uint64_t seen_turn_ = 0; ///< the look that gave what is seen
    bool reconciled_ = false;
    mutable std::condition_variable reconciled_once_;
    bool uplink_waits_ = false;
    mutable std::atomic<std::int64_t> dhcp_ended_ = 0;
    mutable std::string dhcp_refused_;
    std::function<std::vector<SwitchNic>()> nics_;
};

/// A VM's name, and the NIC's unless it is the first, as one label of DNS (RFC 1123). Nothing when no letter
/// or digit is left.
std::optional<DomainName> label_of(const VmName& vm, const DeviceName& nic);

} // namespace bhype::network
