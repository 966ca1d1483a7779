#include "host/zpool_status.h"

#include "host/text.h"
#include "host/zfs.h"

#include <algorithm>
#include <ctime>

namespace bhype::host {

namespace {

std::string without_dev(std::string_view name) {
    return std::string(name.starts_with("/dev/") ? name.substr(5) : name);
}

/// What one pool's part of the output holds: paragraphs by their key, and the rows below "config:".
struct Part {
    std::map<std::string, std::string, std::less<>> words;
    std::vector<std::string> rows; ///< without the leading tab
    std::string of(std::string_view key) const {
        const auto found = words.find(key);
        return found == words.end() ? std::string() : found->second;
    }
};

/// A key stands right-aligned before a colon; what goes on in the next line begins with a tab.
std::vector<Part> parts(std::string_view text) {
    std::vector<Part> found;
    std::string key;
    each_line(text, [&](std::string_view line) {
        const auto content = trimmed(line);
        if (content.empty())
            return;
        if (line.starts_with('\t')) {
            if (found.empty())
                return;
            if (key == "config")
                found.back().rows.emplace_back(line.substr(1));
            else
                found.back().words[key] += ' ' + std::string(content);
            return;
        }
        const auto colon = content.find(':');
        if (colon == content.npos || content.substr(0, colon).find(' ') != content.npos)
            return;
        key = content.substr(0, colon);
        if (key == "pool")
            found.emplace_back();
        if (!found.empty())
            found.back().words[key] = trimmed(content.substr(colon + 1));
    });
    return found;
}

std::optional<VdevRole> section(std::string_view name) {
    if (name == "logs")
        return VdevRole::log;
    if (name == "cache")
        return VdevRole::cache;
    if (name == "spares")
        return VdevRole::spare;
    if (name == "special")
        return VdevRole::special;
    if (name == "dedup")
        return VdevRole::dedup;
    return std::nullopt;
}

bool is_group(std::string_view name) {
    for (const std::string_view word :
         {"mirror-", "raidz1-", "raidz2-", "raidz3-", "raidz-", "draid", "spare-", "replacing-", "indirect-"})
        if (name.starts_with(word))
            return true;
    return false;
}

Vdev read_row(std::string_view row) {
    Vdev vdev;
    const auto columns = words(row);
    vdev.name = without_dev(columns[0]);
    vdev.leaf = !is_group(vdev.name);
    std::size_t read = 1;
    if (columns.size() > 1)
        vdev.state = columns[read++];
    if (columns.size() >= read + 3 && number<std::int64_t>(columns[read])) {
        vdev.read_errors = number<std::int64_t>(columns[read]);
        vdev.write_errors = number<std::int64_t>(columns[read + 1]);
        vdev.checksum_errors = number<std::int64_t>(columns[read + 2]);
        read += 3;
    }
    for (; read < columns.size(); ++read)
        vdev.note += (vdev.note.empty() ? "" : " ") + std::string(columns[read]);
    return vdev;
}

std::vector<Vdev> read_tree(const std::vector<std::string>& rows) {
    std::vector<Vdev> vdevs;
    VdevRole role = VdevRole::data;
    bool pool_seen = false;
    for (const auto& row : rows) {
        const auto indent = row.find_first_not_of(' ');
        const auto columns = words(row);
        if (indent == row.npos || columns[0] == "NAME")
            continue;
        if (indent == 0) {
            if (const auto named = section(columns[0]); named && pool_seen)
                role = *named;
            pool_seen = true;
            continue;
        }
        auto vdev = read_row(row);
        vdev.role = role;
        vdev.depth = static_cast<std::int64_t>(indent / 2) - 1;
        vdevs.push_back(std::move(vdev));
    }
    return vdevs;
}

/// "Mon Nov 23 20:53:05 2026", in the host's zone (ctime(3)).
std::optional<std::int64_t> moment(std::string_view text) {
    std::tm parts{};
    parts.tm_isdst = -1;
    if (!::strptime(std::string(text).c_str(), "%a %b %e %H:%M:%S %Y", &parts))
        return std::nullopt;
    return std::mktime(&parts);
}

std::optional<std::int64_t> moment_after(std::string_view text, std::string_view word) {
    const auto found = text.find(word);
    return found == text.npos ? std::nullopt : moment(text.substr(found + word.size()));
}

Scan read_scan(const std::string& text) {
    Scan scan;
    scan.text = text;
    const std::string_view view = text;
    if (view.starts_with("scrub"))
        scan.kind = ScanKind::scrub;
    else if (view.starts_with("resilver"))
        scan.kind = ScanKind::resilver;
    else
        return scan;
    const auto has = [&](std::string_view words) { return view.find(words) != view.npos; };
    if (has(" paused since "))
        scan.state = ScanState::paused;
    else if (has(" in progress since "))
        scan.state = ScanState::running;
    else if (has(" canceled on "))
        scan.state = ScanState::cancelled;
    scan.at = moment_after(view, has(" since ") ? " since " : " on ");
    if (const auto end = view.find("% done"); end != view.npos) {
        const auto begin = view.find_last_not_of("0123456789.", end - 1);
        try {
            scan.percent = std::stod(std::string(view.substr(begin + 1, end - begin - 1)));
        } catch (const std::exception&) {
            scan.percent.reset();
        }
    }
    if (const auto end = view.find(" errors on "); end != view.npos) {
        const auto begin = view.rfind(' ', end - 1);
        scan.errors = number<std::int64_t>(view.substr(begin + 1, end - begin - 1)).value_or(0);
    }
    return scan;
}

} // namespace

Command zpool_status() {
    return {.program = Program::zpool,
            .arguments = {"status", "-P", "-p"},
            .input = std::nullopt,
            .deadline = std::chrono::seconds(45)};
}

std::vector<PoolState> parse_zpool_status(const Command& command, const Output& output) {
    expect_zfs(command, output); // no pools: exit status 0 and a line on standard error
    std::vector<PoolState> pools;
    for (const auto& part : parts(output.out)) {
        const auto name = PoolName::parse(part.of("pool"));
        if (!name) // FreeBSD allows names with spaces; bHype leaves such pools alone
            continue;
        pools.push_back({*name,
                         part.of("state"),
                         part.of("status"),
                         part.of("action"),
                         read_scan(part.of("scan")),
                         read_tree(part.rows),
                         part.of("errors"),
                         {},
                         {}});
    }
    return pools;
}

Command zfs_list_roots() {
    return zfs({"list", "-H", "-p", "-d", "0", "-o", "name,used,available,encryption,keystatus,keylocation"},
               std::chrono::seconds(30));
}

void add_roots(const Output& output, std::vector<PoolState>& pools) {
    each_line(output.out, [&](std::string_view line) {
        const auto fields = split(line, '\t');
        const auto pool = std::ranges::find_if(
            pools, [&](const PoolState& one) { return fields.size() == 6 && one.name.str() == fields[0]; });
        if (pool == pools.end())
            return;
        pool->used = ByteSize(number<std::uint64_t>(fields[1]).value_or(0));
        pool->available = ByteSize(number<std::uint64_t>(fields[2]).value_or(0));
        pool->encryption = fields[3];
        pool->key_status = fields[4];
        pool->key_location = fields[5];
    });
}

Command zpool_import_list() {
    return {.program = Program::zpool,
            .arguments = {"import"},
            .input = std::nullopt,
            .deadline = std::chrono::seconds(45)};
}

std::vector<ImportablePool> parse_zpool_import(const Command& command, const Output& output) {
    // "no pools available to import" is exit status 0 in 2.1 and 1 in later ones.
    if (output.exit_status == 1 && output.err.find("no pools available") != std::string::npos)
        return {};
    expect_zfs(command, output);
    std::vector<ImportablePool> pools;
    for (const auto& part : parts(output.out))
        pools.push_back({part.of("pool"), part.of("id"), part.of("state"), part.of("status"),
                         part.of("action"), read_tree(part.rows)});
    return pools;
}

const Vdev* find_device(const std::vector<Vdev>& vdevs, std::string_view name) {
    auto found = std::ranges::find(vdevs, name, &Vdev::name);
    if (found == vdevs.end())
        found = std::ranges::find(vdevs, "was /dev/" + std::string(name), &Vdev::note);
    return found == vdevs.end() ? nullptr : &*found;
}

} // namespace bhype::host
