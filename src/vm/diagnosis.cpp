#include "vm/diagnosis.h"

#include "host/address.h"

#include <algorithm>

namespace bhype::vm {

namespace {

using network::SwitchKind;

class Diagnosis {
  public:
    Diagnosis(const Record& record, const host::MachineNic& nic, const std::optional<network::Wanted>& item,
              const NetworkNow& now)
        : record_(record), nic_(nic), item_(item), now_(now) {}

    std::vector<Finding> run() {
        guest();
        tap();
        bridge();
        uplink();
        address();
        routing();
        return std::move(findings_);
    }

  private:
    void add(const char* check, bool good, std::string found, std::string todo) {
        findings_.push_back({check, good ? FindingState::good : FindingState::bad, std::move(found),
                             good ? std::string() : std::move(todo)});
    }
    void unknown(const char* check, std::string found, std::string todo = {}) {
        findings_.push_back({check, FindingState::unknown, std::move(found), std::move(todo)});
    }
    const host::Interface* interface(const InterfaceName& name) const {
        return host::named(now_.interfaces, name);
    }

    void guest() {
        const bool live = is_live(record_.guest.state);
        add("The VM runs", live, enum_name(record_.guest.state), "Start it.");
        const auto started = std::ranges::find(record_.running.nics, nic_.name, &host::MachineNic::name);
        if (live)
            add("It was started with this NIC", started != record_.running.nics.end(),
                started != record_.running.nics.end() ? "MAC " + started->mac.str() : "added since",
                "Stop and start it: a guest gets a new NIC when it starts.");
    }

    void tap() {
        const auto found = record_.taps.find(nic_.name.str());
        const auto name = found == record_.taps.end() ? std::nullopt : InterfaceName::parse(found->second);
        tap_ = name ? interface(*name) : nullptr;
        if (!tap_)
            return add("The NIC has a tap", false, "none", "Stop and start the VM.");
        add("The NIC has a tap", true, tap_->name.str(), {});
        add("bhyve has it open", tap_->opened_by != 0,
            tap_->opened_by ? "process " + std::to_string(tap_->opened_by) : "nobody",
            "Stop and start the VM.");
        add("The tap is up", tap_->up, tap_->up ? "up" : "down", "ifconfig " + tap_->name.str() + " up");
    }

    void bridge() {
        if (!item_)
            return add("There is the switch", false, nic_.switch_.str() + " is missing",
                       "Create it, or choose another for the NIC.");
        const auto name = network::bridge_of(*item_);
        bridge_ = interface(name);
        const auto drift = network::drift_of(*item_, now_.interfaces);
        std::string all;
        for (const auto& line : drift)
            all += (all.empty() ? "" : "; ") + line;
        add("The switch is as wanted", drift.empty(), drift.empty() ? name.str() + " is up" : all,
            item_->kind == SwitchKind::manual
                ? "This bridge is yours: mend it."
                : "bHype mends it within a minute; service bhyped restart does at once.");
        if (!tap_ || !bridge_)
            return;
        const bool member = std::ranges::count(bridge_->members, tap_->name.str()) > 0;
        add("The tap is in its bridge", member,
            member ? "a member of " + name.str() : "no member of " + name.str(),
            "bHype mends it within a few seconds. If not, see its log.");
        if (tap_->mtu != bridge_->mtu)
            add("Their MTUs agree", false, std::to_string(tap_->mtu) + " and " + std::to_string(bridge_->mtu),
                "Stop and start the VM.");
    }

    void uplink() {
        if (!item_ || (item_->kind != SwitchKind::public_ && item_->kind != SwitchKind::nat))
            return;
        const auto name = item_->uplink                    ? item_->uplink
                          : item_->kind == SwitchKind::nat ? now_.firewall.way_out
                                                           : std::nullopt;
        if (!name)
            return add(
                "There is a way out", false,
                item_->kind == SwitchKind::nat ? "the host has no default route" : "the switch has no uplink",
                item_->kind == SwitchKind::nat
                    ? "Set defaultrouter in rc.conf, and route add default."
                    : "bhype uplink bridge NIC, or bhype switch set " + item_->name.str() + " uplink=NIC.");
        const auto* way = interface(*name);
        add("The way out has a link", way && way->up && way->carrier,
            !way ? name->str() + " is missing"
                 : name->str() + (!way->up       ? " is down"
                                  : way->carrier ? " has a link"
                                                 : " has no link"),
            "Look at the cable and the port at its other end.");
    }

