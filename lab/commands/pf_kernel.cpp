#include "lab/commands/pf_kernel.h"

#include "lab/commands/interfaces.h"
#include "lab/commands/text.h"
#include "lab/core/command.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>

namespace bhype::lab {

namespace fs = std::filesystem;

namespace {

fs::path state_file() {
    return run_dir() / "pf";
}

bool is_empty(const PfRuleset& ruleset) {
    return std::all_of(ruleset.begin(), ruleset.end(), [](const auto& rules) { return rules.empty(); });
}

std::string parent_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "" : path.substr(0, slash);
}

template <class Work>
void for_each_rule(const PfKernel& kernel, Work work) {
    for (const auto& [path, ruleset] : kernel.rulesets)
        for (const auto& rules : ruleset)
            for (const auto& rule : rules)
                work(path, rule);
}

/// The tables that a rule names.
std::vector<std::string> tables_of(const PfRule& rule) {
    std::vector<std::string> names;
    const auto note = [&](const PfAddress& address) {
        if (address.kind == PfAddress::Kind::table)
            names.push_back(address.name);
    };
    note(rule.source.address);
    note(rule.destination.address);
    for (const auto* pool : {&rule.pool, &rule.nat_to, &rule.rdr_to})
        std::for_each(pool->addresses.begin(), pool->addresses.end(), note);
    return names;
}

std::string table_line(const std::string& name, const PfTable& table) {
    std::string line = fmt::format("table {:d} {:d} {:d}", table.constant, table.persist, table.counters);
    for (const auto& entry : table.entries)
        line +=
            fmt::format(" {}{}/{}", entry.negated ? "!" : "", entry.network.address(), entry.network.prefix);
    return line + " " + name;
}

PfTableEntry entry_of(const std::string& word) {
    const bool negated = word.starts_with('!');
    const auto slash = word.find('/');
    const auto network =
        PfNetwork::parse(word.substr(negated, slash - negated), std::stoi(word.substr(slash + 1)));
    return {network.value(), negated};
}

} // namespace

PfCall resolve(const std::string& caller, const std::string& call) {
    PfCall result;
    std::string path = call;
    if (path == "*" || path.ends_with("/*")) {
        result.all_below = true;
        path.erase(path.size() - std::min<std::size_t>(path.size(), 2));
    }
    if (path.starts_with('/'))
        result.path = path.substr(1);
    else
        result.path = caller.empty() || path.empty() ? caller + path : caller + "/" + path;
    return result;
}

bool PfKernel::has_anchor(const std::string& path) const {
    return rulesets.contains(path);
}

std::vector<std::string> PfKernel::below(const std::string& path) const {
    std::vector<std::string> paths;
    for (const auto& [other, ruleset] : rulesets)
        if (!other.empty() && parent_of(other) == path)
            paths.push_back(other);
    return paths;
}

const PfTable* PfKernel::find_table(const std::string& path, const std::string& name) const {
    for (const auto& where : {path, std::string()})
        if (const auto found = tables.find({where, name}); found != tables.end())
            return &found->second;
    return nullptr;
}

void PfKernel::clear(const std::string& path, const std::vector<PfPart>& parts) {
    const auto found = rulesets.find(path);
    if (found == rulesets.end())
        return;
    for (const auto part : parts)
        found->second[static_cast<std::size_t>(part)].clear();
}

void PfKernel::replace(const std::string& path, const PfParsed& parsed, const std::vector<PfPart>& parts,
                       bool with_tables, bool options) {
    for (const auto& [relative, ruleset] : parsed.rulesets) {
        const auto where = path.empty() || relative.empty() ? path + relative : path + "/" + relative;
        auto& mine = rulesets[where];
        for (const auto part : parts) {
            auto& rules = mine[static_cast<std::size_t>(part)];
            rules = ruleset[static_cast<std::size_t>(part)];
            for (auto& rule : rules) {
                last_id += last_id % 0x8000 == 0x7fff ? 2 : 1; // 15 bits of it go into marks, and 0 is none
                rule.id = last_id;
                rule.loaded_by = getpid();
            }
        }
    }
    if (with_tables)
        for (const auto& [name, table] : parsed.tables) {
            auto& mine = tables[{path, name}];
            auto entries = table.filled ? table.entries : mine.entries;
            mine = table;
            std::sort(entries.begin(), entries.end());
            entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
            mine.entries = std::move(entries);
        }
    if (options) {
        const auto& settings = parsed.settings;
        skip = settings.skip.value_or(std::vector<std::string>{});
        timeouts = settings.timeouts;
        limits = settings.limits;
        debug = settings.debug.value_or("urgent");
        log_interface = settings.log_interface.value_or("");
    }
}

