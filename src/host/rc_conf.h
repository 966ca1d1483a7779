#pragma once

// rc.conf(5)'s network variables, as libexec/rc/network.subr reads them, and sysrc(8).

#include "host/command.h"
#include "host/operations.h"

#include <map>

namespace bhype::host {

/// All variables that are set outside the defaults.
Command sysrc_all();
std::map<std::string, std::string> parse_sysrc(const Command& command, const Output& output);
/// sysrc -x NAME: it must be there.
Command sysrc_remove(std::string_view name);

/// "bh_dmz" for bh-dmz: what stands for an interface in a variable's name (ltr of network.subr).
std::string rc_word(std::string_view interface);

/// What rc.subr(8)'s checkyesno takes for yes.
bool is_yes(std::string_view value);

/// Lists of words: cloned_interfaces, vlans_em0.
std::string with_word(const std::string& list, const std::string& word);
std::string without_word(const std::string& list, const std::string& word);

/// ifconfig's arguments, with "up": rc brings an interface up that has an address, others it does not.
std::string up_with(const std::string& rest);

/// What rc.conf says of one interface.
struct RcInterface {
    std::vector<std::string> addresses; ///< "inet 192.0.2.10/24", in the order in which rc sets them
    std::string dhcp;                   ///< "DHCP", "SYNCDHCP", "NOSYNCDHCP"; empty: no client
    std::string rest;                   ///< of ifconfig_IF: "up mtu 9000 -tso"
    std::string inet6;                  ///< ifconfig_IF_ipv6
    bool rtadv = false;                 ///< in `inet6`: router advertisements give it addresses
    std::string obstacle;               ///< what cannot be moved: "WPA", empty when all can
};
/// Words for ifconfig alone.
inline RcInterface with_words(std::string words) {
    RcInterface interface;
    interface.rest = std::move(words);
    return interface;
}
RcInterface rc_interface(const std::map<std::string, std::string>& rc, std::string_view interface);

/// A variable as it is to be; none: removed.
struct RcSetting {
    std::string name;
    std::optional<std::string> value;
};
BOOST_DESCRIBE_STRUCT(RcSetting, (), (name, value))

/// The variables that say this of an interface, and that nothing else is said of it.
std::vector<RcSetting> rc_settings(const std::map<std::string, std::string>& rc, std::string_view interface,
                                   const RcInterface& wanted);

} // namespace bhype::host
