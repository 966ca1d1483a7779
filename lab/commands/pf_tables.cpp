#include "lab/commands/pfctl.h"
#include "lab/commands/text.h"
#include "lab/core/command.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

/// xprintf() of sbin/pfctl/pfctl_table.c
void report(const PfctlOptions& options, const std::string& text) {
    if (!options.quiet)
        std::cerr << text << (options.no_action ? " (dummy).\n" : ".\n");
}

/// radix_perror(): what pfctl_table() returns then, cut to an exit status.
int failed(const std::string& text) {
    std::cerr << "pfctl: " << text << ".\n";
    return 255;
}

/// Absent after a message. `test`: single addresses only.
std::optional<std::vector<PfTableEntry>> entries_of(const std::vector<std::string>& words,
                                                    const PfInterfaces& interfaces, bool test) {
    std::vector<PfTableEntry> entries;
    for (const auto& word : words) {
        const auto signs = std::min(word.find_first_not_of('!'), word.size());
        const auto hosts = pf_host(interfaces, word.substr(signs));
        if (hosts.empty())
            return {};
        for (const auto& host : hosts) {
            const auto& network = host.address.network;
            if (test && (signs % 2 || network.prefix != network.width())) {
                std::cerr << fmt::format("pfctl: cannot decode {}: Invalid argument\n", word);
                return {};
            }
            entries.push_back({network, signs % 2 == 1});
        }
    }
    return entries;
}

const PfTableEntry* same_network(const PfTable& table, const PfNetwork& network) {
    const auto found = std::find_if(table.entries.begin(), table.entries.end(),
                                    [&](const auto& entry) { return entry.network == network; });
    return found == table.entries.end() ? nullptr : &*found;
}

std::size_t add(PfTable& table, const std::vector<PfTableEntry>& entries) {
    std::size_t added = 0;
    for (const auto& entry : entries)
        if (!same_network(table, entry.network)) {
            table.entries.push_back(entry);
            ++added;
        }
    std::sort(table.entries.begin(), table.entries.end());
    return added;
}

bool holds(const PfTable& table, const PfNetwork& address) {
    const PfTableEntry* decides = nullptr;
    for (const auto& entry : table.entries)
        if (entry.network.contains(address) && (!decides || entry.network.prefix > decides->network.prefix))
            decides = &entry;
    return decides && !decides->negated;
}

void replace(const PfctlOptions& options, PfTable& table, const std::vector<PfTableEntry>& entries) {
    PfTable wanted = table;
    wanted.entries.clear();
    add(wanted, entries);
    std::size_t added = 0, deleted = 0, changed = 0;
    for (const auto& entry : wanted.entries) {
        const auto* mine = same_network(table, entry.network);
        added += mine == nullptr;
        changed += mine && mine->negated != entry.negated;
    }
    for (const auto& entry : table.entries)
        deleted += same_network(wanted, entry.network) == nullptr;
    table.entries = wanted.entries;
    for (const auto& [count, what] : {std::pair{added, "added"}, {deleted, "deleted"}, {changed, "changed"}})
        if (count)
            report(options, fmt::format("{} addresses {}", count, what));
    if (!added && !deleted && !changed)
        report(options, "no changes");
}

} // namespace

int pf_table(const PfctlOptions& options, PfKernel& kernel, const PfInterfaces& interfaces) {
    const std::pair key{options.anchor, *options.table};
    const auto& command = options.table_command;
    if (options.table->size() >= 32)
        errx(1, "pfctl_table: strlcpy");
    if (options.verbose || options.file || command == "zero" || command == "expire" || command == "reset" ||
        command == "load")
        throw std::runtime_error("this use of -T " + command + " is not provided by the lab");
    const bool creates = command == "add" || command == "replace";
    const auto entries = entries_of(options.rest, interfaces, command == "test");
    if (!entries)
        return 255;
    auto found = kernel.tables.find(key);
    if (found == kernel.tables.end()) {
        if (!creates)
            return failed("Table does not exist");
        found = kernel.tables.emplace(key, PfTable{}).first;
        found->second.persist = true;
        report(options, "1 table created");
    }
    auto& table = found->second;
    const bool changes = command != "show" && command != "test";
    if (table.constant && changes)
        return failed("Operation not permitted");
    if (command == "add") {
        report(options, fmt::format("{}/{} addresses added", add(table, *entries), entries->size()));
    } else if (command == "replace") {
        replace(options, table, *entries);
    } else if (command == "delete") {
        std::size_t deleted = 0;
        for (const auto& entry : *entries)
            deleted +=
                std::erase_if(table.entries, [&](const auto& mine) { return mine.network == entry.network; });
        report(options, fmt::format("{}/{} addresses deleted", deleted, entries->size()));
    } else if (command == "flush") {
        report(options, fmt::format("{} addresses deleted", table.entries.size()));
        table.entries.clear();
    } else if (command == "kill") {
        kernel.tables.erase(found);
        report(options, "1 table deleted");
    } else if (command == "show") {
        for (const auto& entry : table.entries)
            std::cout << fmt::format("  {}{}\n", entry.negated ? '!' : ' ', entry.network.text());
    } else {
        const auto matching = std::count_if(entries->begin(), entries->end(),
                                            [&](const auto& entry) { return holds(table, entry.network); });
        report(options, fmt::format("{}/{} addresses match", matching, entries->size()));
        return static_cast<std::size_t>(matching) < entries->size() ? 2 : 0;
    }
    return 0;
}

} // namespace bhype::lab
