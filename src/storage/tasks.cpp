#include "storage/tasks.h"

namespace bhype::storage {

namespace {

/// What zpool refuses it has not begun, and a passphrase that is wrong or gone stays so: the answer will not
/// change by asking again.
template <class Operation>
void commit(task::Work& work, std::string_view title, const Operation& operation) {
    try {
        work.commit(title, operation);
    } catch (const Error& error) {
        const auto code = error.code();
        if (code == Code::command_failed || code == Code::key_wrong || code == Code::secret_gone)
            throw task::Settled(error);
        throw;
    }
}

template <class Operation>
json::value told(const Operation& operation) {
    return json::object{{"pool", operation.pool.str()}};
}
json::value told(const host::DiskWipe& wipe) {
    return json::object{{"disk", wipe.disk.str()}};
}

template <class Operation>
void add(
    task::Tasks& tasks, Pools& pools, const char* kind, const char* title,
    const std::function<void()>& changed = [] {}) {
    const auto look_again = [&pools, changed] {
        pools.wake();
        changed();
    };
    tasks.add({kind,
               [look_again, title](task::Work& work, const json::value& input) -> json::value {
                   const auto operation = decode<Operation>(input);
                   commit(work, title, operation);
                   look_again();
                   return told(operation);
               },
               [look_again](task::Work&, const json::value&) { look_again(); }});
}

/// zpool create has no way to say that it has been done already: the pool of that name is it, when this task
/// began to make it.
json::value create(task::Work& work, const host::PoolCreate& input) {
    bool there = false;
    for (const auto& pool : work.step("Look at the pools", host::PoolList{}))
        there = there || pool.name == input.pool;
    if (there && !work.committed())
        throw Error(Code::pool_exists, input.pool.str());
    if (!there)
        commit(work, "Create pool " + input.pool.str(), input);
    return json::object{{"pool", input.pool.str()}};
}

} // namespace

std::string object_of(const DiskName& disk) {
    return "disk/" + disk.str();
}

std::string object_of(const PoolName& pool) {
    return "pool/" + pool.str();
}

void add_tasks(task::Tasks& tasks, Pools& pools, const std::function<void()>& changed) {
    tasks.add({"pool.create",
               [&pools](task::Work& work, const json::value& input) {
                   auto result = create(work, decode<host::PoolCreate>(input));
                   pools.wake();
                   return result;
               },
               [&pools](task::Work&, const json::value&) { pools.wake(); }});
    add<host::PoolImport>(tasks, pools, "pool.import", "Import the pool");
    add<host::PoolUnlock>(tasks, pools, "pool.unlock", "Load the key and mount what is in the pool", changed);
    add<host::PoolLock>(tasks, pools, "pool.lock", "Unmount all and forget the key", changed);
    add<host::PoolExport>(tasks, pools, "pool.export", "Export the pool");
    add<host::PoolScrub>(tasks, pools, "pool.scrub", "Tell ZFS about the scrub");
    add<host::PoolTrim>(tasks, pools, "pool.trim", "Tell ZFS about the trim");
    add<host::PoolClear>(tasks, pools, "pool.clear", "Forget the counted errors");
    add<host::PoolAdd>(tasks, pools, "pool.add", "Add the disks");
    add<host::DevicePut>(tasks, pools, "pool.put", "Put the disk into the pool");
    add<host::DeviceChange>(tasks, pools, "pool.device", "Change the device");
    add<host::DiskWipe>(tasks, pools, "disk.wipe", "Clear the label");
}

} // namespace bhype::storage
