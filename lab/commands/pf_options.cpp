#include "lab/commands/pf_statements.h"

#include <strings.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sstream>

namespace bhype::lab {

namespace {

constexpr std::size_t table_name_size = 32;          // PF_TABLE_NAME_SIZE
constexpr long long largest_unsigned = 4294967295LL; // UINT_MAX
constexpr const char* positive = "only positive values permitted";

bool is_named(const std::vector<std::pair<std::string, unsigned long>>& table, const std::string& name) {
    return std::any_of(table.begin(), table.end(),
                       [&](const auto& entry) { return strcasecmp(entry.first.c_str(), name.c_str()) == 0; });
}

bool is_one_of(const std::string& word, std::initializer_list<const char*> words) {
    return std::any_of(words.begin(), words.end(), [&](const char* other) { return word == other; });
}

} // namespace

void PfStatements::option() {
    auto& settings = parsed_.settings;
    if (accept_word("skip"))
        return set_skip();
    if (accept_word("block-policy"))
        return block_policy();
    if (accept_word("timeout"))
        return set_timeout();
    if (accept_word("limit"))
        return set_limit();
    if (accept_word("optimization")) {
        const auto name = text();
        stage(PfStage::option);
        if (!is_one_of(name, {"normal", "satellite", "high-latency", "conservative", "aggressive"})) {
            std::cerr << "pfctl: invalid state timeouts optimization\n";
            refuse("unknown optimization " + name);
        }
        return say("set optimization " + name);
    }
    if (accept_word("ruleset-optimization")) {
        const auto name = joined_text();
        if (!is_one_of(name, {"none", "basic", "profile"}))
            refuse("unknown ruleset-optimization " + name);
        return;
    }
    if (accept_word("loginterface")) {
        const auto name = accept_word("all") ? "all" : text();
        stage(PfStage::option);
        settings.log_interface = name == "none" ? "" : name;
        return say("set loginterface " + name);
    }
    if (accept_word("debug")) {
        const auto level = text();
        stage(PfStage::option);
        if (!is_one_of(level, {"none", "urgent", "misc", "loud"})) {
            std::cerr << fmt::format("pfctl: unknown debug level \"{}\"\n", level);
            refuse("error setting debuglevel " + level);
        }
        settings.debug = level;
        return say("set debug " + level);
    }
    if (accept_word("require-order")) {
        const bool wanted = !accept_word("no");
        if (wanted)
            if (const auto answer = text(); answer != "yes")
                refuse(fmt::format("invalid value '{}', expected 'yes' or 'no'", answer));
        require_order_ = wanted;
        return say(std::string("set require-order ") + (wanted ? "yes" : "no"));
    }
    if (accept_word("state-policy")) {
        if_bound_ = accept_word("if-bound");
        if (!if_bound_)
            expect_word("floating");
        return say(std::string("set state-policy ") + (if_bound_ ? "if-bound" : "floating"));
    }
    if (accept_word("keepcounters")) {
        settings.keep_counters = true;
        return;
    }
    if (accept_word("hostid")) {
        const auto id = number_or_text();
        if (id <= 0 || id > largest_unsigned)
            refuse("hostid must be non-zero");
        return say(fmt::format("set hostid 0x{:08x}", id));
    }
    for (const char* word : {"fail-policy", "fingerprints", "state-defaults", "syncookies"})
        if (is_word(word))
            pf_not_provided(fmt::format("'set {}'", word));
    if (options_.major_release >= 14 && is_word("reassemble"))
        pf_not_provided("'set reassemble'");
    syntax_error();
}

void PfStatements::block_policy() {
    const bool answers = accept_word("return");
    if (!answers)
        expect_word("drop");
    say(std::string("set block-policy ") + (answers ? "return" : "drop"));
    stage(PfStage::option);
    block_policy_ = answers ? PfReturn::answer : PfReturn::drop;
}

void PfStatements::set_timeout() {
    one_or_list([&] {
        const auto name = accept_word("interval") ? "interval" : text();
        const auto seconds = number();
        stage(PfStage::option);
        if (seconds < 0 || seconds > largest_unsigned)
            refuse(positive);
        if (!is_named(pf_timeouts, name)) {
            std::cerr << "pfctl: Bad timeout name.\n";
            refuse("unknown timeout " + name);
        }
        parsed_.settings.timeouts[name] = static_cast<unsigned long>(seconds);
        say(fmt::format("set timeout {} {}", name, seconds));
    });
}

void PfStatements::set_limit() {
    one_or_list([&] {
        const auto name = text();
        const auto value = number();
        stage(PfStage::option);
        if (value < 0 || value > largest_unsigned)
            refuse(positive);
        if (!is_named(pf_limits, name)) {
            std::cerr << "pfctl: Bad pool name.\n";
            refuse(fmt::format("unable to set limit {} {}", name, value));
        }
        parsed_.settings.limits[name] = static_cast<unsigned long>(value);
        say(fmt::format("set limit {} {}", name, value));
    });
}

void PfStatements::set_skip() {
    const auto interfaces = on_interfaces();
    auto& skip = parsed_.settings.skip;
    if (!skip)
        skip.emplace();
    if (interfaces.empty() ||
        (interfaces.size() == 1 && !interfaces[0].negated && interfaces[0].name == "none")) {
        skip->clear();
        return say("set skip on none");
    }
    std::string line = "set skip on {";
    bool wrong = false;
    for (const auto& interface : interfaces) {
        line += ' ' + interface.name;
        if (interface.negated)
            lexer_.complain("skip on ! <interface> is not supported");
        wrong = wrong || interface.negated;
        skip->push_back(interface.name);
    }
    say(line + " }");
    if (wrong)
        refuse("error setting skip interface(s)");
}

void PfStatements::table() {
    expect_sign("<");
    const auto name = text();
    expect_sign(">");
    PfTable table;
    std::string description = fmt::format("table <{}>", name);
    while (is_text() || is_sign("{") || is_word("file")) {
        if (is_text()) {
            const auto option = take().text;
            if (!is_one_of(option, {"const", "persist", "counters"}))
                refuse(fmt::format("invalid table option '{}'", option));
            table.constant = table.constant || option == "const";
            table.persist = table.persist || option == "persist";
            table.counters = table.counters || option == "counters";
        } else {
            table_entries(table);
        }
    }
    if (name.size() >= table_name_size)
        refuse(fmt::format("table name too long, max {} chars", table_name_size - 1));
    if (!options_.tables)
        return;
    for (const auto& [set, word] :
         {std::pair{table.constant, " const"}, {table.persist, " persist"}, {table.counters, " counters"}})
        if (set)
            description += word;
    if (table.filled) {
        description += " {";
        for (const auto& entry : table.entries)
            description += (entry.negated ? " !" : " ") + entry.network.text();
        description += " }";
    }
    say(description);
    parsed_.tables[name] = table;
}

void PfStatements::table_entries(PfTable& table) {
    table.filled = true;
    std::vector<PfHost> hosts;
    if (accept_word("file")) {
        const auto file = text();
        const auto content = read_pf_file(file);
        if (!content)
            refuse(fmt::format("cannot load \"{}\": {}", file, std::strerror(errno)));
        std::istringstream lines(*content);
        for (std::string line; std::getline(lines, line);) {
            line.erase(std::min(line.find_first_of("#;"), line.size()));
            std::istringstream words(line);
            for (std::string word; words >> word;) {
                const bool negated = word[0] == '!';
                const auto found = pf_host(interfaces_, negated ? word.substr(1) : word);
                if (found.empty())
                    refuse(fmt::format("file \"{}\" contains bad data", file));
                for (const auto& host : found)
                    table.entries.push_back({host.address.network, negated});
            }
        }
        return;
    }
    expect_sign("{");
    newlines();
    if (accept_sign("}"))
        return;
    rest_of_list([&] { host_spec(hosts); });
    for (const auto& host : hosts) {
        switch (host.address.kind) {
        case PfAddress::Kind::range:
            refuse("address ranges are not permitted inside tables");
        case PfAddress::Kind::dynamic:
            refuse("dynamic addresses are not permitted inside tables");
        case PfAddress::Kind::table:
            refuse("tables cannot contain tables");
        default:
            table.entries.push_back({host.address.network, host.negated});
        }
    }
}

} // namespace bhype::lab
