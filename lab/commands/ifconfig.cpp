#include "lab/commands/commands.h"
#include "lab/commands/ifconfig_status.h"
#include "lab/commands/modules.h"
#include "lab/commands/sysctl_table.h"
#include "lab/commands/text.h"

#include <arpa/inet.h>
#include <fnmatch.h>
#include <linux/if.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <iostream>
#include <optional>
#include <random>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

constexpr std::size_t max_name = IFNAMSIZ - 1;

constexpr const char* usage =
    "usage: ifconfig [-j jail] [-f type:format] [-C] [-g groupname] interface address_family\n"
    "                [address [dest_address]] [parameters]\n"
    "       ifconfig [-j jail] interface create\n"
    "       ifconfig [-j jail] -a [-C] [-g groupname] [-d] [-m] [-u] [-v] [address_family]\n"
    "       ifconfig [-j jail] -l [-d] [-u] [address_family]\n"
    "       ifconfig [-j jail] [-C] [-g groupname] [-d] [-m] [-u] [-v]\n";

/// 15's err(3) appends what the kernel explains (lib/libc/gen/err.c, EXTERROR in sys/net/if_bridge.c).
[[noreturn]] void refuse(const std::string& what, int error, const std::string& explanation = {}) {
    const bool explain = major_release() >= 15 && !explanation.empty();
    errx(1, what + ": " + error_text(error) + (explain ? " (" + explanation + ")" : ""));
}

void check(const std::string& what, int error) {
    if (error)
        refuse(what, error);
}

/// One call about one interface: words are done in their order, addresses at the end
/// (sbin/ifconfig/ifconfig.c, ifconfig_ioctl()).
class Call {
  public:
    Call(std::string name, std::vector<std::string> words, std::string family)
        : name_(std::move(name)), words_(std::move(words)), family_(std::move(family)) {}

    void run(bool create) {
        if (create) {
            const auto made = create_interface(name_);
            if (made != name_)
                to_print_ = made;
            name_ = made;
            if (!words_.empty() && is_family(words_[0]))
                family_ = take();
        }
        while (!words_.empty())
            word(take());
        finish_addresses();
    }

    /// Printed at the end whatever happens: the name that was not given by the caller.
    const std::string& to_print() const { return to_print_; }

    static bool is_family(const std::string& word) {
        static constexpr const char* families[] = {"inet", "inet6", "link", "ether", "lladdr"};
        return std::find(std::begin(families), std::end(families), word) != std::end(families);
    }

  private:
    using Handler = void (Call::*)(const std::string&);
    struct Keyword {
        const char* name;
        Handler handler;
        bool argument;
        const char* source;
        int first_release{13};
    };

    // What is accepted; every other word of ifconfig(8) is refused by the lab, and a word that ifconfig(8)
    // does not have is taken for an address, as there.
    static constexpr std::size_t keyword_count = 26;
    static const Keyword keywords[keyword_count];
    static const char* const known_words[];

    std::string take() {
        auto word = words_.front();
        words_.erase(words_.begin());
        return word;
    }

    void word(const std::string& word) {
        for (const auto& keyword : keywords) {
            if (word != keyword.name || major_release() < keyword.first_release)
                continue;
            if (keyword.argument && words_.empty())
                errx(1, word == "addm" ? "usage: addm <interface> [opts ...]"
                                       : fmt::format("'{}' requires argument", word));
            return (this->*keyword.handler)(keyword.argument ? take() : word);
        }
        for (const char* const* known = known_words; *known; ++known)
            if (word == *known)
                throw std::runtime_error("'" + word + "' is not provided by the lab");
        set_address(word);
    }

    /// The interface now, under the lock; ENXIO if somebody has destroyed it meanwhile.
    template <class Work>
    void change(const std::string& what, Work work) {
        if (geteuid() != 0)
            refuse(what, EPERM);
        Interfaces interfaces(true);
        auto* interface = interfaces.find(name_);
        if (!interface)
            refuse(what, ENXIO);
        work(interfaces, *interface);
        interfaces.save();
    }