void PfKernel::collect() {
    std::set<std::string> called{""};
    std::set<std::pair<std::string, std::string>> named;
    for_each_rule(*this, [&](const std::string& path, const PfRule& rule) {
        if (!rule.anchor.empty())
            called.insert(resolve(path, rule.anchor).path);
        for (const auto& name : tables_of(rule))
            named.insert(tables.contains({path, name}) ? std::pair(path, name)
                                                       : std::pair(std::string(), name));
    });
    std::erase_if(tables,
                  [&](const auto& entry) { return !entry.second.persist && !named.contains(entry.first); });
    std::set<std::string> held;
    const auto hold = [&](std::string path) {
        for (; held.insert(path).second && !path.empty(); path = parent_of(path))
            rulesets[path];
    };
    for (const auto& path : called)
        hold(path);
    for (const auto& [key, table] : tables)
        hold(key.first);
    const auto all = rulesets;
    for (const auto& [path, ruleset] : all)
        if (!is_empty(ruleset))
            hold(path);
    std::erase_if(rulesets, [&](const auto& entry) { return !held.contains(entry.first); });
}

std::string to_text(const PfKernel& kernel) {
    std::string text = fmt::format("enabled {:d} {}\nid {}\ndebug {}\n", kernel.enabled, kernel.since,
                                   kernel.last_id, kernel.debug);
    if (!kernel.log_interface.empty())
        text += "log " + kernel.log_interface + '\n';
    for (const auto& interface : kernel.skip)
        text += "skip " + interface + '\n';
    for (const auto& [name, value] : kernel.timeouts)
        text += fmt::format("timeout {} {}\n", name, value);
    for (const auto& [name, value] : kernel.limits)
        text += fmt::format("limit {} {}\n", name, value);
    for (const auto& [path, ruleset] : kernel.rulesets) {
        text += "anchor " + path + '\n';
        for (const auto& rules : ruleset)
            for (const auto& rule : rules)
                text +=
                    fmt::format("rule {} {} {}\n", rule.id, rule.loaded_by, text_of(rule, {.quoted = true}));
        for (const auto& [key, table] : kernel.tables)
            if (key.first == path)
                text += table_line(key.second, table) + '\n';
    }
    return text;
}

PfKernel pf_kernel_from(const std::string& text, const PfInterfaces& interfaces) {
    PfKernel kernel;
    std::string path, conf;
    std::vector<std::pair<unsigned, int>> marks;
    const auto finish = [&] {
        PfLexer lexer("pf", conf, 15);
        auto parsed = parse_pf(lexer, interfaces, {.major_release = 15, .reserved_names = true});
        auto mark = marks.begin();
        for (auto& rules : parsed.rulesets[""])
            for (auto& rule : rules)
                if (mark != marks.end())
                    std::tie(rule.id, rule.loaded_by) = *mark++;
        kernel.rulesets[path] = parsed.rulesets[""];
        conf.clear();
        marks.clear();
    };
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        std::string kind;
        fields >> kind;
        const auto rest = [&] {
            std::string words;
            std::getline(fields >> std::ws, words);
            return words;
        };
        if (kind == "enabled") {
            fields >> kernel.enabled >> kernel.since;
        } else if (kind == "id") {
            fields >> kernel.last_id;
        } else if (kind == "debug") {
            fields >> kernel.debug;
        } else if (kind == "log") {
            kernel.log_interface = rest();
        } else if (kind == "skip") {
            kernel.skip.push_back(rest());
        } else if (kind == "timeout" || kind == "limit") {
            std::string name;
            fields >> name;
            fields >> (kind == "limit" ? kernel.limits : kernel.timeouts)[name];
        } else if (kind == "anchor") {
            finish();
            path = rest();
        } else if (kind == "rule") {
            auto& mark = marks.emplace_back();
            fields >> mark.first >> mark.second;
            conf += rest() + '\n';
        } else if (kind == "table") {
            PfTable table;
            fields >> table.constant >> table.persist >> table.counters;
            std::string name;
            for (std::string word; fields >> word;) {
                if (!name.empty())
                    table.entries.push_back(entry_of(name));
                name = word;
            }
            kernel.tables[{path, name}] = table;
        }
    }
    finish();
    return kernel;
}

PfStore::PfStore(const PfInterfaces& interfaces)
    : lock_(open((run_dir() / "pf.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (lock_ >= 0)
        flock(lock_, LOCK_EX);
    kernel = pf_kernel_from(read_file(state_file()), interfaces);
}

PfStore::~PfStore() {
    close(lock_);
}

void PfStore::save() const {
    const auto fresh = state_file().string() + ".new";
    std::ofstream(fresh, std::ios::trunc) << to_text(kernel);
    fs::rename(fresh, state_file());
}

PfInterfaces pf_interfaces() {
    PfInterfaces result;
    const Interfaces interfaces(false);
    for (const auto& interface : interfaces.all) {
        PfInterface one{interface.name(), interface.groups, {}};
        for (const auto& address : interface.addresses)
            if (const auto host = PfNetwork::parse(address.address))
                one.addresses.push_back({*host, address.prefix});
        result.push_back(std::move(one));
    }
    return result;
}

} // namespace bhype::lab
