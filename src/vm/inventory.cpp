#include "vm/inventory.h"

#include "base/log.h"
#include "host/ifconfig.h"
#include "host/interface.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>

namespace bhype::vm {

namespace {

constexpr std::size_t most_changes = 256; ///< remembered

struct CachedVm {
    VmName name;
    DatasetName dataset;
    host::Machine machine;
    std::vector<host::Dataset> disks;
    std::optional<host::Machine> running; ///< when it is another
};
BOOST_DESCRIBE_STRUCT(CachedVm, (), (name, dataset, machine, disks, running))

CachedVm cached(const Record& record) {
    CachedVm result{record.name, record.dataset, record.machine, record.disks, {}};
    if (is_live(record.guest.state) && record.guest.generation != record.machine.generation &&
        knows_running(record, record.guest))
        result.running = record.running;
    return result;
}

std::optional<std::string> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return std::nullopt;
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

host::Guest guest_of(const VmName& name, const Ending& ending) {
    host::Guest guest;
    guest.vm = name;
    guest.state = ending.state;
    guest.reason = ending.reason;
    guest.last_lines = ending.last_lines;
    guest.since = ending.since;
    return guest;
}

bool same(const Record& a, const Record& b) {
    return a.dataset == b.dataset && a.ownership == b.ownership && a.broken == b.broken &&
           encode(a.machine) == encode(b.machine) && encode(a.disks) == encode(b.disks) &&
           encode(a.guest) == encode(b.guest);
}

} // namespace

bool knows_running(const Record& record, const host::Guest& guest) {
    return record.running.id == record.machine.id && record.running.generation == guest.generation;
}

void check_definition(const Record& record) {
    if (!record.broken.empty())
        throw Error(Code::vm_definition_broken, record.broken);
}

DatasetName below(const PoolName& pool, const std::string& path) {
    return DatasetName::from(pool.str() + "/bhype/" + path);
}

bool is_live(host::GuestState state) {
    return state == host::GuestState::starting || state == host::GuestState::running ||
           state == host::GuestState::stopping;
}

Inventory::Inventory(wire::Host& host, Keep keep, std::string cache_file)
    : host_(host), keep_(std::move(keep)), cache_file_(std::move(cache_file)) {}

void Inventory::load_cache() {
    const auto text = read_file(cache_file_);
    if (!text)
        return;
    try {
        const auto ownerships = keep_.ownerships();
        const auto endings = keep_.endings();
        for (auto& cached : decode_text<std::vector<CachedVm>>(*text)) {
            Record record{.name = cached.name,
                          .dataset = cached.dataset,
                          .machine = cached.machine,
                          .disks = cached.disks};
            if (cached.running)
                record.running = *cached.running;
            complete(record, ownerships, endings);
            put(std::move(record));
        }
    } catch (const Error& error) {
        log::warning("the inventory's cache is not used: {}", error.what());
    }
}

void Inventory::save_cache() const {
    const auto temporary = cache_file_ + ".new";
    {
        std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
        // One after the other: as one JSON value a thousand of them would take many megabytes.
        const char* separator = "[";
        for (const auto& name : names())
            if (const auto record = find(name)) {
                file << separator << encode_text(cached(*record));
                separator = ",";
            }
        file << (*separator == '[' ? "[]" : "]");
    }
    std::rename(temporary.c_str(), cache_file_.c_str());
}

std::optional<Record> Inventory::read_record(const host::Dataset& dataset,
                                             std::vector<host::Dataset> disks) const {
    const auto name = VmName::parse(dataset.name.substr(dataset.name.rfind('/') + 1));
    if (!name)
        return std::nullopt;
    Record record;
    record.name = *name;
    record.dataset = DatasetName::from(dataset.name);
    record.disks = std::move(disks);
    const auto file = dataset.mountpoint + "/vm.toml";
    const auto text = read_file(file);
    try {
        if (!text)
            throw Error(Code::dataset_missing, "it is missing or not readable");
        record.machine = host::parse_machine(*text);
    } catch (const Error& error) {
        const auto id = Uuid::parse(dataset.id);
        if (!id || dataset.id == tree_id_) // not one of bHype's VMs
            return std::nullopt;
        record.broken =
            file + ": " + (error.detail().empty() ? std::string(info(error.code()).title) : error.detail());
        for (const auto& problem : error.problems())
            record.broken += "\n" + problem.field + ": " + problem.rule;
        const auto known = find(*name);
        if (known && known->machine.id == *id)
            record.machine = known->machine;
        record.machine.id = *id;
        if (!known || known->broken != record.broken)
            log::warning("vm/{}: {}", name->str(), record.broken);
    }
    return record;
}

void Inventory::complete(Record& record, const std::map<std::string, access::Ownership>& ownerships,
                         const std::map<std::string, Ending>& endings) const {
    const auto name = record.name.str();
    if (const auto found = ownerships.find(name); found != ownerships.end())
        record.ownership = found->second;
    record.guest.vm = record.name;
    if (const auto found = endings.find(name); found != endings.end())
        record.guest = guest_of(record.name, found->second);
}

void Inventory::refresh() {
    const std::lock_guard serial(refreshing_);
    const auto pool = keep_.pool();
    std::vector<host::Dataset> datasets;
    const auto prefix = pool ? pool->str() + "/bhype/vm/" : std::string("/");
    if (pool)
        datasets = host_.call(host::DatasetList{below(*pool, "vm"), false});
    for (const auto& dataset : datasets)
        if (dataset.name + "/" == prefix)
            tree_id_ = dataset.id;
    std::map<std::string, std::vector<host::Dataset>> disks; // by the VM's dataset
    for (const auto& dataset : datasets)
        if (dataset.type == host::DatasetType::volume)
            disks[dataset.name.substr(0, dataset.name.find('/', prefix.size()))].push_back(dataset);
    const auto ownerships = keep_.ownerships();
    const auto endings = keep_.endings();
    std::set<std::string> seen;
    for (const auto& dataset : datasets) {
        if (dataset.type != host::DatasetType::filesystem || !dataset.name.starts_with(prefix) ||
            dataset.name.find('/', prefix.size()) != std::string::npos)
            continue;
        auto record = read_record(dataset, std::move(disks[dataset.name]));
        if (!record)
            continue;
        seen.insert(record->name.str());
        complete(*record, ownerships, endings);
        put(std::move(*record));
    }
    std::vector<Record> gone;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [name, record] : records_)
            if (!seen.contains(name) && !is_live(record.guest.state))
                gone.push_back(record);
        for (const auto& record : gone)
            records_.erase(record.name.str());
    }
    for (const auto& record : gone)
        changed(record.name, record.ownership);
    for (const auto& guest : host_.call(host::GuestList{}))
        apply(guest);
    save_cache();
}

