#include "lab/commands/commands.h"
#include "lab/commands/sysctl_table.h"
#include "lab/commands/text.h"

#include <charconv>
#include <fstream>
#include <iostream>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

struct Flags {
    bool binary, equals, ignore, names, no_name, quiet, opaque;
};

const char* type_name(OidType type) {
    switch (type) {
    case OidType::integer:
        return "integer";
    case OidType::unsigned_integer:
        return "unsigned integer";
    case OidType::long_integer:
        return "long integer";
    case OidType::unsigned_long:
        return "unsigned long";
    case OidType::string:
        return "string";
    }
    return "";
}

bool is_valid(OidType type, const std::string& text) {
    if (type == OidType::string)
        return true;
    long long value = 0;
    const bool hexadecimal = text.starts_with("0x");
    const char* begin = text.data() + (hexadecimal ? 2 : 0);
    const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value, hexadecimal ? 16 : 10);
    return error == std::errc() && end == text.data() + text.size();
}

void show(const Oid& oid, const Flags& flags) {
    if (flags.names) {
        std::cout << oid.name << '\n';
        return;
    }
    const auto value = current_value(oid);
    if (flags.binary) {
        if (oid.type != OidType::string)
            throw std::runtime_error("-b of a number is not provided by the lab");
        std::cout << value << '\0'; // the string's own end is part of the value
        return;
    }
    if (!flags.no_name)
        std::cout << oid.name << (flags.equals ? "=" : ": ");
    std::cout << value << '\n';
}

/// sbin/sysctl/sysctl.c, parse(): one name, or one NAME=VALUE. `where` follows messages about a line of a
/// file.
int one(const std::string& text, const Flags& flags, const std::string& where) {
    const auto separator = text.find_first_of("=:");
    std::string name = text.substr(0, separator);
    while (!name.empty() && std::isspace(static_cast<unsigned char>(name.back())))
        name.pop_back();
    const auto oids = present_oids();
    const Oid* leaf = nullptr;
    std::vector<const Oid*> below;
    for (const Oid* oid : oids) {
        if (oid->name == name)
            leaf = oid;
        if (oid->name.starts_with(name + "."))
            below.push_back(oid);
    }
    if (!leaf && below.empty()) {
        if (flags.ignore)
            return 0;
        if (!flags.quiet)
            std::cerr << fmt::format("sysctl: unknown oid '{}'{}\n", name, where);
        return 1;
    }
    if (separator == std::string::npos) {
        if (leaf)
            show(*leaf, flags);
        else
            for (const Oid* oid : below)
                show(*oid, flags);
        return 0;
    }
    if (!leaf) {
        std::cerr << fmt::format("sysctl: oid '{}' isn't a leaf node{}\n", name, where);
        return 1;
    }
    std::string value = text.substr(separator + 1);
    value.erase(0, value.find_first_not_of(" \t"));
    if (value.size() > 1 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0])
        value = value.substr(1, value.size() - 2);
    if (leaf->access == OidAccess::read_only_tunable) {
        std::cerr << fmt::format("sysctl: oid '{}' is a read only tunable{}\n", name, where)
                  << "sysctl: Tunable values are set in /boot/loader.conf\n";
        return 1;
    }
    if (leaf->access == OidAccess::read_only) {
        std::cerr << fmt::format("sysctl: oid '{}' is read only{}\n", name, where);
        return 1;
    }
    if (leaf->type != OidType::string && value.empty()) {
        std::cerr << "sysctl: empty numeric value\n";
        return 1;
    }
    if (!is_valid(leaf->type, value)) {
        std::cerr << fmt::format("sysctl: invalid {} '{}'{}\n", type_name(leaf->type), value, where);
        return 1;
    }
    if (!flags.no_name)
        std::cout << leaf->name << (flags.equals ? "=" : ": ");
    std::cout << current_value(*leaf);
    if (const int error = set_value(*leaf, value)) {
        std::cout << std::endl;
        std::cerr << fmt::format("sysctl: {}{}: {}\n", text, where, error_text(error));
        return 1;
    }
    std::cout << " -> " << current_value(*leaf) << '\n';
    return 0;
}

int from_file(const std::string& file, const Flags& flags) {
    std::ifstream in(file);
    if (!in) {
        std::cerr << "sysctl: " << file << ": No such file or directory\n";
        return 1;
    }
    int status = 0, number = 0;
    for (std::string line; std::getline(in, line);) {
        ++number;
        line.erase(std::min(line.find('#'), line.size()));
        while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())))
            line.pop_back();
        line.erase(0, std::min(line.find_first_not_of(" \t"), line.size()));
        if (!line.empty())
            status |= one(line, flags, fmt::format(" at line {}", number));
    }
    return status;
}

} // namespace

int sysctl_main(const Arguments& arguments) {
    const auto options = parse_options(arguments, "AabB:deFf:hiJj:lNnoqTtVWwXx");
    const bool all = options.has('a') || options.has('A') || options.has('X');
    if (options.bad() || (options.rest.empty() && !all && !options.has('f'))) {
        complain("sysctl", options);
        std::cerr << "usage: sysctl [-bdeFhilNnoqTtWx] [ -B <bufsize> ] [-f filename] name[=value] ...\n"
                     "       sysctl [-bdeFhlNnoqTtWx] [ -B <bufsize> ] -a\n";
        return 1;
    }
    for (const char letter : {'d', 'F', 'J', 'j', 'l', 'T', 't', 'V', 'W', 'x'})
        if (options.has(letter))
            throw std::runtime_error(std::string("-") + letter + " is not provided by the lab");
    const Flags flags{options.has('b'), options.has('e'), options.has('i'), options.has('N'),
                      options.has('n'), options.has('q'), options.has('o')};
    int status = 0;
    if (all)
        for (const Oid* oid : present_oids())
            show(*oid, flags);
    for (const auto& option : options.options)
        if (option.letter == 'f')
            status |= from_file(option.value, flags);
    for (const auto& text : options.rest)
        status |= one(text, flags, "");
    return status;
}

} // namespace bhype::lab
