#include "network/network.h"

#include <algorithm>
#include <charconv>

namespace bhype::network {

namespace {

struct Range {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
};

std::optional<Range> range_of(std::string_view prefix) {
    const auto slash = prefix.find('/');
    std::uint32_t address = 0;
    unsigned length = 32;
    std::string_view rest = prefix.substr(0, slash);
    for (int part = 0; part < 4; ++part) {
        unsigned value = 0;
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
        if (error != std::errc() || value > 255)
            return std::nullopt;
        address = address << 8 | value;
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        if (!rest.empty() && part < 3)
            rest.remove_prefix(1);
    }
    if (slash != prefix.npos) {
        const auto text = prefix.substr(slash + 1);
        std::from_chars(text.data(), text.data() + text.size(), length);
    }
    if (length > 32)
        return std::nullopt;
    const std::uint32_t mask = length == 0 ? 0 : ~UINT32_C(0) << (32 - length);
    return Range{address & mask, (address & mask) | ~mask};
}

} // namespace

bool overlap(std::string_view prefix_a, std::string_view prefix_b) {
    const auto a = range_of(prefix_a);
    const auto b = range_of(prefix_b);
    return a && b && a->first <= b->last && b->first <= a->last;
}

std::string bridge_of(const SwitchName& name) {
    return "bh-" + name.str();
}

Switches::Switches(wire::Host& host, Keep keep)
    : host_(host), keep_(std::move(keep)), wanted_(keep_.load()) {}

std::vector<Wanted> Switches::wanted() const {
    const std::lock_guard lock(mutex_);
    return wanted_;
}

std::optional<Wanted> Switches::find(const SwitchName& name) const {
    for (const auto& item : wanted())
        if (item.name == name)
            return item;
    return std::nullopt;
}

void Switches::want(const Wanted& wanted) {
    auto all = this->wanted();
    std::erase_if(all, [&](const Wanted& item) { return item.name == wanted.name; });
    all.push_back(wanted);
    keep_.save(all);
    const std::lock_guard lock(mutex_);
    wanted_ = std::move(all);
}

Ipv4Prefix Switches::free_network(const std::vector<host::Interface>& interfaces) const {
    for (int third = 0; third < 256; ++third) {
        auto candidate = Ipv4Prefix::from("10.77." + std::to_string(third) + ".1/24");
        const bool taken = std::any_of(interfaces.begin(), interfaces.end(), [&](const auto& interface) {
            return std::any_of(interface.inet.begin(), interface.inet.end(),
                               [&](const auto& address) { return overlap(address, candidate.str()); });
        });
        if (!taken)
            return candidate;
    }
    throw Error(Code::vm_no_switch, "every network of 10.77.0.0/16 is in use on this host");
}

void Switches::reconcile() {
    const auto all = wanted();
    host::DhcpEnsure dhcp;
    for (const auto& item : all) {
        host_.call(host::BridgeEnsure{item.name, item.address});
        dhcp.ranges.push_back({item.name, item.address});
    }
    if (!all.empty())
        host_.call(dhcp);
    look(host_.call(host::InterfaceList{}));
}

void Switches::look(const std::vector<host::Interface>& interfaces) {
    const std::lock_guard lock(mutex_);
    seen_ = interfaces;
}

bool Switches::up(const SwitchName& name) const {
    const std::lock_guard lock(mutex_);
    return std::any_of(seen_.begin(), seen_.end(), [&](const auto& interface) {
        return interface.name.str() == bridge_of(name) && interface.up;
    });
}

} // namespace bhype::network
