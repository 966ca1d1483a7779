#include "network/switches.h"

#include "base/log.h"

#include <algorithm>
#include <set>

namespace bhype::network {

Switches::Switches(wire::Host& host, Keep keep)
    : host_(host), keep_(std::move(keep)), wanted_(keep_.load()), forwards_(keep_.load_forwards()) {}

void Switches::nics_from(std::function<std::vector<SwitchNic>()> nics) {
    const std::lock_guard lock(mutex_);
    nics_ = std::move(nics);
}

std::vector<SwitchNic> Switches::nics() const {
    std::function<std::vector<SwitchNic>()> source;
    {
        const std::lock_guard lock(mutex_);
        source = nics_;
    }
    return source ? source() : std::vector<SwitchNic>{};
}

std::vector<Wanted> Switches::wanted() const {
    const std::lock_guard lock(mutex_);
    return wanted_;
}

std::optional<Wanted> Switches::find(const SwitchName& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(wanted_, name, &Wanted::name);
    return found == wanted_.end() ? std::nullopt : std::optional(*found);
}

template <class Item, class Name>
void Switches::replace(std::vector<Item>& list, const std::function<void(const std::vector<Item>&)>& save,
                       const Name& name, const Item* item) {
    const std::lock_guard lock(mutex_);
    auto all = list;
    std::erase_if(all, [&](const Item& one) { return one.name == name; });
    if (item)
        all.push_back(*item);
    std::ranges::sort(all, {}, &Item::name);
    save(all);
    list = std::move(all);
    ++version_;
}

void Switches::want(const Wanted& wanted) {
    replace(wanted_, keep_.save, wanted.name, &wanted);
}

void Switches::forget(const SwitchName& name) {
    replace<Wanted>(wanted_, keep_.save, name, nullptr);
}

void Switches::want(const Forward& forward) {
    replace(forwards_, keep_.save_forwards, forward.name, &forward);
}

void Switches::forget_forward(const std::string& name) {
    replace<Forward>(forwards_, keep_.save_forwards, name, nullptr);
}

void Switches::check_unused(const SwitchName& name) const {
    std::string users;
    for (const auto& nic : nics())
        if (nic.switch_ == name)
            users += (users.empty() ? "" : ", ") + nic.vm.str() + ' ' + nic.nic.str();
    if (!users.empty())
        throw Error(Code::switch_in_use, name.str() + " is used by " + users);
}

void Switches::settle(const host::UplinkGuard& guard) {
    using host::GuardState;
    const auto& change = guard.change;
    const bool waits = guard.state == GuardState::applying || guard.state == GuardState::armed;
    {
        const std::lock_guard lock(mutex_);
        uplink_waits_ = waits;
    }
    const auto item = change.switch_ ? find(*change.switch_) : std::nullopt;
    if (!item || guard.state == GuardState::none || change.ports.empty())
        return;
    const bool done = guard.state != GuardState::reverted && guard.state != GuardState::reverting;
    // While it waits the addresses are to stay wherever they are.
    const bool carries = done == change.present || (waits && !change.present);
    if (item->hosts_addresses == carries)
        return;
    auto wanted = *item;
    wanted.hosts_addresses = carries;
    wanted.uplink = carries ? std::optional(change.ports.front()) : std::nullopt;
    want(wanted);
}

bool Switches::uplink_waits() const {
    const std::lock_guard lock(mutex_);
    return uplink_waits_;
}

std::vector<Forward> Switches::forwards() const {
    const std::lock_guard lock(mutex_);
    return forwards_;
}

std::uint64_t Switches::version() const {
    const std::lock_guard lock(mutex_);
    return version_;
}

host::DhcpEnsure Switches::dhcp() const {
    host::DhcpEnsure operation;
    std::set<SwitchName> served;
    for (const auto& item : wanted()) {
        if (!item.address || !item.dhcp)
            continue;
        served.insert(item.name);
        operation.ranges.push_back({item.name, *item.address, item.address6, item.first, item.last,
                                    item.lease, item.domain, item.dns, item.kind == SwitchKind::nat,
                                    item.options});
    }
    std::set<MacAddress> macs;
    std::set<Ipv4Address> fixed;
    for (const auto& nic : nics()) {
        const auto label = label_of(nic.vm, nic.nic);
        if (!served.contains(nic.switch_) || !label || !macs.insert(nic.mac).second)
            continue;
        const bool keeps = nic.fixed && fixed.insert(*nic.fixed).second;
        operation.hosts.push_back({nic.switch_, nic.mac, keeps ? nic.fixed : std::nullopt, *label});
    }
    return operation;
}

host::FirewallEnsure Switches::firewall() const {
    host::FirewallEnsure operation;
    for (const auto& item : wanted())
        if (item.address)
            operation.switches.push_back({item.name, item.kind == SwitchKind::nat, item.reach_host,
                                          *item.address, item.address6, item.uplink});
    const auto all = nics();
    for (const auto& forward : forwards()) {
        const auto nic = std::ranges::find_if(all, [&](const SwitchNic& one) {
            return one.vm == forward.vm && (!forward.nic || one.nic == *forward.nic);
        });
        if (nic == all.end())
            continue;
        const auto to = nic->fixed ? nic->fixed : Ipv4Address::parse(nic->address);
        const auto item = find(nic->switch_);
        if (to && item)
            operation.forwards.push_back(
                {forward.protocol, forward.from, forward.port, *to, forward.to_port, item->uplink});
    }
    return operation;
}

std::optional<host::RoutingEnsure> Switches::routing() const {
    host::RoutingEnsure operation{false, false};
    for (const auto& item : wanted())
        if (item.kind == SwitchKind::nat) {
            operation.inet = true;
            operation.inet6 = operation.inet6 || item.address6;
        }
    return operation.inet ? std::optional(operation) : std::nullopt;
}

void Switches::reconcile() {
    const auto say = [this] {
        {
            const std::lock_guard lock(mutex_);
            reconciled_ = true;
        }
        reconciled_once_.notify_all();
    };
    try {
        mend();
    } catch (...) {
        say(); // it was tried: what is missing now is a fault
        throw;
    }
    say();
}

void Switches::wait_reconciled(std::chrono::milliseconds longest) const {
    std::unique_lock lock(mutex_);
    reconciled_once_.wait_for(lock, longest, [this] { return reconciled_; });
}

void Switches::mend() {
    const auto list = [this] { return host_.call(host::InterfaceList{}); };
    settle(host_.call(host::UplinkShow{}));
    const auto seen = look(list);
    bool changed = false;
    for (const auto& item : wanted()) {
        const auto operation = bridge_operation(item);
        if (!operation || drift_of(item, *seen).empty())
            continue;
        try {
            host_.call(*operation);
        } catch (const Error& error) {
            log::error("switch {}: {}", item.name.str(), error.what());
        }
        changed = true;
    }
    if (changed)
        look(list);
    serve([this](std::string_view, const auto& operation) { return host_.call(operation); });
}

std::shared_ptr<const std::vector<host::Interface>> Switches::interfaces() const {
    const std::lock_guard lock(mutex_);
    return seen_;
}

std::shared_ptr<const std::vector<host::Interface>> Switches::see(std::uint64_t turn,
                                                                  std::vector<host::Interface> interfaces) {
    auto seen = std::make_shared<const std::vector<host::Interface>>(std::move(interfaces));
    const std::lock_guard lock(mutex_);
    if (turn > seen_turn_) {
        seen_turn_ = turn;
        seen_ = seen;
    }
    return seen;
}

bool Switches::up(const SwitchName& name) const {
    const auto item = find(name);
    if (!item)
        return false;
    const auto held = interfaces();
    const auto& seen = *held;
    const auto* bridge = named(seen, bridge_of(*item));
    return bridge && bridge->up;
}

Switch Switches::show(const Wanted& wanted) const {
    const auto held = interfaces();
    const auto& seen = *held;
    Switch shown;
    static_cast<SwitchSettings&>(shown) = wanted;
    shown.name = wanted.name;
    shown.kind = wanted.kind;
    shown.interface = bridge_of(wanted);
    shown.state = state_of(wanted, seen);
    shown.drift = drift_of(wanted, seen);
    if (const auto* bridge = named(seen, shown.interface))
        shown.members = bridge->members;
    return shown;
}

host::TapCreate Switches::tap(const VmName& vm, const DeviceName& nic, const SwitchName& name) const {
    const auto item = find(name);
    if (!item)
        throw Error(Code::vm_no_switch, "there is no switch " + name.str());
    return {vm, nic, bridge_of(*item), item->isolated};
}

std::optional<DomainName> label_of(const VmName& vm, const DeviceName& nic) {
    std::string label;
    for (const char c : vm.str() + (nic.str() == "net0" ? "" : "-" + nic.str()))
        label += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c == '_' ? '-' : c;
    label.erase(label.find_last_not_of('-') + 1);
    return DomainName::parse(label);
}

} // namespace bhype::network