void Inventory::refresh(const VmName& name) {
    const std::lock_guard serial(refreshing_);
    const auto pool = keep_.pool();
    if (!pool)
        return;
    if (tree_id_.empty())
        for (const auto& tree : host_.call(host::DatasetList{below(*pool, "vm"), false, false}))
            tree_id_ = tree.id;
    const auto root = below(*pool, "vm/" + name.str());
    auto datasets = host_.call(host::DatasetList{root, false});
    std::optional<Record> record;
    if (!datasets.empty()) {
        const auto dataset = datasets.front();
        std::erase_if(datasets, [](const auto& one) { return one.type != host::DatasetType::volume; });
        record = read_record(dataset, std::move(datasets));
    }
    if (!record) {
        if (const auto old = take(name.str()))
            changed(name, old->ownership);
    } else {
        complete(*record, keep_.ownerships(), keep_.endings());
        put(std::move(*record));
    }
    save_cache();
}

void Inventory::put(Record record) {
    const auto name = record.name;
    const auto ownership = record.ownership;
    {
        const std::lock_guard lock(mutex_);
        if (const auto guest = guests_.find(name.str()); guest != guests_.end())
            record.guest = guest->second;
        auto& old = records_[name.str()];
        if (old.name == name) {
            record.taps = old.taps;
            record.addresses = old.addresses;
            record.inet6 = old.inet6;
            record.running = old.running;
            if (same(old, record))
                return;
        }
        old = std::move(record);
    }
    changed(name, ownership);
}

std::optional<Record> Inventory::take(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = records_.find(name);
    if (found == records_.end())
        return std::nullopt;
    auto record = std::move(found->second);
    records_.erase(found);
    return record;
}

void Inventory::touch(const VmName& name) {
    if (const auto record = find(name))
        changed(name, record->ownership);
}

void Inventory::forget_changes() {
    const std::lock_guard lock(mutex_);
    for (auto& [name, record] : records_)
        record.guest.change = 0;
    for (auto& [name, guest] : guests_)
        guest.change = 0;
}

void Inventory::apply(const host::Guest& guest) {
    const auto name = guest.vm.str();
    access::Ownership ownership;
    bool ended = false;
    {
        const std::lock_guard lock(mutex_);
        const auto found = records_.find(name);
        // A list may come after the event that it does not know of yet.
        if (found != records_.end() && guest.change < found->second.guest.change)
            return;
        if (is_live(guest.state)) {
            guests_[name] = guest;
        } else {
            guests_.erase(name);
            ended = found != records_.end();
        }
        if (found != records_.end()) {
            auto& record = found->second;
            ownership = record.ownership;
            const bool shows_running = is_live(guest.state) &&
                                       record.machine.generation == guest.generation &&
                                       !knows_running(record, guest);
            if (encode(record.guest) == encode(guest) && !shows_running)
                return;
            if (shows_running)
                record.running = record.machine;
            if (!is_live(guest.state)) {
                record.addresses.clear();
                record.inet6.clear();
                record.taps.clear();
            }
            record.guest = guest;
        }
    }
    if (ended)
        keep_.set_ending(guest.vm, {guest.state, guest.reason, guest.last_lines, guest.since});
    changed(guest.vm, ownership);
}

