#include "vm/keeper.h"

#include "base/log.h"
#include "host/ifconfig.h"

#include <algorithm>
#include <map>

namespace bhype::vm {

namespace {
constexpr std::chrono::seconds everything_period{60};
constexpr std::chrono::seconds network_period{3};
} // namespace

Keeper::Keeper(wire::Host& host, Inventory& inventory, network::Switches& switches)
    : host_(host), inventory_(inventory), switches_(switches) {}

Keeper::~Keeper() {
    stop();
}

void Keeper::start() {
    thread_ = std::thread([this] { run(); });
}

void Keeper::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable())
        thread_.join();
}

void Keeper::guest_changed(const host::Guest& guest) {
    inventory_.apply(guest);
    if (is_live(guest.state))
        return;
    {
        const std::lock_guard lock(mutex_);
        ended_.insert(guest.vm.str());
    }
    wake_.notify_all();
}

void Keeper::hostd_connected(bool connected) {
    if (connected)
        inventory_.forget_changes();
    {
        const std::lock_guard lock(mutex_);
        connected_ = connected;
        everything_ = everything_ || connected;
    }
    wake_.notify_all();
}

void Keeper::task_changed(const task::Task& task) {
    const auto vm = vm_of(task.object);
    if (!vm)
        return;
    {
        const std::lock_guard lock(mutex_);
        const auto& name = vm->str();
        if (task.state == task::State::running || task.state == task::State::queued) {
            tasks_.try_emplace(name, task.id); // the first one is shown until it ends
        } else if (const auto found = tasks_.find(name); found != tasks_.end() && found->second == task.id) {
            tasks_.erase(found);
        }
    }
    inventory_.touch(*vm);
    wake_.notify_all();
}

Keeper::Claim::Claim(Keeper& keeper, const VmName& name) : keeper_(keeper), name_(name.str()) {
    std::unique_lock lock(keeper_.mutex_);
    keeper_.claimed_.insert(name_);
    keeper_.wake_.wait(lock, [&] { return keeper_.clearing_ != name_; });
}

Keeper::Claim::~Claim() {
    {
        const std::lock_guard lock(keeper_.mutex_);
        keeper_.claimed_.erase(keeper_.claimed_.find(name_));
        keeper_.ended_.insert(name_);
    }
    keeper_.wake_.notify_all();
}

std::optional<TaskId> Keeper::task_of(const VmName& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = tasks_.find(name.str());
    return found == tasks_.end() ? std::nullopt : std::optional(found->second);
}

bool Keeper::connected() const {
    const std::lock_guard lock(mutex_);
    return connected_;
}

void Keeper::wake() {
    {
        const std::lock_guard lock(mutex_);
        everything_ = true;
    }
    wake_.notify_all();
}

void Keeper::run() {
    auto last_everything = std::chrono::steady_clock::time_point{};
    while (true) {
        bool everything = false;
        {
            std::unique_lock lock(mutex_);
            wake_.wait_for(lock, network_period,
                           [&] { return stopping_ || (connected_ && (everything_ || !ended_.empty())); });
            if (stopping_)
                return;
            if (!connected_)
                continue;
            const auto now = std::chrono::steady_clock::now();
            everything = everything_ || now - last_everything > everything_period;
            if (everything) {
                everything_ = false;
                last_everything = now;
            }
        }
        try {
            if (everything)
                look_at_everything();
            clear_ended();
            look_at_network();
        } catch (const Error& error) {
            log::warning("looking at the host: {}", error.what());
        }
    }
}

void Keeper::look_at_everything() {
    try {
        switches_.reconcile();
    } catch (const Error& error) {
        log::error("switches: {}", error.what());
    }
    inventory_.refresh();
    const std::lock_guard lock(mutex_);
    for (const auto& record : inventory_.all())
        if (!is_live(record.guest.state))
            ended_.insert(record.name.str());
}

