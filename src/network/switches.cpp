#include "network/switches.h"

#include "base/log.h"
#include "network/forwards.h"

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

bool Switches::forget_forwards(const VmName& vm) {
    bool any = false;
    for (const auto& forward : forwards())
        if (forward.vm == vm) {
            forget_forward(forward.name);
            any = true;
        }
    return any;
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

std::vector<ForwardView> Switches::forward_views() const {
    const auto all = forwards();
    if (all.empty())
        return {};
    const auto there = wanted();
    const auto connected = nics();
    std::vector<ForwardView> views;
    for (const auto& forward : all)
        views.push_back(view_of(forward, there, connected));
    return views;
}

std::uint64_t Switches::version() const {
    const std::lock_guard lock(mutex_);
    return version_;
}

void Switches::note(const host::DhcpEnsureResult& result) const {
    if (result.had_ended)
        dhcp_ended_ = std::time(nullptr);
    const std::lock_guard lock(mutex_);
    dhcp_refused_ = result.refused;
}

std::string Switches::dhcp_refused() const {
    const std::lock_guard lock(mutex_);
    return dhcp_refused_;
}

host::DhcpEnsure Switches::dhcp() const {
    host::DhcpEnsure operation;
    std::set<SwitchName> served;
    for (const auto& item : wanted()) {
        if ((!item.address && !item.address6) || !item.dhcp)
            continue;
        served.insert(item.name);
        operation.ranges.push_back(dhcp_range(item));
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
        if (has_own_network(item.kind))
            operation.switches.push_back({item.name, item.kind == SwitchKind::nat, item.reach_host,
                                          item.address, item.address6, item.uplink});
    for (const auto& forward : forward_views())
        if (forward.to)
            operation.forwards.push_back(
                {forward.protocol, forward.from, forward.port, *forward.to, forward.to_port, forward.uplink});
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
    Outcome outcome;
    outcome.guard = host_.call(host::UplinkShow{});
    settle(outcome.guard);
    mend_switches(outcome);
    serve_all(outcome);
    outcome.dhcp_ended = dhcp_ended_;
    if (auto refused = dhcp_refused(); !refused.empty())
        outcome.failures.push_back({"dhcp_ports", std::move(refused),
                                    "End it, or bind it to other addresses; bHype tries again each minute."});
    outcome.forwards = forward_views();
    if (keep_.raise)
        keep_.raise(faults_of(outcome, std::time(nullptr)));
}

void Switches::mend_switches(Outcome& outcome) {
    const auto list = [this] { return host_.call(host::InterfaceList{}); };
    auto seen = look(list);
    bool changed = false;
    for (const auto& item : wanted()) {
        const auto operation = bridge_operation(item);
        if (!operation || drift_of(item, *seen).empty())
            continue;
        try {
            host_.call(*operation);
        } catch (const Error& error) {
            log::error("switch {}: {}", item.name.str(), error.what());
            outcome.unmade.emplace(item.name, error.what());
        }
        changed = true;
    }
    if (changed)
        seen = look(list);
    for (const auto& item : wanted())
        if (auto drift = drift_of(item, *seen); !drift.empty())
            outcome.drift.emplace(item.name, std::move(drift));
}

void Switches::serve_all(Outcome& outcome) {
    std::map<std::string, Outcome::Failure> failures; // of the last attempt at each
    serve([&]<class Operation>(std::string_view, const Operation& operation) -> typename Operation::Result {
        const std::string id(Operation::operation);
        failures.erase(id);
        try {
            auto result = host_.call(operation);
            if constexpr (std::is_same_v<Operation, host::FirewallEnsure>)
                outcome.firewall = operation.switches.empty() ? ""
                                   : !result.loaded           ? "pf is not loaded"
                                   : !result.enabled          ? "pf is off"
                                   : !result.called           ? "pf's main rules do not call bHype's"
                                                              : "";
            return result;
        } catch (const Error& error) {
            if (error.code() == Code::hostd_away || error.code() == Code::result_unknown)
                throw;
            log::error("{}: {}", id, error.what());
            failures[id] = {id, error.what(), "bHype tries again each minute; bhype doctor says more."};
            return {};
        }
    });
    for (auto& [id, failure] : failures) {
        failure.text = (id == host::DhcpEnsure::operation       ? "DHCP and names are not served: "
                        : id == host::FirewallEnsure::operation ? "pf does not have bHype's rules: "
                                                                : "The host does not forward packets: ") +
                       failure.text;
        outcome.failures.push_back(std::move(failure));
    }
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
