#include "host/rc_conf.h"

#include "host/facts.h"
#include "host/text.h"

#include <algorithm>

namespace bhype::host {

namespace {

bool is_variable(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
}

bool is_address(std::string_view word) {
    const auto address = word.substr(0, word.find('/'));
    return Ipv4Address::parse(address) || address.find(':') != address.npos;
}

/// network.subr takes its own words in any case.
std::string in_capitals(std::string_view word) {
    std::string all(word);
    for (char& c : all)
        c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return all;
}

/// Takes addresses with their words out of ifconfig's arguments; what is left is the rest.
void split_arguments(std::string_view arguments, RcInterface& found) {
    const auto all = words(arguments);
    for (std::size_t i = 0; i < all.size(); ++i) {
        const bool family = all[i] == "inet" || all[i] == "inet6";
        if (const auto upper = in_capitals(all[i]); upper.ends_with("DHCP")) {
            found.dhcp = all[i];
            continue;
        } else if (upper == "WPA" || upper == "HOSTAP") {
            found.obstacle = all[i];
        }
        found.rtadv = found.rtadv || all[i] == "accept_rtadv";
        // "ether MAC" is a family and an address too, but stays where it is.
        if (!(family && i + 1 < all.size() && is_address(all[i + 1])) && !(i == 0 && is_address(all[i]))) {
            found.rest += (found.rest.empty() ? "" : " ") + std::string(all[i]);
            continue;
        }
        std::string address = family ? std::string(all[i++]) : "inet";
        address += ' ' + std::string(all[i]);
        static constexpr std::array<std::string_view, 4> with_value{"netmask", "broadcast", "prefixlen",
                                                                    "vhid"};
        for (; i + 1 < all.size(); ++i) {
            if (std::ranges::count(with_value, all[i + 1]) > 0 && i + 2 < all.size()) {
                address += ' ' + std::string(all[i + 1]) + ' ' + std::string(all[i + 2]);
                ++i;
            } else if (all[i + 1] != "alias") {
                break;
            }
        }
        if (address.find(" vhid ") != address.npos)
            found.obstacle = "vhid";
        found.addresses.push_back(std::move(address));
    }
}

std::string alias(std::string_view word, std::size_t number) {
    return "ifconfig_" + std::string(word) + "_alias" + std::to_string(number);
}

} // namespace

Command sysrc_all() {
    return {.program = Program::sysrc,
            .arguments = {"-a"},
            .input = std::nullopt,
            .deadline = std::chrono::seconds(20)};
}

std::map<std::string, std::string> parse_sysrc(const Command& command, const Output& output) {
    expect_success(command, output);
    std::map<std::string, std::string> found;
    std::string* last = nullptr;
    each_line(output.out, [&](std::string_view line) {
        const auto colon = line.find(": ");
        if (colon != line.npos && is_variable(line.substr(0, colon)))
            last = &(found[std::string(line.substr(0, colon))] = line.substr(colon + 2));
        else if (last) // a value of several lines
            *last += '\n' + std::string(line);
    });
    return found;
}

Command sysrc_remove(std::string_view name) {
    auto command = sysrc_set(name, ""); // checks the name
    command.arguments = {"-x", std::string(name)};
    return command;
}

std::string rc_word(std::string_view interface) {
    std::string word(interface);
    std::ranges::replace_if(
        word, [](char c) { return c == '.' || c == '-' || c == '/' || c == '+'; }, '_');
    return word;
}

bool is_yes(std::string_view value) {
    std::string lower;
    for (const char c : value)
        lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return lower == "yes" || lower == "true" || lower == "on" || lower == "1";
}

std::string with_word(const std::string& list, const std::string& word) {
    return list.empty() ? word : list + ' ' + word;
}

std::string without_word(const std::string& list, const std::string& word) {
    std::string left;
    for (const auto other : words(list))
        if (other != word)
            left += (left.empty() ? "" : " ") + std::string(other);
    return left;
}

std::string up_with(const std::string& rest) {
    return std::ranges::count(words(rest), "up") > 0 ? rest : with_word(rest, "up");
}

RcInterface rc_interface(const std::map<std::string, std::string>& rc, std::string_view interface) {
    const auto word = rc_word(interface);
    const auto value = [&](const std::string& name) {
        const auto found = rc.find(name);
        return found == rc.end() ? std::string() : found->second;
    };
    RcInterface found;
    split_arguments(value("ifconfig_" + word), found);
    for (std::size_t number = 0; rc.contains(alias(word, number)); ++number) {
        RcInterface one;
        split_arguments(value(alias(word, number)), one);
        if (one.addresses.size() != 1 || !one.rest.empty())
            found.obstacle = alias(word, number);
        found.addresses.insert(found.addresses.end(), one.addresses.begin(), one.addresses.end());
    }
    for (const auto& name : {"ifconfig_" + word + "_aliases", "ipv4_addrs_" + word})
        if (rc.contains(name))
            found.obstacle = name;
    found.inet6 = value("ifconfig_" + word + "_ipv6");
    RcInterface inet6;
    split_arguments(found.inet6, inet6);
    found.rtadv = inet6.rtadv;
    return found;
}

std::vector<RcSetting> rc_settings(const std::map<std::string, std::string>& rc, std::string_view interface,
                                   const RcInterface& wanted) {
    const auto word = rc_word(interface);
    std::vector<RcSetting> settings;
    // An interface with no words of its own has its first address there, as people write it.
    const bool in_first = wanted.rest.empty() && wanted.dhcp.empty() && !wanted.addresses.empty();
    std::size_t number = 0;
    for (std::size_t i = in_first ? 1 : 0; i < wanted.addresses.size(); ++i)
        settings.push_back({alias(word, number++), wanted.addresses[i]});
    for (; rc.contains(alias(word, number)); ++number)
        settings.push_back({alias(word, number), std::nullopt});
    if (const auto name = "ifconfig_" + word + "_ipv6"; !wanted.inet6.empty())
        settings.push_back({name, wanted.inet6});
    else if (rc.contains(name))
        settings.push_back({name, std::nullopt});
    const auto words = wanted.dhcp.empty()   ? wanted.rest
                       : wanted.rest.empty() ? wanted.dhcp
                                             : wanted.dhcp + ' ' + wanted.rest;
    settings.push_back({"ifconfig_" + word, in_first ? wanted.addresses.front() : words});
    return settings;
}

} // namespace bhype::host
