#include "lab/commands/pfctl.h"

#include "lab/commands/commands.h"
#include "lab/commands/text.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <iostream>
#include <iterator>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

constexpr const char* device = "/dev/pf";
const std::vector<PfPart> filter_parts{PfPart::scrub, PfPart::filter},
    nat_parts{PfPart::nat, PfPart::binat, PfPart::rdr};

// clearopt_list, showopt_list, tblcmdopt_list, debugopt_list, optiopt_list of sbin/pfctl/pfctl.c
using Words = std::vector<const char*>;
const Words clear_words{"nat",    "queue", "rules", "Sources",  "states", "info",
                        "Tables", "osfp",  "all",   "ethernet", "Reset"};
const Words show_words{"ether",  "nat",  "queue",      "rules",  "Anchors",   "Sources",
                       "states", "info", "Interfaces", "labels", "timeouts",  "memory",
                       "Tables", "osfp", "Running",    "all",    "creatorids"};
const Words table_words{"kill", "flush", "add",  "delete", "load", "replace",
                        "show", "test",  "zero", "expire", "reset"};
const Words debug_words{"none", "urgent", "misc", "loud"};

struct Usage {};

[[noreturn]] void usage(const std::string& complaint = {}) {
    if (!complaint.empty())
        std::cerr << "pfctl: " << complaint << '\n';
    throw Usage{};
}

std::string chosen(const Words& words, const std::string& given, const char* complaint) {
    for (const std::string word : words) {
        const bool there =
            major_release() >= 14 || (word != "ether" && word != "ethernet" && word != "creatorids");
        if (there && !given.empty() && word.starts_with(given))
            return word;
    }
    usage(fmt::format("{} '{}'", complaint, given));
}

PfctlOptions read_options(const Arguments& arguments) {
    const auto parsed =
        parse_options(arguments, major_release() >= 15 ? "a:AdD:eqf:F:ghi:k:K:mMnNOo:Pp:rRs:St:T:vx:z"
                                                       : "a:AdD:eqf:F:ghi:k:K:mMnNOo:Pp:rRs:t:T:vx:z");
    complain("pfctl", parsed);
    if (arguments.empty() || parsed.bad() || parsed.has('h'))
        usage();
    PfctlOptions options;
    bool restricted = false;
    options.load_nat = parsed.has('N');
    options.load_rules = parsed.has('R');
    options.load_options = parsed.has('O');
    for (const auto& [letter, value] : parsed.options) {
        switch (letter) {
        case 'a':
            options.anchor = value;
            break;
        case 'D':
            if (value.find('=') == std::string::npos)
                std::cerr << "pfctl: could not parse macro definition " << value << '\n';
            else
                options.macros.emplace_back(value.substr(0, value.rfind('=')),
                                            value.substr(value.rfind('=') + 1));
            break;
        case 'F':
            options.clear = chosen(clear_words, value, "Unknown flush modifier");
            break;
        case 's':
            options.show = chosen(show_words, value, "Unknown show modifier");
            break;
        case 'T':
            options.table_command = chosen(table_words, value, "Unknown table command");
            break;
        case 'x':
            options.debug = chosen(debug_words, value, "Unknown debug level");
            break;
        case 'o':
            chosen({"none", "basic", "profile"}, value, "Unknown optimization");
            break;
        case 'k':
            if (options.kill.size() == 2)
                usage("can only specify -k twice");
            options.kill.push_back(value);
            break;
        case 'A':
        case 'N':
        case 'R':
        case 'O':
            restricted = true;
            break;
        case 'g':
        case 'K':
        case 'M':
        case 'p':
        case 'r':
        case 'z':
            throw std::runtime_error(std::string("-") + letter + " is not provided by the lab");
        default:
            break;
        }
    }
    if (!restricted)
        options.load_nat = options.load_rules = options.load_options = true;
    options.disable = parsed.has('d');
    options.enable = parsed.has('e');
    options.quiet = parsed.has('q');
    options.no_action = parsed.has('n');
    options.merge = parsed.has('m');
    options.numeric = parsed.has('P');
    options.verbose =
        static_cast<int>(std::count_if(parsed.options.begin(), parsed.options.end(),
                                       [](const auto& option) { return option.letter == 'v'; }));
    for (const auto& [letter, to] :
         {std::pair{'f', &options.file}, {'i', &options.interface}, {'t', &options.table}})
        if (const auto* value = parsed.value(letter))
            *to = *value;
    options.rest = parsed.rest;
    if (options.table.has_value() == options.table_command.empty())
        usage();
    if (options.table_command.empty() && !options.rest.empty())
        usage(fmt::format("unknown command line argument: {} ...", options.rest[0]));
    if (parsed.has('a')) {
        auto& anchor = options.anchor;
        const bool writes = options.disable || options.enable || options.file || !options.clear.empty() ||
                            !options.kill.empty() || !options.debug.empty();
        if (anchor.empty())
            errx(1, "anchor name must not be empty");
        if (!writes && options.show.empty() && options.table_command.empty())
            usage("anchors apply to -f, -F, -s, and -T only");
        if (writes && options.table_command.empty() &&
            (anchor[0] == '_' || anchor.find("/_") != std::string::npos))
            errx(1, "anchor names beginning with '_' cannot be modified from the command line");
        if (anchor.ends_with('*')) {
            options.recurse = true;
            anchor.erase(anchor.size() - (anchor.ends_with("/*") ? 2 : 1));
        }
        if (anchor.size() >= 1024)
            errx(1, fmt::format("anchor name '{}' too long", anchor));
        options.load_options = false;
    }
    return options;
}