void Keeper::clear_ended() {
    std::set<std::string> ended;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& name : ended_)
            if (!claimed_.contains(name)) // the others come back when their claim ends
                ended.insert(name);
        ended_.clear();
    }
    if (ended.empty())
        return;
    // Most of them left nothing: one look tells which need work.
    std::set<std::string> leftovers;
    for (const auto& guest : host_.call(host::GuestList{}))
        if (!is_live(guest.state))
            leftovers.insert(guest.vm.str());
        else
            ended.erase(guest.vm.str());
    for (const auto& interface : host_.call(host::InterfaceList{}))
        if (const auto vm = host::vm_of_tap(interface.description))
            leftovers.insert(vm->str());
    for (const auto& name : ended) {
        const auto vm = VmName::parse(name);
        if (!vm || !leftovers.contains(name))
            continue;
        {
            const std::lock_guard lock(mutex_);
            if (claimed_.contains(name))
                continue;
            clearing_ = name;
        }
        struct Cleared {
            Keeper& keeper;
            ~Cleared() {
                {
                    const std::lock_guard lock(keeper.mutex_);
                    keeper.clearing_.clear();
                }
                keeper.wake_.notify_all();
            }
        } const cleared{*this};
        try {
            host_.call(host::GuestForget{*vm});
            host_.call(host::TapsRemove{*vm});
        } catch (const Error& error) {
            if (error.code() != Code::vm_running) // started since the look
                log::warning("vm/{}: what is left of it cannot be removed yet: {}", name, error.what());
        }
    }
}

void Keeper::look_at_network() {
    // hostd tells nobody when a change of the uplink went back by itself.
    if (switches_.uplink_waits() && host_.call(host::UplinkShow{}).state == host::GuardState::reverted)
        switches_.reconcile();
    bool any = false;
    for (const auto& record : inventory_.all())
        any = any || is_live(record.guest.state);
    if (!any)
        return;
    const auto seen = switches_.look([&] { return host_.call(host::InterfaceList{}); });
    const auto& interfaces = *seen;
    for (const auto& tap : taps_outside(inventory_.all(), interfaces, switches_)) {
        bool claimed = false;
        {
            const std::lock_guard lock(mutex_);
            claimed = claimed_.contains(tap.vm.str());
        }
        if (!claimed)
            host_.call(tap);
    }
    inventory_.apply(
        Addresses(host_.call(host::LeaseList{}), host_.call(host::NeighborList{}), switches_.wanted()),
        interfaces);
    follow_addresses();
}

/// A forward leads to the address that its guest has now.
void Keeper::follow_addresses() {
    if (switches_.forwards().empty())
        return;
    const auto wanted = switches_.firewall();
    if (auto text = encode_text(wanted); text != firewall_) {
        host_.call(wanted);
        firewall_ = std::move(text);
    }
}

std::optional<VmName> vm_of(const std::string& object) {
    return object.starts_with("vm/") ? VmName::parse(object.substr(3)) : std::nullopt;
}

std::vector<host::TapCreate> taps_outside(const std::vector<Record>& records,
                                          const std::vector<host::Interface>& interfaces,
                                          const network::Switches& switches) {
    std::map<std::string_view, const host::Interface*> by_name;
    std::map<std::string_view, const host::Interface*> by_description;
    for (const auto& interface : interfaces) {
        by_name[interface.name.str()] = &interface;
        if (!interface.description.empty())
            by_description[interface.description] = &interface;
    }
    std::map<SwitchName, network::Wanted> wanted;
    for (auto& item : switches.wanted())
        wanted.emplace(item.name, item);
    std::vector<host::TapCreate> outside;
    for (const auto& record : records) {
        if (record.guest.state != host::GuestState::running)
            continue;
        for (const auto& nic : record.machine.nics) {
            // One that was added since has no tap of this guest, only what an earlier life may have left.
            if (std::ranges::find(record.running.nics, nic.name, &host::MachineNic::name) ==
                record.running.nics.end())
                continue;
            const auto item = wanted.find(nic.switch_);
            const auto tap = by_description.find(host::tap_description(record.name, nic.name));
            if (item == wanted.end() || tap == by_description.end())
                continue;
            const auto bridge_name = network::bridge_of(item->second);
            const auto bridge = by_name.find(bridge_name.str());
            if (bridge == by_name.end())
                continue;
            const auto& name = tap->second->name.str();
            const bool joined = std::ranges::count(bridge->second->members, name) > 0;
            const bool isolated = std::ranges::count(bridge->second->isolated, name) > 0;
            if (!joined || isolated != item->second.isolated)
                outside.push_back({record.name, nic.name, bridge_name, item->second.isolated});
        }
    }
    return outside;
}

} // namespace bhype::vm