    void set_up(const std::string& word) {
        if (geteuid() != 0)
            errx(1, word + ": permission denied");
        change(word,
               [&](auto&, auto& interface) { check(word, set_link_up(interface.link.index, word == "up")); });
    }
    void set_link0(const std::string& word) {
        change(word, [&](auto&, auto& interface) { interface.link0 = word == "link0"; });
    }
    void set_nothing(const std::string&) {}
    void set_mtu(const std::string& text);
    void set_name(const std::string& text);
    void set_description(const std::string& text);
    void unset_description(const std::string&) { set_description(""); }
    void set_group(const std::string& group);
    void unset_group(const std::string& group);
    void destroy(const std::string&) { destroy_interface(name_); }
    void add_member(const std::string& member);
    void delete_member(const std::string& member);
    void add_span(const std::string& member);
    void delete_span(const std::string& member);
    void set_private(const std::string& member) {
        change_member(member, [](auto& m) { m.is_private = true; });
    }
    void unset_private(const std::string& member) {
        change_member(member, [](auto& m) { m.is_private = false; });
    }
    void set_member_limit(const std::string& member);
    void list_addresses(const std::string&);
    void change_member(const std::string& name, const std::function<void(BridgeMember&)>& change_it);
    void alias(const std::string&) { alias_ = 1; }
    void unalias(const std::string&) { alias_ = -1; }
    void set_netmask(const std::string& text);
    void set_broadcast(const std::string&) {}
    void set_address(const std::string& text);
    void set_family(const std::string& word) { family_ = word; }
    void set_ether(const std::string& text);
    void finish_addresses();
    void require_no_member_address(const Interface& interface);

    std::string name_;
    std::vector<std::string> words_;
    std::string family_, to_print_;
    int alias_{0};
    std::optional<LinkAddress> address_;
    bool has_mask_{false};
};

// clang-format off
const Call::Keyword Call::keywords[keyword_count] = {
    {"up", &Call::set_up, false, "sbin/ifconfig/ifconfig.c"},
    {"down", &Call::set_up, false, "sbin/ifconfig/ifconfig.c"},
    {"link0", &Call::set_link0, false, "sbin/ifconfig/ifconfig.c"},
    {"-link0", &Call::set_link0, false, "sbin/ifconfig/ifconfig.c"},
    {"promisc", &Call::set_nothing, false, "sbin/ifconfig/ifconfig.c"},
    {"-promisc", &Call::set_nothing, false, "sbin/ifconfig/ifconfig.c"},
    {"mtu", &Call::set_mtu, true, "sbin/ifconfig/ifconfig.c"},
    {"name", &Call::set_name, true, "sbin/ifconfig/ifconfig.c"},
    {"description", &Call::set_description, true, "sbin/ifconfig/ifconfig.c"},
    {"descr", &Call::set_description, true, "sbin/ifconfig/ifconfig.c"},
    {"-description", &Call::unset_description, false, "sbin/ifconfig/ifconfig.c"},
    {"-descr", &Call::unset_description, false, "sbin/ifconfig/ifconfig.c"},
    {"group", &Call::set_group, true, "sbin/ifconfig/ifgroup.c"},
    {"-group", &Call::unset_group, true, "sbin/ifconfig/ifgroup.c"},
    {"destroy", &Call::destroy, false, "sbin/ifconfig/ifclone.c"},
    {"addm", &Call::add_member, true, "sbin/ifconfig/ifbridge.c"},
    {"deletem", &Call::delete_member, true, "sbin/ifconfig/ifbridge.c"},
    {"span", &Call::add_span, true, "sbin/ifconfig/ifbridge.c"},
    {"-span", &Call::delete_span, true, "sbin/ifconfig/ifbridge.c"},
    {"private", &Call::set_private, true, "sbin/ifconfig/ifbridge.c"},
    {"-private", &Call::unset_private, true, "sbin/ifconfig/ifbridge.c"},
    {"ifmaxaddr", &Call::set_member_limit, true, "sbin/ifconfig/ifbridge.c"},
    {"addr", &Call::list_addresses, false, "sbin/ifconfig/ifbridge.c"},
    {"netmask", &Call::set_netmask, true, "sbin/ifconfig/ifconfig.c"},
    {"broadcast", &Call::set_broadcast, true, "sbin/ifconfig/ifconfig.c"},
    {"alias", &Call::alias, false, "sbin/ifconfig/ifconfig.c"},
};

