#include "lab/core/accounts.h"

#include <crypt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>

namespace bhype::lab {

namespace {

// etc/master.passwd: what bHype may meet.
constexpr const char* system_accounts[] = {
    "root:0:0:Charlie &:/root:/bin/sh",
    "daemon:1:1:Owner of many system processes:/root:/usr/sbin/nologin",
    "operator:2:5:System &:/:/usr/sbin/nologin",
    "bin:3:7:Binaries Commands and Source:/:/usr/sbin/nologin",
    "tty:4:65533:Tty Sandbox:/:/usr/sbin/nologin",
    "kmem:5:65533:KMem Sandbox:/:/usr/sbin/nologin",
    "man:9:9:Mister Man Pages:/usr/share/man:/usr/sbin/nologin",
    "sshd:22:22:Secure Shell Daemon:/var/empty:/usr/sbin/nologin",
    "uucp:66:66:UUCP pseudo-user:/var/spool/uucppublic:/usr/sbin/nologin",
    "www:80:80:World Wide Web Owner:/nonexistent:/usr/sbin/nologin",
    "nobody:65534:65534:Unprivileged user:/nonexistent:/usr/sbin/nologin",
};

// etc/group
constexpr const char* system_groups[] = {
    "wheel:0:root",    "daemon:1:",    "kmem:2:",      "sys:3:",         "tty:4:",
    "operator:5:root", "mail:6:",      "bin:7:",       "news:8:",        "man:9:",
    "games:13:",       "ftp:14:",      "staff:20:",    "sshd:22:",       "guest:31:",
    "video:44:",       "realtime:47:", "idletime:48:", "uucp:66:",       "dialer:68:",
    "network:69:",     "audit:77:",    "www:80:",      "nogroup:65533:", "nobody:65534:",
};

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::istringstream in(text);
    for (std::string part; std::getline(in, part, separator);)
        parts.push_back(part);
    return parts;
}

std::string hash(const std::string& password) {
    char salt[CRYPT_GENSALT_OUTPUT_SIZE];
    crypt_data data{};
    // A cheap one: these accounts guard nothing, and tests log in by the hundred.
    if (!crypt_gensalt_rn("$6$", 1000, nullptr, 0, salt, sizeof salt))
        throw std::runtime_error("crypt_gensalt failed");
    const char* hashed = crypt_r(password.c_str(), salt, &data);
    if (!hashed || hashed[0] == '*')
        throw std::runtime_error("crypt failed");
    return hashed;
}

void write_file(const std::filesystem::path& file, const std::string& text, mode_t mode) {
    std::ofstream out(file, std::ios::trunc);
    out << text;
    if (!out.flush() || chmod(file.c_str(), mode) != 0)
        throw std::runtime_error("cannot write " + file.string());
}

bool is_name(const std::string& name) {
    return !name.empty() && name.size() <= 32 && name[0] != '-' &&
           std::all_of(name.begin(), name.end(), [](unsigned char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
           });
}

} // namespace

NewAccount parse_account(const std::string& text) {
    const auto first = text.find(':');
    // A password may hold colons, a list of groups cannot be told from one then: the last colon decides.
    const auto last = text.rfind(':');
    NewAccount account;
    account.name = text.substr(0, first);
    if (first == std::string::npos || !is_name(account.name))
        throw std::invalid_argument("an account is NAME:PASSWORD[:GROUP,...]: " + account.name);
    if (last == first) {
        account.password = text.substr(first + 1);
    } else {
        account.password = text.substr(first + 1, last - first - 1);
        account.groups = split(text.substr(last + 1), ',');
    }
    for (const auto& group : account.groups)
        if (!is_name(group))
            throw std::invalid_argument("not a group's name: " + group);
    return account;
}