void check_device(const PfctlOptions& options) {
    const bool there = access(device, F_OK) == 0;
    const int error = !there ? ENOENT : geteuid() != 0 ? EACCES : 0;
    if (!options.no_action && error)
        err(1, device, error);
    if (options.no_action && error && major_release() >= 15)
        err(1, "Failed to open netlink", error);
}

void say(const PfctlOptions& options, const std::string& text) {
    if (!options.quiet)
        std::cerr << text << '\n';
}

/// The rules of a file as -v shows them while they are loaded.
void print_loaded(const PfctlOptions& options, const PfKernel& kernel, const std::string& path, PfPart part,
                  unsigned depth) {
    const auto& rules = kernel.rulesets.at(path)[static_cast<std::size_t>(part)];
    const std::string indent(options.verbose > 1 ? 0 : 2 * depth, ' ');
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const auto& rule = rules[i];
        std::cout << indent
                  << text_of(rule, {.numeric = options.numeric,
                                    .number = options.verbose > 1 ? static_cast<int>(i) : -1});
        const auto inner = rule.anchor.empty() ? "" : path.empty() ? rule.anchor : path + "/" + rule.anchor;
        const auto body = kernel.rulesets.find(inner);
        if (!inner.empty() && body != kernel.rulesets.end() &&
            !body->second[static_cast<std::size_t>(part)].empty()) {
            std::cout << " {\n";
            print_loaded(options, kernel, inner, part, depth + 1);
            std::cout << indent << "}";
        }
        std::cout << '\n';
    }
}