const char* const Call::known_words[] = {
    "arp", "-arp", "debug", "-debug", "metric", "tunnel", "-tunnel", "vnet", "-vnet", "monitor", "-monitor",
    "discover", "-discover", "learn", "-learn", "sticky", "-sticky", "stp", "-stp", "edge", "-edge", "autoedge",
    "-autoedge", "ptp", "-ptp", "autoptp", "-autoptp", "flush", "flushall", "static", "deladdr", "maxaddr",
    "hellotime", "fwddelay", "maxage", "priority", "proto", "holdcnt", "ifpriority", "ifpathcost", "timeout",
    "vlanfilter", "-vlanfilter", "defuntagged", "ifuntagged", "iftagged", "vlan", "vlandev", "vlanproto", "laggport",
    "laggproto", "media", "mediaopt", "ifdisabled", "-ifdisabled", "auto_linklocal", "-auto_linklocal", "accept_rtadv",
    "rxcsum", "-rxcsum", "txcsum", "-txcsum", "tso", "-tso", "lro", "-lro", "wol", "-wol", "vhid", "plumb", nullptr};
// clang-format on

void Call::set_mtu(const std::string& text) {
    const std::string what = "ioctl SIOCSIFMTU (set mtu)";
    const int mtu = std::atoi(text.c_str());
    change(what, [&](Interfaces& interfaces, Interface& interface) {
        if (mtu < 72 || mtu > 65535)
            refuse(what, EINVAL);
        if (interface.bridge && major_release() >= 14)
            refuse(what, EOPNOTSUPP);
        if (interface.driver == "bridge") {
            for (const auto& member : interface.members) {
                const auto* port = interfaces.find(member.index);
                if (major_release() < 14 && port->link.mtu != static_cast<unsigned>(mtu))
                    refuse(what, EINVAL);
                if (major_release() >= 14 && set_link_mtu(member.index, static_cast<unsigned>(mtu)) != 0) {
                    for (const auto& back : interface.members)
                        set_link_mtu(back.index, interface.link.mtu);
                    refuse(what, EINVAL, "Failed to set MTU on member interface");
                }
            }
        }
        check(what, set_link_mtu(interface.link.index, static_cast<unsigned>(mtu)));
    });
}

void Call::set_name(const std::string& text) {
    const std::string what = "ioctl SIOCSIFNAME (set name)";
    change(what, [&](Interfaces& interfaces, Interface& interface) {
        if (text.size() > max_name)
            refuse(what, ENAMETOOLONG);
        if (text.empty())
            refuse(what, EINVAL);
        if (interfaces.find(text))
            refuse(what, EEXIST);
        int error = set_link_name(interface.link.index, text);
        if (error == EBUSY) { // kernels before 6.2 rename only what is down
            set_link_up(interface.link.index, false);
            error = set_link_name(interface.link.index, text);
            set_link_up(interface.link.index, true);
        }
        check(what, error);
        if (interface.driver == "tap") [[maybe_unused]]
            const int linked = symlink(interface.original.c_str(), ("/dev/" + text).c_str());
        interface.link.name = name_ = to_print_ = text;
    });
}

void Call::set_description(const std::string& text) {
    const std::string what = "ioctl SIOCSIFDESCR (set descr)";
    if (text.size() + 1 > std::stoul(sysctl_value("net.ifdescr_maxlen")))
        refuse(what, ENAMETOOLONG);
    change(what, [&](auto&, auto& interface) { interface.description = text; });
}

