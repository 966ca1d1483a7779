// pw(8) as far as an administrator needs it to install bHype: accounts and groups are added, shown and
// joined.

#include "lab/commands/commands.h"
#include "lab/commands/text.h"
#include "lab/core/accounts.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iostream>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

// include/sysexits.h, as usr.sbin/pw/*.c uses them
constexpr int ex_usage = 64, ex_dataerr = 65, ex_nouser = 67, ex_ioerr = 74, ex_noperm = 77;
constexpr unsigned lowest_id = 1000, highest_id = 32000; // usr.sbin/pw/pw_conf.c

using Lines = std::vector<std::string>;

Lines read_lines(const std::string& path) {
    Lines lines;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    return lines;
}

void replace(const std::string& path, const Lines& lines, mode_t mode) {
    const auto aside = path + ".new";
    std::ofstream out(aside, std::ios::trunc);
    for (const auto& line : lines)
        out << line << '\n';
    if (!out.flush() || chmod(aside.c_str(), mode) != 0 || rename(aside.c_str(), path.c_str()) != 0)
        err(ex_ioerr, path, errno);
}

std::vector<std::string> fields_of(const std::string& line) {
    auto fields = split_at(line, ':');
    fields.resize(std::max<std::size_t>(fields.size(), 4));
    return fields;
}

/// The line of that name, or the end.
Lines::iterator named(Lines& lines, const std::string& name) {
    return std::find_if(lines.begin(), lines.end(),
                        [&](const auto& line) { return line.starts_with(name + ':'); });
}

bool has_id(const Lines& lines, unsigned id) {
    return std::any_of(lines.begin(), lines.end(),
                       [&](const auto& line) { return fields_of(line)[2] == std::to_string(id); });
}

/// What was asked for, if nobody has it, or the one after the last of its range (pw.conf(5), reuseuids no).
unsigned choose_id(const Lines& lines, const std::string* wanted, const char* kind) {
    if (wanted) {
        unsigned id = 0;
        const auto [end, error] = std::from_chars(wanted->data(), wanted->data() + wanted->size(), id);
        if (error != std::errc() || end != wanted->data() + wanted->size())
            errx(ex_usage, fmt::format("Bad id '{}': invalid", *wanted));
        if (has_id(lines, id))
            errx(ex_dataerr, fmt::format("{} `{}' has already been allocated", kind, id));
        return id;
    }
    unsigned id = highest_id;
    while (id > lowest_id && !has_id(lines, id - 1))
        --id;
    if (id < highest_id)
        return id;
    errx(ex_dataerr, fmt::format("unable to allocate a new {} - range fully used", kind));
}

void join(Lines& groups, const std::string& group, const std::string& user) {
    const auto found = named(groups, group);
    if (found == groups.end())
        errx(ex_dataerr, fmt::format("group `{}' does not exist", group));
    auto members = split_at(fields_of(*found)[3], ',');
    std::erase(members, "");
    if (std::find(members.begin(), members.end(), user) == members.end())
        *found += (members.empty() ? "" : ",") + user;
}

int add_group(const std::string& name, const ParsedOptions& options) {
    auto groups = read_lines("/etc/group");
    if (named(groups, name) != groups.end())
        errx(ex_dataerr, fmt::format("group name `{}' already exists", name));
    groups.push_back(fmt::format("{}:*:{}:", name, choose_id(groups, options.value('g'), "gid")));
    replace("/etc/group", groups, 0644);
    return 0;
}

int add_user(const std::string& name, const ParsedOptions& options) {
    auto users = read_lines("/etc/passwd"), groups = read_lines("/etc/group");
    if (named(users, name) != users.end())
        errx(ex_dataerr, fmt::format("login name `{}' already exists", name));
    const auto text = [&](char letter, const char* otherwise) {
        const auto* value = options.value(letter);
        return value ? *value : std::string(otherwise);
    };
    const auto primary = text('g', "");
    const auto found = named(groups, primary);
    if (primary.empty())
        throw std::runtime_error("pw useradd without -g is not provided by the lab");
    if (found == groups.end())
        errx(ex_dataerr, fmt::format("group `{}' does not exist", primary));
    const auto gid = fields_of(*found)[2];
    if (const auto* more = options.value('G'))
        for (const auto& group : split_at(*more, ','))
            join(groups, group, name);
    users.push_back(fmt::format("{}:x:{}:{}:{}:{}:{}", name, choose_id(users, options.value('u'), "uid"), gid,
                                text('c', "User &"), text('d', ("/home/" + name).c_str()),
                                text('s', "/bin/sh")));
    auto shadow = read_lines("/etc/shadow");
    shadow.push_back(name + ":*:19000:0:99999:7:::");
    replace("/etc/shadow", shadow, 0600);
    replace("/etc/group", groups, 0644);
    replace("/etc/passwd", users, 0644);
    return 0;
}

int modify_group(const std::string& name, const ParsedOptions& options) {
    auto groups = read_lines("/etc/group");
    if (named(groups, name) == groups.end())
        errx(ex_dataerr, fmt::format("unknown group `{}'", name));
    const auto* user = options.value('m');
    if (!user)
        throw std::runtime_error("pw groupmod without -m is not provided by the lab");
    if (!find_account("/etc", *user))
        errx(ex_nouser, fmt::format("no such user `{}'", *user));
    join(groups, name, *user);
    replace("/etc/group", groups, 0644);
    return 0;
}

int show(const char* file, const std::string& name, int status, const char* unknown) {
    auto lines = read_lines(file);
    const auto found = named(lines, name);
    if (found == lines.end())
        errx(status, fmt::format(fmt::runtime(unknown), name));
    std::cout << *found << '\n';
    return 0;
}

struct Verb {
    const char* name;
    const char* options;
    bool changes;
    int (*run)(const std::string&, const ParsedOptions&);
};

constexpr Verb verbs[] = {
    {"groupadd", "g:q", true, add_group},
    {"useradd", "u:g:G:d:s:c:q", true, add_user},
    {"groupmod", "m:q", true, modify_group},
    {"groupshow", "", false,
     [](const std::string& name, const ParsedOptions&) {
         return show("/etc/group", name, ex_dataerr, "unknown group `{}'");
     }},
    {"usershow", "", false,
     [](const std::string& name, const ParsedOptions&) {
         return show("/etc/passwd", name, ex_nouser, "no such user `{}'");
     }},
};

} // namespace

int pw_main(const Arguments& arguments) {
    return with_failures("pw", [&] {
        const auto verb = std::find_if(std::begin(verbs), std::end(verbs), [&](const Verb& one) {
            return !arguments.empty() && arguments[0] == one.name;
        });
        if (verb == std::end(verbs) || arguments.size() < 2 || arguments[1].starts_with('-'))
            throw std::runtime_error("pw has groupadd, groupmod, groupshow, useradd and usershow in the lab, "
                                     "each with a name");
        const auto options = parse_options({arguments.begin() + 2, arguments.end()}, verb->options);
        if (options.bad() || !options.rest.empty()) {
            complain("pw", options);
            return ex_usage;
        }
        if (verb->changes && geteuid() != 0)
            errx(ex_noperm, "you must be root");
        return verb->run(arguments[1], options);
    });
}

} // namespace bhype::lab
