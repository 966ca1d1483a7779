#include "hostd/context.h"

#include "host/facts.h"
#include "os/files.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>

#include <cerrno>

namespace bhype::hostd {

BHYPE_PERFORM(HostFacts) {
    const auto sysctl = host::facts_sysctl();
    auto facts = host::parse_facts(sysctl, context.command(sysctl));
    facts.dhcp = dnsmasq_running({}) != 0;
    if (!operation.whole)
        return facts;
    const auto version = host::facts_version();
    facts.release = host::parse_version(version, context.command(version));
    for (const auto module : host::needed_modules)
        if (context.command(host::kldstat_module(module)).exit_status != 0)
            facts.missing_modules.emplace_back(module);
    return facts;
}

BHYPE_PERFORM(ModulesEnsure) {
    static_cast<void>(operation);
    const auto load = host::kldload_needed();
    host::expect_success(load, context.command(load));
    const Fd boot = os::open_directory("/boot");
    Fd directory;
    if (::mkdirat(boot.get(), "loader.conf.d", 0755) == 0 || errno == EEXIST)
        directory = os::open_beneath(boot.get(), "loader.conf.d", O_RDONLY | O_DIRECTORY);
    const auto text = host::loader_conf();
    if (os::read_file(directory.get(), "bhype.conf", 1 << 16) != text)
        os::write_file(directory.get(), "bhype.conf", text, 0644);
    return {};
}

BHYPE_PERFORM(PasswordCheck) {
    if (!context.input)
        throw Error(Code::invalid_request, "the password must come on a descriptor");
    const auto& config = context.house.config;
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> space(16384);
    const bool known =
        ::getpwnam_r(operation.user.str().c_str(), &entry, space.data(), space.size(), &found) == 0 && found;
    const bool admitted = known && (entry.pw_uid != 0 || config.allow_root) &&
                          (entry.pw_uid == 0 || entry.pw_uid >= 1000 || config.allow_system_accounts);
    // PAM is asked in any case: how long an answer takes must not tell who exists.
    const bool right = context.house.passwords.check(operation.user, operation.client, context.input.get());
    return {.accepted = admitted && right};
}

BHYPE_PERFORM(AccountCheck) {
    return {.barred = context.house.passwords.barred(operation.user, operation.client)};
}

} // namespace bhype::hostd