void Call::set_group(const std::string& group) {
    if (!group.empty() && std::isdigit(static_cast<unsigned char>(group.back())))
        errx(1, "setifgroup: group names may not end in a digit");
    if (group.size() > max_name)
        errx(1, "setifgroup: group name too long");
    change(" SIOCAIFGROUP", [&](auto&, auto& interface) {
        if (std::find(interface.groups.begin(), interface.groups.end(), group) == interface.groups.end())
            interface.groups.push_back(group);
    });
}

void Call::unset_group(const std::string& group) {
    if (!group.empty() && std::isdigit(static_cast<unsigned char>(group.back())))
        errx(1, "unsetifgroup: group names may not end in a digit");
    if (group.size() > max_name)
        errx(1, "unsetifgroup: group name too long");
    change("SIOCDIFGROUP", [&](auto&, auto& interface) { std::erase(interface.groups, group); });
}

void Call::add_member(const std::string& member) {
    const std::string what = "BRDGADD " + member;
    change(what, [&](Interfaces& interfaces, Interface& bridge) {
        auto* port = interfaces.find(member);
        if (bridge.driver != "bridge")
            refuse(what, EINVAL);
        if (!port)
            refuse(what, ENOENT, "No such interface");
        if (port->bridge) {
            const auto entry = std::find_if(bridge.members.begin(), bridge.members.end(),
                                            [&](const auto& m) { return m.index == port->link.index; });
            if (entry != bridge.members.end() && !entry->span)
                refuse(what, EEXIST, "Interface is already a member of this bridge");
            refuse(what, EBUSY,
                   entry != bridge.members.end() ? "Span interface cannot be a member"
                                                 : "Interface is already a member of another bridge");
        }
        if (port->driver == "lo0" || port->driver == "bridge")
            refuse(what, EINVAL, "Unsupported interface type");
        if (sysctl_value("net.link.bridge.member_ifaddrs") == "0" && !port->addresses.empty())
            refuse(what, EINVAL, "Member interface may not have an IP address assigned");
        const bool first =
            std::none_of(bridge.members.begin(), bridge.members.end(), [](auto& m) { return !m.span; });
        const unsigned mtu = first ? port->link.mtu : bridge.link.mtu;
        if (port->link.mtu != mtu) {
            if (major_release() < 14)
                refuse(what, EINVAL);
            if (set_link_mtu(port->link.index, mtu) != 0)
                refuse(what, EINVAL, "Failed to set MTU on new member");
        }
        check(what, set_link_master(port->link.index, bridge.link.index));
        set_link_mtu(bridge.link.index, mtu);
        set_link_ether(bridge.link.index, bridge.link.ether); // Linux would take the lowest of the members'
        bridge.members.insert(bridge.members.begin(), BridgeMember{port->link.index});
    });
}

void Call::delete_member(const std::string& member) {
    const std::string what = "BRDGDEL " + member;
    change(what, [&](Interfaces& interfaces, Interface& bridge) {
        auto* port = interfaces.find(member);
        const auto is_it = [&](const auto& m) { return port && m.index == port->link.index && !m.span; };
        if (std::none_of(bridge.members.begin(), bridge.members.end(), is_it))
            refuse(what, ENOENT, "Interface is not a bridge member");
        check(what, set_link_master(port->link.index, 0));
        set_link_ether(bridge.link.index, bridge.link.ether);
        std::erase_if(bridge.members, is_it);
    });
}

void Call::add_span(const std::string& member) {
    throw std::runtime_error("'span " + member + "' is not provided by the lab");
}

void Call::delete_span(const std::string& member) {
    refuse("BRDGDELS " + member, ENOENT, "Interface is not a span port");
}