    void address() {
        // A NIC that was moved has one of its old network as well, until that is over.
        const auto lease = std::ranges::find_if(now_.leases, [&](const host::Lease& one) {
            const auto address = Ipv4Address::parse(one.address);
            return one.mac == nic_.mac && address && item_ && item_->address &&
                   host::ipv4_network(*item_->address).contains(host::ipv4_number(*address));
        });
        const auto seen = record_.addresses.find(nic_.name.str());
        const bool serves = item_ && item_->address && item_->dhcp;
        if (!serves && item_ && item_->address6 && item_->dhcp)
            return announced();
        if (!serves)
            return unknown("The guest has an address",
                           seen == record_.addresses.end() ? "none seen: this switch has no DHCP of bHype's"
                                                           : seen->second,
                           seen == record_.addresses.end()
                               ? "Set one inside the guest, or look at the network's DHCP server."
                               : "");
        add("The guest has a lease", lease != now_.leases.end(),
            lease != now_.leases.end() ? lease->address
                                       : "none of " + network_of() + ": it has not asked there",
            "Inside the guest: is the interface up, and does it ask for DHCP? service bhype_hostd status, "
            "and bhype doctor for dnsmasq.");
        if (lease == now_.leases.end())
            return;
        if (nic_.address && nic_.address->str() != lease->address)
            add("It is the address kept for it", false, lease->address + ", not " + nic_.address->str(),
                "Let the guest ask again.");
    }

    /// Guests make their addresses of what is announced.
    void announced() {
        const auto network = host::ipv6_network(*item_->address6);
        if (const auto seen = record_.inet6.find(nic_.name.str()); seen != record_.inet6.end())
            for (const auto& address : seen->second)
                if (host::overlap(address, network))
                    return add("The guest has an address of what is announced", true, address, {});
        unknown("The guest has an address of what is announced", "none of " + network + " has been seen",
                "The host sees it once they have talked. Inside the guest: is the interface up, and does it "
                "accept "
                "router advertisements?");
    }

    void routing() {
        if (!item_ || item_->kind != SwitchKind::nat)
            return;
        const auto& firewall = now_.firewall;
        add("The host forwards packets", firewall.forwarding,
            firewall.forwarding ? "net.inet.ip.forwarding is 1" : "net.inet.ip.forwarding is 0",
            "sysctl net.inet.ip.forwarding=1");
        add("pf is on", firewall.loaded && firewall.enabled,
            !firewall.loaded   ? "not loaded"
            : firewall.enabled ? "on"
                               : "off",
            "bhype firewall install");
        const bool called = firewall.nat && firewall.filter;
        add("pf calls bHype's rules", called,
            called ? "nat-anchor and anchor bhype/*" : "the main rules do not",
            "bhype firewall install, or put the lines in yourself.");
        const bool translated = bridge_ && firewall.text.find("nat on") != std::string::npos &&
                                firewall.text.find(network_of()) != std::string::npos;
        add("Its network is translated", translated,
            translated ? network_of() : "no rule for " + network_of(),
            "bHype loads it again within a minute; service bhyped restart does at once.");
    }

    std::string network_of() const {
        return item_->address ? host::ipv4_network(*item_->address).str() : std::string();
    }

    const Record& record_;
    const host::MachineNic& nic_;
    const std::optional<network::Wanted>& item_;
    const NetworkNow& now_;
    const host::Interface* tap_ = nullptr;
    const host::Interface* bridge_ = nullptr;
    std::vector<Finding> findings_;
};

} // namespace

std::vector<Finding> diagnose(const Record& record, const host::MachineNic& nic,
                              const std::optional<network::Wanted>& item, const NetworkNow& now) {
    return Diagnosis(record, nic, item, now).run();
}

} // namespace bhype::vm
