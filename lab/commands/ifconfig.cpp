#include "lab/commands/commands.h"
#include "lab/commands/ifconfig_call.h"
#include "lab/commands/ifconfig_status.h"
#include "lab/commands/modules.h"
#include "lab/commands/text.h"

#include <fnmatch.h>

#include <algorithm>
#include <iostream>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

using ifconfig::Call;
using ifconfig::max_name;

constexpr const char* usage =
    "usage: ifconfig [-j jail] [-f type:format] [-C] [-g groupname] interface address_family\n"
    "                [address [dest_address]] [parameters]\n"
    "       ifconfig [-j jail] interface create\n"
    "       ifconfig [-j jail] -a [-C] [-g groupname] [-d] [-m] [-u] [-v] [address_family]\n"
    "       ifconfig [-j jail] -l [-d] [-u] [address_family]\n"
    "       ifconfig [-j jail] [-C] [-g groupname] [-d] [-m] [-u] [-v]\n";

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
    return call.status();
}

} // namespace

int ifconfig_main(const Arguments& arguments) {
    return with_failures("ifconfig", [&] {
        auto options = parse_options(arguments, "G:adDf:j:klmnuvCg:L");
        if (options.bad()) {
            complain("ifconfig", options);
            return usage_failure();
        }
        for (const char letter : {'D', 'j', 'k', 'L'})
            if (options.has(letter))
                throw std::runtime_error(std::string("-") + letter + " is not provided by the lab");
        if (options.has('C')) {
            std::cout << "bridge epair lagg lo tap vlan\n";
            return 0;
        }
        StatusFormat format;
        format.supported = options.has('m');
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