void Call::change_member(const std::string& member, const std::function<void(BridgeMember&)>& change_it) {
    const std::string what = "unable to get bridge flags";
    change(what, [&](Interfaces& interfaces, Interface& bridge) {
        auto* port = interfaces.find(member);
        for (auto& entry : bridge.members) {
            if (!port || entry.index != port->link.index)
                continue;
            change_it(entry);
            check("unable to set bridge flags", set_port_isolated(entry.index, entry.is_private));
            return;
        }
        refuse(what, ENOENT, "Interface is not a bridge member");
    });
}

void Call::set_member_limit(const std::string& member) {
    if (words_.empty())
        errx(1, "'ifmaxaddr' requires 2 arguments");
    const auto limit = take();
    if (limit.empty() || limit.find_first_not_of("0123456789") != std::string::npos)
        errx(1, "invalid value: " + limit);
    change("BRDGSIFAMAX " + limit, [&](Interfaces& interfaces, Interface& bridge) {
        auto* port = interfaces.find(member);
        for (auto& entry : bridge.members)
            if (port && entry.index == port->link.index) {
                entry.max_addresses = static_cast<unsigned>(std::stoul(limit));
                return;
            }
        refuse("BRDGSIFAMAX " + limit, ENOENT, "Interface is not a bridge member");
    });
}

void Call::list_addresses(const std::string&) {
    constexpr unsigned lifetime = 1200;
    Interfaces interfaces(false);
    const auto* bridge = interfaces.find(name_);
    for (const auto& entry : dump_bridge_entries(bridge->link.index)) {
        const auto* port = interfaces.find(entry.port);
        if (port && entry.age < lifetime)
            std::cout << fmt::format("{} Vlan{} {} {} flags=0<>\n", entry.ether,
                                     major_release() >= 15 ? 0 : 1, port->name(), lifetime - entry.age);
    }
}

void Call::set_netmask(const std::string& text) {
    in_addr mask{};
    if (text.starts_with("0x"))
        mask.s_addr = htonl(static_cast<unsigned>(std::stoul(text, nullptr, 16)));
    else if (!inet_aton(text.c_str(), &mask))
        errx(1, text + ": bad value");
    if (!address_)
        address_.emplace();
    address_->prefix = static_cast<unsigned>(__builtin_popcount(mask.s_addr));
    has_mask_ = true;
}

void Call::set_ether(const std::string& text) {
    std::string ether = text;
    if (text == "random") {
        std::random_device random;
        ether = fmt::format("{:02x}", (random() & 0xfc) | 0x02);
        for (int i = 0; i < 5; ++i)
            ether += fmt::format(":{:02x}", random() & 0xff);
    }
    unsigned b[6];
    char rest = 0;
    if (std::sscanf(ether.c_str(), "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
                    &rest) != 6)
        errx(1, "malformed link-level address");
    change("ioctl (SIOCAIFADDR)", [&](auto&, auto& interface) {
        if (b[0] & 1)
            refuse("ioctl (SIOCAIFADDR)", EINVAL);
        check("ioctl (SIOCAIFADDR)", set_link_ether(interface.link.index, ether));
    });
}

void Call::set_address(const std::string& text) {
    if (text == "-alias" || text == "delete" || text == "remove")
        return unalias(text);
    if (text == "add")
        return alias(text);
    if (family_ == "ether" || family_ == "link" || family_ == "lladdr")
        return set_ether(text);
    if (is_family(text)) {
        // Without words of its own a family is a word of the next address.
        return set_family(text);
    }
    const bool v6 = family_ == "inet6";
    LinkAddress address = address_.value_or(LinkAddress{});
    address.v6 = v6;
    const auto slash = text.rfind('/');
    address.address = text.substr(0, slash);
    if (slash != std::string::npos) {
        const auto width = text.substr(slash + 1);
        const unsigned most = v6 ? 128 : 32;
        if (width.empty() || width.size() > 3 || width.find_first_not_of("0123456789") != std::string::npos)
            errx(1, text + ": bad value (width invalid)");
        address.prefix = static_cast<unsigned>(std::stoul(width));
        if (address.prefix > most)
            errx(1, text + ": bad value (width too large)");
        has_mask_ = true;
    } else if (v6) {
        address.prefix = 64;
        has_mask_ = true;
    }
    unsigned char bytes[16];
    if (inet_pton(v6 ? AF_INET6 : AF_INET, address.address.c_str(), bytes) != 1)
        errx(1, address.address + ": bad value");
    address_ = address;
}

