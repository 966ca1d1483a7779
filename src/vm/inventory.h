#pragma once

// What bHype knows of the VMs: definitions and disks as last read from the host, live states as hostd tells
// them.

#include "vm/addresses.h"
#include "vm/vm.h"
#include "wire/host.h"

#include <deque>
#include <mutex>
#include <set>

namespace bhype::vm {

struct Record {
    VmName name;
    DatasetName dataset;
    host::Machine machine;
    std::string broken; ///< why vm.toml cannot be used; `machine` is then what it last said, if that is known
    std::vector<host::Dataset> disks; ///< volumes below the dataset
    access::Ownership ownership;
    host::Guest guest;
    host::Machine running;                        ///< the definition that the running guest was started with
    std::map<std::string, std::string> taps;      ///< NIC -> tap
    std::map<std::string, std::string> addresses; ///< NIC -> address
    std::map<std::string, std::vector<std::string>> inet6; ///< NIC -> IPv6 addresses
};

/// How a VM ended, kept over restarts of everything.
struct Ending {
    host::GuestState state = host::GuestState::stopped;
    std::string reason;
    std::vector<std::string> last_lines;
    std::int64_t since = 0;
};
BOOST_DESCRIBE_STRUCT(Ending, (), (state, reason, last_lines, since))

/// What the database keeps about VMs.
struct Keep {
    std::function<std::map<std::string, access::Ownership>()> ownerships;
    std::function<void(const VmName&, const access::Ownership&)> set_ownership;
    std::function<void(const VmName&)> forget; ///< ownership and ending
    std::function<std::map<std::string, Ending>()> endings;
    std::function<void(const VmName&, const Ending&)> set_ending;
    std::function<std::optional<PoolName>()> pool;
};

/// Safe to call from several threads. Never calls back while it holds its lock.
class Inventory {
  public:
    Inventory(wire::Host& host, Keep keep, std::string cache_file);

    /// From the cache file, so that a start answers at once. Marks nothing as running.
    void load_cache();
    /// Reads datasets, definitions and guests again from the host.
    void refresh();
    /// Reads one VM again.
    void refresh(const VmName& name);
    /// An older picture than the known one is not taken.
    void apply(const host::Guest& guest);
    /// Another hostd counts its changes by another clock.
    void forget_changes();
    void apply(const Addresses& known, const std::vector<host::Interface>& interfaces);
    void set_ownership(const VmName& name, const access::Ownership& ownership);
    void forget(const VmName& name);

    /// Something about it changed that is kept elsewhere, such as its task.
    void touch(const VmName& name);

    std::vector<Record> all() const;
    std::optional<Record> find(const VmName& name) const;
    /// Without a copy: `look` is called with it, if it is there, and must not call back.
    void look_at(const VmName& name, const std::function<void(const Record&)>& look) const;
    /// As find(), for those who ask often and for nothing else.
    std::optional<access::Ownership> ownership(const VmName& name) const;
    /// Grows with every change.
    std::uint64_t version() const;
    std::set<VmName> names() const;
    /// What has changed, come or gone since the inventory had that version; nothing when that is too long
    /// ago.
    std::optional<std::set<VmName>> changed_since(std::uint64_t version) const;
    /// `ownership` is the VM's, or was until it went.
    using Listener = std::function<void(const VmName& name, const access::Ownership& ownership)>;
    void on_change(Listener listener);
    /// Memory that running VMs were given and that VMs about to start were promised.
    ByteSize memory_of_running() const;

    /// Memory for a VM that is about to start: counted as if it ran already, while this lives.
    class Promise {
      public:
        Promise(Inventory& inventory, const VmName& name, ByteSize memory);
        ~Promise();
        Promise(const Promise&) = delete;
        Promise& operator=(const Promise&) = delete;

      private:
        Inventory& inventory_;
        std::string name_;
    };

  private:
    void put(Record record);
    void changed(const VmName& name, const access::Ownership& ownership);
    std::optional<Record> take(const std::string& name);
    void save_cache() const;
    std::optional<Record> read_record(const host::Dataset& dataset, std::vector<host::Dataset> disks) const;
    void complete(Record& record, const std::map<std::string, access::Ownership>& ownerships,
                  const std::map<std::string, Ending>& endings) const;

    wire::Host& host_;
    Keep keep_;
    std::string cache_file_;
    mutable std::mutex mutex_;
    std::mutex refreshing_;
    std::string
        tree_id_; ///< bhype:id of POOL/bhype/vm, which what is not ours there inherits; under refreshing_
    std::map<std::string, Record> records_;
    std::map<std::string, host::Guest> guests_;
    std::map<std::string, ByteSize> promised_;
    std::uint64_t version_ = 1;
    std::deque<VmName> changes_; ///< the last one made version_
    Listener listener_;
};

bool is_live(host::GuestState state);
/// Whether `running` is the definition that this guest was started with.
bool knows_running(const Record& record, const host::Guest& guest);
/// Throws Error(vm_definition_broken) when vm.toml cannot be used.
void check_definition(const Record& record);
/// POOL/bhype/PATH.
DatasetName below(const PoolName& pool, const std::string& path);

} // namespace bhype::vm