void Inventory::apply(const Addresses& known, const std::vector<host::Interface>& interfaces) {
    std::map<std::string, std::string> tap_of; // by description
    for (const auto& interface : interfaces)
        if (host::vm_of_tap(interface.description))
            tap_of[interface.description] = interface.name.str();
    std::vector<std::pair<VmName, access::Ownership>> touched;
    {
        const std::lock_guard lock(mutex_);
        for (auto& [name, record] : records_) {
            std::map<std::string, std::string> taps;
            std::map<std::string, std::string> addresses;
            std::map<std::string, std::vector<std::string>> inet6;
            for (const auto& nic : record.machine.nics) {
                if (const auto tap = tap_of.find(host::tap_description(record.name, nic.name));
                    tap != tap_of.end())
                    taps[nic.name.str()] = tap->second;
                if (!is_live(record.guest.state))
                    continue;
                if (auto address = known.inet(nic); !address.empty())
                    addresses[nic.name.str()] = std::move(address);
                if (auto more = known.inet6(nic); !more.empty())
                    inet6[nic.name.str()] = std::move(more);
            }
            if (taps != record.taps || addresses != record.addresses || inet6 != record.inet6) {
                record.taps = std::move(taps);
                record.addresses = std::move(addresses);
                record.inet6 = std::move(inet6);
                touched.emplace_back(record.name, record.ownership);
            }
        }
    }
    for (const auto& [name, ownership] : touched)
        changed(name, ownership);
}

void Inventory::set_ownership(const VmName& name, const access::Ownership& ownership) {
    keep_.set_ownership(name, ownership);
    std::optional<access::Ownership> before;
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = records_.find(name.str()); found != records_.end())
            before = std::exchange(found->second.ownership, ownership);
    }
    if (before && *before != ownership) // who loses it hears of that too
        changed(name, *before);
    changed(name, ownership);
}

void Inventory::forget(const VmName& name) {
    const std::lock_guard serial(refreshing_); // else a refresh that listed it before puts it back
    keep_.forget(name);
    const auto record = take(name.str());
    {
        const std::lock_guard lock(mutex_);
        guests_.erase(name.str());
    }
    if (record)
        changed(name, record->ownership);
    save_cache();
}

std::vector<Record> Inventory::all() const {
    const std::lock_guard lock(mutex_);
    std::vector<Record> result;
    result.reserve(records_.size());
    for (const auto& [name, record] : records_)
        result.push_back(record);
    return result;
}

std::set<VmName> Inventory::names() const {
    const std::lock_guard lock(mutex_);
    std::set<VmName> names;
    for (const auto& [name, record] : records_)
        names.insert(names.end(), record.name);
    return names;
}

std::optional<std::set<VmName>> Inventory::changed_since(std::uint64_t version) const {
    const std::lock_guard lock(mutex_);
    const auto count = version_ - version;
    if (count > changes_.size())
        return std::nullopt;
    return std::set<VmName>(changes_.end() - static_cast<std::ptrdiff_t>(count), changes_.end());
}

std::optional<Record> Inventory::find(const VmName& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = records_.find(name.str());
    return found == records_.end() ? std::nullopt : std::optional(found->second);
}

void Inventory::look_at(const VmName& name, const std::function<void(const Record&)>& look) const {
    const std::lock_guard lock(mutex_);
    if (const auto found = records_.find(name.str()); found != records_.end())
        look(found->second);
}

std::optional<access::Ownership> Inventory::ownership(const VmName& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = records_.find(name.str());
    return found == records_.end() ? std::nullopt : std::optional(found->second.ownership);
}

std::uint64_t Inventory::version() const {
    const std::lock_guard lock(mutex_);
    return version_;
}

void Inventory::on_change(Listener listener) {
    const std::lock_guard lock(mutex_);
    listener_ = std::move(listener);
}

void Inventory::changed(const VmName& name, const access::Ownership& ownership) {
    Listener listener;
    {
        const std::lock_guard lock(mutex_);
        ++version_;
        changes_.push_back(name);
        if (changes_.size() > most_changes)
            changes_.pop_front();
        listener = listener_;
    }
    if (listener)
        listener(name, ownership);
}

ByteSize Inventory::memory_of_running() const {
    const std::lock_guard lock(mutex_);
    std::uint64_t sum = 0;
    for (const auto& [name, record] : records_)
        if (is_live(record.guest.state))
            sum +=
                (knows_running(record, record.guest) ? record.running : record.machine).memory.value.bytes();
    for (const auto& [name, memory] : promised_)
        if (const auto found = records_.find(name);
            found == records_.end() || !is_live(found->second.guest.state))
            sum += memory.bytes();
    return ByteSize(sum);
}

Inventory::Promise::Promise(Inventory& inventory, const VmName& name, ByteSize memory)
    : inventory_(inventory), name_(name.str()) {
    const std::lock_guard lock(inventory_.mutex_);
    inventory_.promised_[name_] = memory;
}

Inventory::Promise::~Promise() {
    const std::lock_guard lock(inventory_.mutex_);
    inventory_.promised_.erase(name_);
}

} // namespace bhype::vm