void Call::require_no_member_address(const Interface& interface) {
    if (interface.bridge && sysctl_value("net.link.bridge.member_ifaddrs") == "0")
        refuse("ioctl (SIOCAIFADDR)", EINVAL, "Member interface may not have an IP address assigned");
}

void Call::finish_addresses() {
    if (!address_ && alias_ >= 0)
        return;
    const bool has_address = address_ && !address_->address.empty();
    if (alias_ >= 0 && has_address && !has_mask_) {
        if (major_release() >= 14)
            errx(1, "ERROR: setting interface address without mask is no longer supported.");
        std::cerr << "ifconfig: WARNING: setting interface address without mask is deprecated,\n"
                     "default mask may not be correct.\n";
        const int first = std::atoi(address_->address.c_str());
        address_->prefix = first < 128 ? 8 : first < 192 ? 16 : 24;
    }
    const std::string what = alias_ < 0 ? "ioctl (SIOCDIFADDR)" : "ioctl (SIOCAIFADDR)";
    if (geteuid() != 0)
        errx(1, what + ": permission denied");
    change(what, [&](Interfaces&, Interface& interface) {
        const bool v6 = family_ == "inet6";
        const auto same = [&](const LinkAddress& a) {
            return a.v6 == v6 && (!has_address || a.address == address_->address);
        };
        const auto present = std::find_if(interface.addresses.begin(), interface.addresses.end(), same);
        if (alias_ < 0) {
            if (present == interface.addresses.end())
                refuse(what, EADDRNOTAVAIL);
            check(what, change_address(interface.link.index, *present, false));
            return;
        }
        require_no_member_address(interface);
        if (alias_ == 0 && !v6) { // takes the place of the first one
            const auto first = std::find_if(interface.addresses.begin(), interface.addresses.end(),
                                            [](const auto& a) { return !a.v6; });
            if (first != interface.addresses.end())
                change_address(interface.link.index, *first, false);
        } else if (present != interface.addresses.end()) {
            change_address(interface.link.index, *present, false);
        }
        const int error = change_address(interface.link.index, *address_, true);
        if (error != EEXIST)
            check(what, error);
        set_link_up(interface.link.index, true); // in_control() brings it up
    });
}

bool matches_family(const Interface& interface, const std::string& family) {
    if (family.empty())
        return true;
    if (family == "ether" || family == "link" || family == "lladdr")
        return interface.driver != "lo0" || family != "ether";
    return std::any_of(interface.addresses.begin(), interface.addresses.end(),
                       [&](const auto& a) { return a.v6 == (family == "inet6"); });
}

int print_group(const std::string& group) {
    Interfaces interfaces(false);
    for (const auto& interface : interfaces.all)
        if (group == "all" ||
            std::find(interface.groups.begin(), interface.groups.end(), group) != interface.groups.end())
            std::cout << interface.name() << '\n';
    return 0;
}

int usage_failure() {
    std::cout.flush();
    std::cerr << usage;
    return 1;
}

int list(const ParsedOptions& options, const std::string& family, const StatusFormat& format) {
    Interfaces interfaces(false);
    bool first = true;
    const auto in_group = [](const Interface& interface, const std::string& pattern) {
        auto groups = interface.groups;
        groups.push_back("all");
        return std::any_of(groups.begin(), groups.end(),
                           [&](const auto& g) { return fnmatch(pattern.c_str(), g.c_str(), 0) == 0; });
    };
    for (const auto& interface : interfaces.all) {
        if ((options.has('u') && !interface.up()) || (options.has('d') && interface.up()) ||
            !matches_family(interface, family))
            continue;
        if (options.has('a') && options.has('g') && !in_group(interface, *options.value('g')))
            continue;
        if (options.has('G') && in_group(interface, *options.value('G')))
            continue;
        if (options.has('l'))
            std::cout << (first ? "" : " ") << interface.name();
        else
            print_status(interfaces, interface, format);
        first = false;
    }
    if (options.has('l'))
        std::cout << '\n';
    return 0;
}

