#include "hostd/context.h"

#include "base/log.h"
#include "host/facts.h"
#include "host/rc_conf.h"
#include "host/zfs.h"
#include "host/zfs_key.h"
#include "host/zpool.h"
#include "host/zpool_status.h"
#include "os/files.h"

#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ranges>

namespace bhype::hostd {

namespace {

constexpr std::size_t shortest = 8, longest = 512; // zfsprops(7), keyformat

std::string read_secret(int descriptor) {
    std::string text;
    std::array<char, longest + 2> buffer{};
    while (text.size() <= longest) {
        const auto got = ::read(descriptor, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
}

/// A new key in a file of its own.
HostPath make_key_file(const PoolName& pool) {
    const auto& place = host::key_directory;
    os::make_directory(place.str(), 0700);
    std::string key(host::key_bytes, '\0');
    if (::getentropy(key.data(), key.size()) != 0)
        throw Error(Code::command_failed, "getentropy");
    const Fd directory = os::open_directory(place.str());
    for (int number = 1;; ++number) {
        const auto name = host::key_name(pool, number);
        struct stat there {};
        if (::fstatat(directory.get(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0)
            continue;
        os::write_file(directory.get(), name, key, 0400);
        return HostPath::from(place.str() + '/' + name);
    }
}

/// rc.d/zfskeys without zfskeys_datasets loads all keys that it can: then this one, too. Else it is told of
/// this pool alone: of the first releases that have it, it stops a boot to ask for others' passphrases.
void load_at_boot(Context& context, const PoolName& pool) {
    auto rc = context.rc_conf();
    const bool enabled = host::is_yes(rc["zfskeys_enable"]);
    const auto& named = rc["zfskeys_datasets"];
    const auto set = [&](const char* name, const std::string& value) {
        const auto command = host::sysrc_set(name, value);
        host::expect_success(command, context.command(command));
    };
    if (!enabled || !named.empty())
        set("zfskeys_datasets", host::with_word(named, pool.str()));
    if (!enabled)
        set("zfskeys_enable", "YES");
}

std::vector<host::Mount> mounts(Context& context, const PoolName& pool) {
    const auto list = host::zfs_list_mounts(pool);
    return host::parse_mounts(list, context.command(list));
}

/// Whether its key is loaded. Throws Error(policy) for a pool that is not encrypted.
bool has_key(Context& context, const PoolName& pool) {
    std::vector<host::PoolState> all(1);
    all.front().name = pool;
    host::add_roots(context.command(host::zfs_list_roots()), all);
    if (all.front().encryption.empty())
        throw Error(Code::dataset_missing, "there is no pool " + pool.str());
    if (all.front().encryption == "off")
        throw Error(Code::policy, pool.str() + " is not encrypted");
    return all.front().key_status == "available";
}

/// What can be mounted is; the last error is thrown when all has been tried.
void mount_all(Context& context, const PoolName& pool) {
    std::optional<Error> failed;
    for (const auto& one : mounts(context, pool)) {
        if (one.mounted || !one.wanted)
            continue;
        const auto mount = host::zfs_mount(one.dataset);
        try {
            host::expect_zfs(mount, context.command(mount));
        } catch (const Error& error) {
            failed = error;
        }
    }
    if (failed)
        throw Error(*failed);
}

} // namespace

BHYPE_PERFORM(SecretKeep) {
    static_cast<void>(operation);
    if (!context.input)
        throw Error(Code::invalid_request, "the secret must come on a descriptor");
    Secret secret(read_secret(context.input.get()));
    const auto size = secret.reveal().size();
    if (size < shortest || size > longest ||
        secret.reveal().find_first_of(std::string_view("\n\0", 2)) != std::string::npos)
        throw Error(Code::invalid_field, {}, {{"secret", "must be one line of 8 to 512 bytes"}});
    return {context.house.secrets.keep(std::move(secret))};
}

host::PoolKey key_of(Context& context, const host::PoolCreate& operation) {
    host::PoolKey key;
    if (!operation.encryption)
        return key;
    if (operation.encryption->key == host::KeyKind::file) {
        load_at_boot(context, operation.pool);
        key.file = make_key_file(operation.pool);
    } else if (operation.encryption->secret)
        key.passphrase = context.house.secrets.take(*operation.encryption->secret);
    return key;
}

BHYPE_PERFORM(PoolUnlock) {
    // Asked again after it was done, the secret is gone and not needed.
    if (!has_key(context, operation.pool)) {
        const auto passphrase = operation.secret ? context.house.secrets.take(*operation.secret) : Secret();
        const auto load = host::zfs_load_key(operation.pool, passphrase);
        host::expect_key_loaded(load, context.command(load));
    }
    mount_all(context, operation.pool);
    return {};
}

BHYPE_PERFORM(PoolLock) {
    has_key(context, operation.pool); // nothing is unmounted of a pool that has no key to forget
    context.house.looks.release(operation.pool.str());
    auto mounted = mounts(context, operation.pool);
    std::erase_if(mounted, [](const host::Mount& one) { return !one.mounted; });
    try {
        for (const auto& one : std::views::reverse(mounted)) {
            const auto unmount = host::zfs_unmount(one.dataset);
            host::expect_zfs(unmount, context.command(unmount));
        }
        const auto unload = host::zfs_unload_key(operation.pool);
        host::expect_key_unloaded(unload, context.command(unload));
    } catch (const Error&) {
        try {
            mount_all(context, operation.pool);
        } catch (const Error& error) {
            log::error("mounting pool {} again: {}", operation.pool.str(), error.what());
        }
        throw;
    }
    return {};
}

} // namespace bhype::hostd
