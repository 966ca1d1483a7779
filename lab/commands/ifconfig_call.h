#pragma once

#include "lab/commands/forwarder.h"
#include "lab/commands/interfaces.h"
#include "lab/commands/text.h"
#include "lab/core/command.h"

#include <unistd.h>

#include <cerrno>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <linux/if.h>

#include <fmt/format.h>

namespace bhype::lab::ifconfig {

constexpr std::size_t max_name = IFNAMSIZ - 1;

/// 15's err(3) appends what the kernel explains (lib/libc/gen/err.c, EXTERROR in sys/net/if_bridge.c).
[[noreturn]] void refuse(const std::string& what, int error, const std::string& explanation = {});

/// refuse() unless the error is 0.
void check(const std::string& what, int error);

/// One call about one interface: words are done in their order, addresses at the end
/// (sbin/ifconfig/ifconfig.c, ifconfig_ioctl()).
class Call {
  public:
    Call(std::string name, std::vector<std::string> words, std::string family)
        : name_(std::move(name)), words_(std::move(words)), family_(std::move(family)) {}

    void run(bool create) {
        if (create) {
            const bool vlan = name_.starts_with("vlan") || name_.find('.') != std::string::npos;
            if (vlan)
                take_vlan_words();
            const auto made = create_interface(name_, vlan ? vlan_ : VlanRequest{});
            vlan_ = {};
            has_tag_ = false;
            if (made != name_)
                to_print_ = made;
            name_ = made;
            if (!words_.empty() && is_family(words_[0]))
                family_ = take();
        }
        while (!words_.empty())
            word(take());
        finish_vlan();
        finish_addresses();
        notify_forwarder(notify_);
    }

    int status() const { return status_; }

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

    /// What is accepted; every other word of ifconfig(8) is refused by the lab, and a word that ifconfig(8)
    /// does not have is taken for an address, as there.
    static const std::vector<Keyword> keywords;
    static const char* const known_words[];
    /// Words that set a bit and, with a "-" before, clear it; whether it was one.
    bool capability(const std::string& word);
    bool nd6_option(const std::string& word);

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
        if (!capability(word) && !nd6_option(word))
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
    void set_vlan_tag(const std::string& text);
    void set_vlan_parent(const std::string& name) { vlan_.parent = name; }
    void unset_vlan_parent(const std::string&);
    void set_vlan_protocol(const std::string& text);
    void set_vlan_priority(const std::string& text);
    void take_vlan_words();
    void finish_vlan();
    void set_lagg_protocol(const std::string& text);
    void add_lagg_port(const std::string& name);
    void remove_lagg_port(const std::string& name);
    void finish_addresses();
    void require_no_member_address(const Interface& interface);

    std::string name_;
    std::vector<std::string> words_;
    std::string family_, to_print_;
    int alias_{0};
    std::optional<LinkAddress> address_;
    bool has_mask_{false};
    VlanRequest vlan_;
    bool has_tag_{false};
    int notify_{0}; ///< the lagg's process, when its ports have changed
    int status_{0};
};

} // namespace bhype::lab::ifconfig