void write_accounts(const std::filesystem::path& root, const std::vector<NewAccount>& accounts) {
    std::string passwd, shadow, group;
    for (const std::string line : system_accounts) {
        const auto colon = line.find(':');
        passwd += line.substr(0, colon) + ":x" + line.substr(colon) + '\n';
        shadow += line.substr(0, colon) + ":*:19000:0:99999:7:::\n";
    }
    struct Group {
        std::string name, gid, members;
    };
    std::vector<Group> groups;
    for (const std::string line : system_groups) {
        const auto fields = split(line + ":", ':');
        groups.push_back({fields[0], fields[1], fields.size() > 2 ? fields[2] : ""});
    }
    const auto ensure = [&](const std::string& name, unsigned preferred) -> Group& {
        const auto found =
            std::find_if(groups.begin(), groups.end(), [&](auto& g) { return g.name == name; });
        if (found != groups.end())
            return *found;
        const auto taken = [&](unsigned gid) {
            return std::any_of(groups.begin(), groups.end(),
                               [&](auto& g) { return g.gid == std::to_string(gid); });
        };
        while (taken(preferred))
            ++preferred;
        groups.push_back({name, std::to_string(preferred), ""});
        return groups.back();
    };
    unsigned uid = 1001;
    for (const auto& account : accounts) {
        for (const auto& name : account.groups) {
            auto& members = ensure(name, 2001).members;
            members += (members.empty() ? "" : ",") + account.name;
        }
        if (account.name == "root") {
            const auto line = shadow.find("root:*:");
            shadow.replace(line, 7, "root:" + hash(account.password) + ":");
            continue;
        }
        const std::string gid = ensure(account.name, uid).gid;
        const auto home = "/home/" + account.name;
        passwd += fmt::format("{}:x:{}:{}:User &:{}:/bin/sh\n", account.name, uid, gid, home);
        shadow += fmt::format("{}:{}:19000:0:99999:7:::\n", account.name,
                              account.password.empty() ? "" : hash(account.password));
        std::filesystem::create_directories(root / home.substr(1));
        if (chown((root / home.substr(1)).c_str(), uid, static_cast<gid_t>(std::stoul(gid))) != 0)
            throw std::runtime_error("cannot give " + home + " away");
        ++uid;
    }
    for (const auto& entry : groups)
        group += fmt::format("{}:*:{}:{}\n", entry.name, entry.gid, entry.members);
    write_file(root / "etc/passwd", passwd, 0644);
    write_file(root / "etc/group", group, 0644);
    write_file(root / "etc/shadow", shadow, 0600);
}

std::optional<Account> find_account(const std::filesystem::path& etc, const std::string& name) {
    std::optional<Account> account;
    std::ifstream passwd(etc / "passwd");
    for (std::string line; std::getline(passwd, line);) {
        const auto fields = split(line, ':');
        if (fields.size() >= 6 && fields[0] == name)
            account = Account{name,
                              static_cast<uid_t>(std::stoul(fields[2])),
                              static_cast<gid_t>(std::stoul(fields[3])),
                              {},
                              fields[5]};
    }
    if (!account)
        return std::nullopt;
    account->groups.push_back(account->gid);
    std::ifstream group(etc / "group");
    for (std::string line; std::getline(group, line);) {
        const auto fields = split(line, ':');
        if (fields.size() < 4)
            continue;
        const auto members = split(fields[3], ',');
        const auto gid = static_cast<gid_t>(std::stoul(fields[2]));
        if (gid != account->gid && std::find(members.begin(), members.end(), name) != members.end())
            account->groups.push_back(gid);
    }
    return account;
}

std::optional<gid_t> find_group(const std::filesystem::path& etc, const std::string& name) {
    std::ifstream group(etc / "group");
    for (std::string line; std::getline(group, line);) {
        const auto fields = split(line, ':');
        if (fields.size() >= 3 && fields[0] == name)
            return static_cast<gid_t>(std::stoul(fields[2]));
    }
    return std::nullopt;
}

} // namespace bhype::lab