int about_one(std::vector<std::string> words, bool load, StatusFormat format) {
    const std::string name = words[0];
    words.erase(words.begin());
    const bool creates = !words.empty() && (words[0] == "create" || words[0] == "plumb");
    if (load && geteuid() == 0) {
        const auto digits = name.find_last_not_of("0123456789") + 1;
        load_module(name.substr(0, digits) == "tap" ? "if_tuntap" : "if_" + name.substr(0, digits));
    }
    bool exists = false;
    {
        Interfaces interfaces(false);
        exists = interfaces.find(name) != nullptr;
    }
    if (!exists && !creates)
        errx(1, fmt::format("interface {} does not exist", name));
    if (creates) {
        if (!exists && name.size() > max_name)
            errx(1, name + ": cloning name too long");
        if (exists && words.size() == 1)
            errx(1, fmt::format("interface {} already exists", name));
        words.erase(words.begin());
    }
    std::string family;
    if (!words.empty() && Call::is_family(words[0])) {
        family = words[0];
        words.erase(words.begin());
    }
    if (words.empty() && !(creates && !exists)) {
        Interfaces interfaces(false);
        format.family = family == "link" || family == "lladdr" ? "ether" : family;
        if (const auto* interface = interfaces.find(name))
            print_status(interfaces, *interface, format);
        return 0;
    }
    Call call(name, words, family.empty() ? "inet" : family);
    try {
        call.run(creates && !exists);
    } catch (...) {
        if (!call.to_print().empty())
            std::cout << call.to_print() << std::endl;
        throw;
    }
    if (!call.to_print().empty())
        std::cout << call.to_print() << '\n';
    return 0;
}

} // namespace

int ifconfig_main(const Arguments& arguments) {
    return with_failures("ifconfig", [&] {
        auto options = parse_options(arguments, "G:adDf:j:klmnuvCg:L");
        if (options.bad()) {
            complain("ifconfig", options);
            return usage_failure();
        }
        for (const char letter : {'D', 'j', 'k', 'm', 'L'})
            if (options.has(letter))
                throw std::runtime_error(std::string("-") + letter + " is not provided by the lab");
        if (options.has('C')) {
            std::cout << "bridge epair tap lo\n";
            return 0;
        }
        StatusFormat format;
        if (const auto* text = options.value('f'))
            for (const auto& part : split_at(*text, ',')) {
                if (part != "inet:cidr" && part != "inet6:cidr" && part != "ether:colon" &&
                    part != "addr:numeric")
                    throw std::runtime_error("-f " + part + " is not provided by the lab");
                format.inet_cidr = format.inet_cidr || part == "inet:cidr";
                format.inet6_cidr = format.inet6_cidr || part == "inet6:cidr";
            }
        if (options.has('g') && !options.has('a'))
            return print_group(*options.value('g'));
        if ((options.has('l') && options.has('a')) || (options.has('u') && options.has('d')) ||
            (options.has('G') && !options.has('a')))
            return usage_failure();
        const bool all = options.has('a') || (!options.has('l') && options.rest.empty());
        if (!all && !options.has('l'))
            return about_one(options.rest, !options.has('n'), format);
        if (options.rest.size() > 1)
            return usage_failure();
        if (!options.rest.empty() && !Call::is_family(options.rest[0])) {
            std::cerr << "ifconfig: Address family '" << options.rest[0] << "' unknown.\n";
            return usage_failure();
        }
        const std::string family = options.rest.empty() ? "" : options.rest[0];
        format.family = family == "link" || family == "lladdr" ? "ether" : family;
        return list(options, family, format);
    });
}

} // namespace bhype::lab
