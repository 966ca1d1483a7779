#pragma once

// The maker of host/uplink.h's steps.

#include "host/ifconfig.h"
#include "host/interface.h"
#include "host/uplink.h"

#include <functional>

namespace bhype::host {

class UplinkPlanner {
  public:
    UplinkPlanner(const UplinkChange& change, const HostNetwork& network)
        : change_(change), network_(network) {}
    UplinkSteps run();

  private:
    void bridge();
    void unbridge();
    void lagg();
    void unlagg();
    void vlan();
    void unvlan();

    void add(std::string field, std::string rule) {
        problems_.push_back({std::move(field), std::move(rule)});
    }
    /// Throws when there are problems.
    void check() const;

    const Interface* find(const InterfaceName& name) const { return named(network_.interfaces, name); }
    /// rc.conf's value, empty when there is none.
    std::string rc(const std::string& name) const;
    /// The change's ports: they are there, and carry Ethernet.
    std::vector<const Interface*> ports(std::size_t least, std::size_t most);
    /// Nobody's member and nobody's port.
    void check_free(const Interface& port);
    /// What rc.conf says of it; a problem of `field` unless that is what the interface has.
    RcInterface saved(const Interface& interface, const char* field);
    std::vector<GatewayRoute> routes_of(const InterfaceName& name) const;

    void step(Command run, std::optional<Command> back) {
        result_.steps.push_back({std::move(run), std::move(back)});
    }
    void set(std::string name, std::optional<std::string> value) {
        result_.rc.push_back({std::move(name), std::move(value)});
    }
    /// The list of words without this one; without any, the variable goes.
    void take_out(const std::string& name, const std::string& word) {
        const auto left = without_word(rc(name), word);
        set(name, left.empty() ? std::nullopt : std::optional(left));
    }
    /// The NIC that carries the tag; both must be named.
    const Interface& tagged_port();
    void settle(std::string_view interface, const RcInterface& wanted);
    /// All that rc.conf says of an interface goes.
    void forget(const std::string& name);
    /// Routes and addresses off `from`; then `between`; then on `to`, where IPv6 may have to be turned on.
    /// Leased and advertised addresses move like others and stay valid meanwhile; who renews them follows at
    /// the end: so nothing on the way back waits for a server.
    void move(const Interface& from, const RcInterface& rc, const InterfaceName& to, bool to_lacks_inet6,
              const std::function<void()>& between);

    const UplinkChange& change_;
    const HostNetwork& network_;
    std::vector<FieldProblem> problems_;
    UplinkSteps result_;
};

} // namespace bhype::host
