#include "lab/bhyve/legacy.h"

#include "lab/bhyve/failure.h"
#include "lab/bhyve/tables.h"

#include <cstdio>
#include <vector>

#include <strings.h>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

/// As strsep(3) cuts: n commas make n + 1 words, empty ones included.
std::vector<std::string> words(const std::string& text) {
    std::vector<std::string> result;
    for (std::size_t at = 0;;) {
        const auto comma = text.find(',', at);
        result.push_back(text.substr(at, comma - at));
        if (comma == std::string::npos)
            return result;
        at = comma + 1;
    }
}

void set_words(Config::Node& node, const std::string& text) {
    for (const auto& word : words(text)) {
        const auto equals = word.find('=');
        if (equals == std::string::npos)
            Config::set(node, word, "true");
        else
            Config::set(node, word.substr(0, equals), word.substr(equals + 1));
    }
}

/// The first word under a name of its own, the others as usual.
bool first_then_words(Config::Node& node, const std::string* options, const char* name) {
    if (!options)
        return true;
    const auto comma = options->find(',');
    Config::set(node, name, options->substr(0, comma));
    if (comma != std::string::npos)
        set_words(node, options->substr(comma + 1));
    return true;
}

bool ahci_port(Config::Node& node, int port, const char* type, const std::string* options) {
    auto* child = Config::create(node, fmt::format("port.{}", port));
    Config::set(*child, "type", type);
    return legacy_block(*child, options);
}

} // namespace

bool legacy_plain(Config::Node& node, const std::string* options) {
    if (options)
        set_words(node, *options);
    return true;
}

bool legacy_block(Config::Node& node, const std::string* options) {
    return first_then_words(node, options, "path");
}

bool legacy_nvme(Config::Node& node, const std::string* options) {
    if (!options || !options->starts_with("ram="))
        return legacy_block(node, options);
    const std::string size = options->substr(4);
    return first_then_words(node, &size, "ram");
}

bool legacy_ahci(Config::Node& node, const std::string* options) {
    if (!options)
        return true;
    Config::create(node, "port");
    std::string rest = *options;
    for (int port = 0; port < 32; ++port) {
        const char* type = rest.starts_with("hd:") ? "hd" : rest.starts_with("cd:") ? "cd" : nullptr;
        if (type)
            rest.erase(0, 3);
        const auto next = std::min(rest.find(",hd:"), rest.find(",cd:"));
        const auto own = rest.substr(0, next);
        if (!own.empty() && !type) {
            print_error(fmt::format("Missing or invalid type for port {}: \"{}\"", port, own));
            return false;
        }
        if (!own.empty())
            ahci_port(node, port, type, &own);
        if (next == std::string::npos)
            break;
        rest.erase(0, next + 1);
    }
    return true;
}

bool legacy_ahci_hd(Config::Node& node, const std::string* options) {
    return ahci_port(node, 0, "hd", options);
}

bool legacy_ahci_cd(Config::Node& node, const std::string* options) {
    return ahci_port(node, 0, "cd", options);
}

bool legacy_net(Config::Node& node, const std::string* options) {
    return first_then_words(node, options, "backend");
}

bool legacy_scsi(Config::Node& node, const std::string* options) {
    return first_then_words(node, options, "dev");
}

bool legacy_input(Config::Node& node, const std::string* options) {
    return options && first_then_words(node, options, "path");
}

bool legacy_path(Config::Node& node, const std::string* options) {
    if (options)
        Config::set(node, "path", *options);
    return true;
}

bool legacy_9p(Config::Node& node, const std::string* options) {
    if (!options)
        return true;
    bool named = false;
    for (const auto& word : words(*options)) {
        const auto equals = word.find('=');
        if (equals == std::string::npos) {
            Config::set(node, word, "true");
            continue;
        }
        if (named) {
            print_error("virtio-9p: more than one share name given");
            return false;
        }
        named = true;
        Config::set(node, "sharename", word.substr(0, equals));
        Config::set(node, "path", word.substr(equals + 1));
    }
    return true;
}

bool legacy_console(Config::Node& node, const std::string* options) {
    Config::create(node, "port");
    int port = 0;
    for (const auto& word : words(options ? *options : "")) {
        const auto equals = word.find('=');
        if (equals == std::string::npos) {
            print_error(fmt::format("vtcon: port {} requires a path", word));
            return false;
        }
        if (port >= 16) {
            print_error("vtcon: too many ports");
            return false;
        }
        auto* child = Config::create(node, fmt::format("port.{}", port++));
        Config::set(*child, "name", word.substr(0, equals));
        Config::set(*child, "path", word.substr(equals + 1));
    }
    return true;
}

bool legacy_xhci(Config::Node& node, const std::string* options) {
    if (!options)
        return true;
    Config::create(node, "slot");
    int slot = 1;
    for (const auto& word : words(*options)) {
        const auto equals = word.find('=');
        auto* child = Config::create(node, fmt::format("slot.{}", slot++));
        Config::set(*child, "device", word.substr(0, equals));
        if (equals != std::string::npos && equals + 1 < word.size())
            set_words(*child, word.substr(equals + 1));
    }
    return true;
}

