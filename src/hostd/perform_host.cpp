#include "hostd/context.h"

#include "host/disks.h"
#include "host/facts.h"
#include "host/zfs.h"
#include "host/zpool.h"
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

BHYPE_PERFORM(DiskList) {
    static_cast<void>(operation);
    host::DeviceUses uses;
    host::add_swap(context.command(host::swapctl_list()), uses);
    host::add_mounts(context.command(host::mount_list()), uses);
    const auto importable = host::zpool_import_list();
    host::add_pools(host::parse_zpool_import(importable, context.command(importable)), "exported pool ",
                    uses);
    const auto status = host::zpool_status();
    host::add_pools(host::parse_zpool_status(status, context.command(status)), "pool ", uses);
    const auto disks = host::geom_confxml();
    return host::parse_disks(disks, context.command(disks), uses);
}

BHYPE_PERFORM(PoolList) {
    static_cast<void>(operation);
    const auto list = host::zpool_list();
    return host::parse_zpool_list(list, context.command(list));
}

BHYPE_PERFORM(PoolCreate) {
    const auto create = host::zpool_create(operation);
    // Asked again here: what bhyped believes about disks does not count.
    const auto disks = perform(context, host::DiskList{});
    for (const auto& wanted : operation.disks) {
        bool known = false;
        for (const auto& disk : disks)
            if (disk.name == wanted) {
                known = true;
                if (!disk.used_by.empty())
                    throw Error(Code::disk_in_use, wanted.str() + ": " + disk.used_by);
            }
        if (!known)
            throw Error(Code::policy, wanted.str() + " is no disk of this host");
    }
    host::expect_zfs(create, context.command(create));
    return {};
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
