// sbin/ifconfig/ifvlan.c, iflagg.c

#include "lab/commands/forwarder.h"
#include "lab/commands/ifconfig_call.h"

#include <algorithm>
#include <iostream>

#include <fmt/format.h>

namespace bhype::lab::ifconfig {

void Call::set_vlan_tag(const std::string& text) {
    if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos || text.size() > 5)
        errx(1, "invalid value for vlan");
    vlan_.tag = static_cast<unsigned>(std::stoul(text));
    has_tag_ = true;
}

void Call::set_vlan_protocol(const std::string& text) {
    static constexpr const char* others[] = {"802.1ad", "qinq", "0x88a8"};
    if (std::find(std::begin(others), std::end(others), text) != std::end(others))
        throw std::runtime_error("'vlanproto " + text + "' is not provided by the lab");
    if (text != "802.1q" && text != "0x8100")
        errx(1, "invalid value for vlanproto");
}

void Call::set_vlan_priority(const std::string& text) {
    if (text.size() != 1 || text[0] < '0' || text[0] > '7')
        errx(1, "value for vlanpcp out of range");
    vlan_.priority = static_cast<unsigned>(text[0] - '0');
}

/// vlan_create(): words before any other are the new interface's; "em0.20" says both by itself.
void Call::take_vlan_words() {
    while (words_.size() > 1 && (words_[0] == "vlan" || words_[0] == "vlandev" || words_[0] == "vlanproto" ||
                                 words_[0] == "vlanpcp"))
        word(take());
    if (name_.starts_with("vlan") || name_.find('.') == std::string::npos) {
        if (!has_tag_ && vlan_.parent.empty())
            return;
        if (!has_tag_)
            errx(1, "must specify a tag for vlan create");
        if (vlan_.parent.empty())
            errx(1, "must specify a parent device for vlan create");
        return;
    }
    const auto dot = name_.rfind('.');
    const auto parent = name_.substr(0, dot), digits = name_.substr(dot + 1);
    if (digits.empty() || digits[0] == '0' || digits.find_first_not_of("0123456789") != std::string::npos ||
        digits.size() > 4 || std::stoul(digits) >= 0xfff)
        errx(1, "invalid vlan tag");
    const auto tag = static_cast<unsigned>(std::stoul(digits));
    if ((has_tag_ && vlan_.tag != tag) || (!vlan_.parent.empty() && vlan_.parent != parent))
        errx(1, "ambiguous vlan specification");
    vlan_.tag = tag;
    vlan_.parent = parent;
}

void Call::finish_vlan() {
    if (!has_tag_ && vlan_.parent.empty())
        return;
    if (!has_tag_ || vlan_.parent.empty())
        errx(1, "both vlan and vlandev must be specified");
    change("SIOCSETVLAN", [&](Interfaces& interfaces, Interface& interface) {
        if (interface.driver != "vlan")
            refuse("SIOCSETVLAN", EINVAL);
        check("SIOCSETVLAN", configure_vlan(interfaces, interface, vlan_));
    });
}

void Call::unset_vlan_parent(const std::string&) {
    change("SIOCSETVLAN", [&](Interfaces&, Interface& interface) {
        if (interface.driver != "vlan")
            refuse("SIOCSETVLAN", EINVAL);
        unconfigure_vlan(interface);
    });
}

void Call::set_lagg_protocol(const std::string& text) {
    static constexpr const char* protocols[] = {"failover", "lacp", "loadbalance", "roundrobin", "broadcast"};
    if (text == "none" || text == "default")
        throw std::runtime_error("'laggproto " + text + "' is not provided by the lab");
    if (std::find(std::begin(protocols), std::end(protocols), text) == std::end(protocols))
        errx(1, "unknown aggregation protocol: " + text);
    change("SIOCSLAGG", [&](Interfaces&, Interface& interface) {
        if (interface.driver != "lagg")
            refuse("SIOCSLAGG", EINVAL);
        interface.protocol = text;
        notify_ = interface.forwarder;
    });
}

/// A port that fails is told about, and the rest goes on.
void Call::add_lagg_port(const std::string& name) {
    const auto complain = [&](int error) {
        std::cout.flush();
        std::cerr << fmt::format("ifconfig: {} {}: SIOCSLAGGPORT: {}\n", name_, name, error_text(error));
        status_ = 1;
    };
    change("SIOCSLAGGPORT", [&](Interfaces& interfaces, Interface& interface) {
        auto* port = interfaces.find(name);
        const int error = interface.driver != "lagg" ? EINVAL
                          : !port                    ? ENXIO
                                                     : lab::add_lagg_port(interfaces, interface, *port);
        notify_ = interface.forwarder;
        if (error && error != EEXIST)
            complain(error);
    });
}

void Call::remove_lagg_port(const std::string& name) {
    change("SIOCSLAGGDELPORT", [&](Interfaces& interfaces, Interface& interface) {
        auto* port = interfaces.find(name);
        if (interface.driver != "lagg" || !port)
            refuse("SIOCSLAGGDELPORT", port ? EINVAL : ENXIO);
        check("SIOCSLAGGDELPORT", lab::remove_lagg_port(interfaces, interface, *port));
        notify_ = interface.forwarder;
    });
}

} // namespace bhype::lab::ifconfig