/// pfctl_rules(): one file into one ruleset of `kernel`. False after its messages.
bool load_file(const PfctlOptions& options, const std::string& file, const std::string& anchor,
               PfKernel& kernel, const PfInterfaces& interfaces) {
    std::optional<std::string> text;
    if (file == "-")
        text.emplace(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
    else
        text = read_pf_file(file);
    const int error = errno;
    PfParsed parsed;
    if (text) {
        PfLexer lexer(file == "-" ? "stdin" : file, *text, major_release());
        for (const auto& [name, value] : options.macros)
            lexer.define(name, value, true);
        parsed =
            parse_pf(lexer, interfaces, {.major_release = major_release(), .verbose = options.verbose > 0});
        if (options.verbose > 1)
            for (const auto& name : lexer.unused_macros())
                std::cerr << fmt::format("warning: macro '{}' not used\n", name);
    } else {
        std::cerr << fmt::format("pfctl: {}: {}\npfctl: cannot open the main config file!: {}\n", file,
                                 error_text(error), error_text(error));
    }
    if (!parsed.good) {
        std::cout.flush();
        if (!options.no_action)
            std::cerr << "pfctl: Syntax error in config file: pf rules not loaded\n";
        return false;
    }
    std::vector<PfPart> parts;
    if (options.load_nat)
        parts.insert(parts.end(), nat_parts.begin(), nat_parts.end());
    if (options.load_rules)
        parts.insert(parts.end(), filter_parts.begin(), filter_parts.end());
    const bool tables = options.load_nat && options.load_rules;
    kernel.replace(anchor, parsed, parts, tables, options.load_options && anchor.empty());
    if (options.verbose) {
        PfKernel only;
        only.replace("", parsed, parts, false, false);
        for (const auto part : {PfPart::scrub, PfPart::nat, PfPart::rdr, PfPart::binat, PfPart::filter})
            print_loaded(options, only, "", part, 0);
    }
    for (const auto& [below, other] : parsed.load_anchors) {
        const auto path = anchor.empty() ? below : anchor + "/" + below;
        if (options.verbose)
            std::cerr << fmt::format("\nLoading anchor {} from {}\n", path, other);
        if (!load_file(options, other, path, kernel, interfaces)) {
            std::cerr << "pfctl: load anchors\n";
            return false;
        }
    }
    return true;
}

void clear_tables(const PfctlOptions& options, PfKernel& kernel) {
    const auto count =
        std::erase_if(kernel.tables, [&](const auto& entry) { return entry.first.first == options.anchor; });
    say(options, fmt::format("{} tables deleted.", count));
}

void clear_states(const PfctlOptions& options) {
    if (options.interface)
        throw std::runtime_error("-F states of one interface is not provided by the lab");
    say(options, fmt::format("{} states cleared", kill_states([](const auto&) { return true; })));
}

void clear_all(const PfctlOptions& options, PfKernel& kernel) {
    if (options.interface)
        usage("don't specify an interface with -Fall");
    if (options.recurse && major_release() >= 15)
        throw std::runtime_error("-F all of an anchor and all below is not provided by the lab");
    if (major_release() >= 14)
        say(options, "Ethernet rules cleared");
    kernel.clear(options.anchor, filter_parts);
    say(options, "rules cleared");
    kernel.clear(options.anchor, nat_parts);
    say(options, "nat cleared");
    clear_tables(options, kernel);
    if (major_release() >= 15)
        say(options, "rules cleared");
    if (!options.anchor.empty())
        return;
    clear_states(options);
    say(options, "source tracking entries cleared");
    say(options, "pf: statistics cleared");
    kernel.skip.clear();
    kernel.timeouts.clear();
    kernel.limits.clear();
    say(options, "pf: interface flags reset");
}

void clear(const PfctlOptions& options, PfKernel& kernel) {
    if (options.clear == "all")
        return clear_all(options, kernel);
    if (options.clear == "rules") {
        kernel.clear(options.anchor, filter_parts);
        return say(options, "rules cleared");
    }
    if (options.clear == "nat") {
        kernel.clear(options.anchor, nat_parts);
        return say(options, "nat cleared");
    }
    if (options.clear == "Tables")
        return clear_tables(options, kernel);
    if (options.clear == "states")
        return clear_states(options);
    throw std::runtime_error("-F " + options.clear + " is not provided by the lab");
}

/// pfctl_net_kill_states(): by source, or by source and destination.
void kill(const PfctlOptions& options, const PfInterfaces& interfaces) {
    for (const char* word : {"label", "id", "gateway", "key"})
        if (options.kill[0] == word)
            throw std::runtime_error(fmt::format("-k {} is not provided by the lab", word));
    const auto covers = [&](std::size_t which, const std::string& address) {
        if (which >= options.kill.size())
            return true;
        const auto state = PfNetwork::parse(address);
        const auto hosts = pf_host(interfaces, options.kill[which]);
        return state && std::any_of(hosts.begin(), hosts.end(),
                                    [&](const auto& host) { return host.address.network.contains(*state); });
    };
    for (const auto& host : options.kill)
        if (pf_host(interfaces, host).empty())
            errx(1, "getaddrinfo: Name does not resolve");
    const int killed = kill_states(
        [&](const auto& state) { return covers(0, state.source) && covers(1, state.destination); });
    say(options, fmt::format("killed {} states", killed));
}

void switch_pf(const PfctlOptions& options, PfKernel& kernel, bool on) {
    if (kernel.enabled == on)
        errx(1, on ? "pf already enabled" : "pf not enabled");
    kernel.enabled = on;
    kernel.since = std::time(nullptr);
    say(options, on ? "pf enabled" : "pf disabled");
}

int run(const Arguments& arguments) {
    const auto options = read_options(arguments);
    check_device(options);
    const auto interfaces = pf_interfaces();
    if (options.no_action && options.table_command.empty()) {
        PfKernel unused;
        return options.file && !load_file(options, *options.file, options.anchor, unused, interfaces) ? 1 : 0;
    }
    if (options.no_action && geteuid() != 0)
        throw std::runtime_error("-n -T without root is not provided by the lab");
    PfStore store(interfaces);
    auto& kernel = store.kernel;
    const auto commit = [&] {
        if (options.no_action)
            return;
        kernel.collect();
        pf_apply(kernel, interfaces);
        store.save();
    };
    int status = 0;
    if (options.disable) {
        switch_pf(options, kernel, false);
        commit();
    }
    if (!options.show.empty())
        status = pf_show(options, kernel);
    if (!options.clear.empty()) {
        clear(options, kernel);
        commit();
    }
    if (!options.kill.empty())
        kill(options, interfaces);
    if (!options.table_command.empty()) {
        status = pf_table(options, kernel, interfaces);
        commit();
    } else if (options.file) {
        if (!load_file(options, *options.file, options.anchor, kernel, interfaces))
            return 1;
        commit();
    }
    if (options.enable) {
        switch_pf(options, kernel, true);
        commit();
    }
    if (!options.debug.empty()) {
        kernel.debug = options.debug;
        commit();
        say(options, fmt::format("debug level set to '{}'", options.debug));
    }
    return status;
}

} // namespace

int pfctl_main(const Arguments& arguments) {
    return with_failures("pfctl", [&] {
        try {
            return run(arguments);
        } catch (const Usage&) {
            std::cerr << "usage: pfctl [-AdeghMmNnOPqRrvz] [-a anchor] [-D macro=value] [-F modifier]\n"
                         "\t[-f file] [-i interface] [-K host | network]\n"
                         "\t[-k host | network | gateway | label | id] [-o level] [-p device]\n"
                         "\t[-s modifier] [-t table -T command [address ...]] [-x level]\n";
            return 1;
        }
    });
}

} // namespace bhype::lab