bool legacy_passthru(Config::Node& node, const std::string* options) {
    if (!options)
        return true;
    const auto comma = options->find(',');
    int bus = 0, slot = 0, function = 0;
    if (options->starts_with("ppt")) {
        Config::set(node, "pptdev", options->substr(0, comma));
    } else if (std::sscanf(options->c_str(), "pci0:%d:%d:%d", &bus, &slot, &function) == 3 ||
               std::sscanf(options->c_str(), "pci%d:%d:%d", &bus, &slot, &function) == 3 ||
               std::sscanf(options->c_str(), "%d/%d/%d", &bus, &slot, &function) == 3) {
        Config::set(node, "bus", std::to_string(bus));
        Config::set(node, "slot", std::to_string(slot));
        Config::set(node, "func", std::to_string(function));
    } else {
        print_error(fmt::format("passthru: invalid options \"{}\"", *options));
        return false;
    }
    if (comma != std::string::npos)
        set_words(node, options->substr(comma + 1));
    return true;
}

bool parse_slot(Config& config, const std::string& argument, int release) {
    const auto bad = [&] { print_error(fmt::format("Invalid PCI slot info field \"{}\"", argument)); };
    const auto comma = argument.find(',');
    if (comma == std::string::npos) {
        bad();
        return false;
    }
    const auto where = argument.substr(0, comma);
    const auto second = argument.find(',', comma + 1);
    const auto name = argument.substr(comma + 1, second - comma - 1);

    int bus = 0, slot = -1, function = 0;
    if (std::sscanf(where.c_str(), "%d:%d:%d", &bus, &slot, &function) != 3) {
        bus = 0;
        if (std::sscanf(where.c_str(), "%d:%d", &slot, &function) != 2) {
            function = 0;
            if (std::sscanf(where.c_str(), "%d", &slot) != 1)
                slot = -1;
        }
    }
    if (bus < 0 || bus > 255 || slot < 0 || slot > 31 || function < 0 || function > 7) {
        bad();
        return false;
    }
    const auto* device = find_device(name, release);
    if (!device) {
        print_error(fmt::format("pci slot {}:{}:{}: unknown device \"{}\"", bus, slot, function, name));
        return false;
    }
    const auto path = fmt::format("pci.{}.{}.{}", bus, slot, function);
    if (config.find(path)) {
        print_error(fmt::format("pci slot {}:{}:{} already occupied!", bus, slot, function));
        return false;
    }
    auto* node = config.create(path);
    if (!node)
        return false;
    Config::set(*node, "device", device->alias.empty() ? device->name : device->alias);
    const auto options = second == std::string::npos ? "" : argument.substr(second + 1);
    return device->legacy(*node, second == std::string::npos ? nullptr : &options);
}

bool parse_lpc(Config& config, const std::string& argument, int release) {
    const auto parts = words(argument);
    const auto rest = parts.size() > 1 ? argument.substr(parts[0].size() + 1) : "";
    for (const LpcRow& row : lpc_rows()) {
        const std::string name(row.name);
        if (!row.releases.contains(release) || strcasecmp(parts[0].c_str(), name.c_str()) != 0)
            continue;
        if (name == "bootrom") {
            // The variable moved out of lpc after 14.0; where exactly was not seen, so 14 keeps 13's names.
            const std::string prefix = release >= 1500 ? "" : "lpc.";
            if (parts.size() < 2)
                bhyve_errx(4, fmt::format("invalid bootrom option \"{}\"", argument));
            config.set(prefix + "bootrom", parts[1]);
            if (parts.size() < 3)
                return true;
            auto options = rest.substr(parts[1].size() + 1);
            if (parts[2].find('=') == std::string::npos || release < 1400) {
                config.set(prefix + "bootvars", parts[2]);
                if (parts.size() < 4 || release < 1400)
                    return true;
                options.erase(0, parts[2].size() + 1);
            }
            set_words(*config.create("lpc"), options);
            return true;
        }
        if (name == "tpm") {
            if (parts.size() < 2)
                bhyve_errx(4, fmt::format("invalid tpm type \"{}\"", argument));
            if (parts.size() < 3)
                bhyve_errx(4, fmt::format("invalid tpm path \"{}\"", argument));
            auto* node = config.create("tpm");
            Config::set(*node, "type", parts[1]);
            Config::set(*node, "path", parts[2]);
            if (parts.size() > 3)
                set_words(*node, rest.substr(parts[1].size() + parts[2].size() + 2));
            if (!node->child("version"))
                Config::set(*node, "version", "2.0");
            return true;
        }
        if (name == "pc-testdev") {
            config.set("lpc.pc-testdev", "true");
            return true;
        }
        // bhyve adds a null pointer to its configuration here and dies of it; an empty path is as close as
        // can be.
        config.set("lpc." + name + ".path", rest);
        return true;
    }
    return false;
}

} // namespace bhype::lab
