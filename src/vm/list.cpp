#include "vm/list.h"

#include "vm/show.h"

#include <fmt/format.h>

#include <utility>

namespace bhype::vm {

namespace {

constexpr std::size_t most_entries = 64;
/// VMs of a block: what is written anew when one of them changes, and what a list has many of.
constexpr std::size_t block_size = 64;
/// Changes that are written on the io thread: to hand so few to a worker takes longer than they do.
constexpr std::size_t few = 8;

/// Callers of one key see the same list.
std::string key_of(const access::Caller& caller) {
    std::string key = caller.user.str() + "/" + std::to_string(static_cast<int>(caller.role));
    for (const auto& group : caller.groups)
        key += "/" + group;
    return key;
}

} // namespace

api::Reply List::reply_of(const Entry& entry) {
    api::Reply reply;
    reply.parts = entry.parts;
    reply.etag = entry.etag;
    return reply;
}

std::uint64_t fingerprint(std::string_view text, std::uint64_t before) {
    for (const char c : text)
        before = (before ^ static_cast<unsigned char>(c)) * 1099511628211U; // FNV-1a: an ETag needs no more
    return before;
}

std::string fingerprint_text(std::uint64_t hash) {
    return fmt::format("{:016x}", hash);
}

/// Makes blocks in the order of names.
class List::Writer {
  public:
    void keep(const std::shared_ptr<const Block>& block) {
        cut();
        blocks_.push_back(block);
    }
    void keep(const Block& block, const Place& place) {
        add(place.name, std::string_view(block.text).substr(place.begin, place.size), place.hash);
    }
    void add(const std::string& name, std::string_view json, std::uint64_t hash) {
        if (block_.places.size() >= block_size)
            cut();
        if (!block_.text.empty())
            block_.text += ',';
        block_.places.push_back({name, block_.text.size(), json.size(), hash});
        block_.text += json;
        block_.hash += hash;
    }
    Entry end(std::uint64_t version) {
        cut();
        static const auto open = std::make_shared<const std::string>("[");
        static const auto comma = std::make_shared<const std::string>(",");
        static const auto close = std::make_shared<const std::string>("]");
        auto parts = std::make_shared<http::Parts>();
        std::uint64_t hash = 0;
        for (const auto& block : blocks_) {
            parts->push_back(parts->empty() ? open : comma);
            parts->emplace_back(block, &block->text);
            hash += block->hash;
        }
        if (parts->empty())
            parts->push_back(open);
        parts->push_back(close);
        return {version, fingerprint_text(hash), std::move(blocks_), std::move(parts)};
    }

  private:
    void cut() {
        if (!block_.places.empty())
            blocks_.push_back(std::make_shared<const Block>(std::exchange(block_, {})));
    }

    std::vector<std::shared_ptr<const Block>> blocks_;
    Block block_;
};

List::List(const Inventory& inventory, std::function<std::optional<TaskId>(const VmName&)> task_of)
    : inventory_(inventory), task_of_(std::move(task_of)) {}

std::shared_ptr<const List::Entry> List::last(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : found->second;
}

api::Reply List::keep(const std::string& key, Entry entry) {
    const auto kept = std::make_shared<const Entry>(std::move(entry));
    const std::lock_guard lock(mutex_);
    if (entries_.size() >= most_entries)
        entries_.clear();
    entries_[key] = kept;
    return reply_of(*kept);
}

std::optional<api::Reply> List::ready(const access::Caller& caller) {
    const auto version = inventory_.version();
    const auto key = key_of(caller);
    const auto before = last(key);
    if (!before)
        return std::nullopt;
    if (before->version == version)
        return reply_of(*before);
    const auto changed = inventory_.changed_since(before->version);
    if (!changed || changed->size() > few)
        return std::nullopt;
    return keep(key, write(caller, *before, *changed, version));
}

api::Reply List::reply(const access::Caller& caller) {
    if (auto found = ready(caller))
        return *found;
    const auto key = key_of(caller);
    // First: what changes while the list is written makes it old.
    const auto version = inventory_.version();
    const auto before = last(key);
    if (before)
        if (const auto changed = inventory_.changed_since(before->version))
            return keep(key, write(caller, *before, *changed, version));
    return keep(key, write(caller, {}, inventory_.names(), version));
}

List::Entry List::write(const access::Caller& caller, const Entry& before, const std::set<VmName>& changed,
                        std::uint64_t version) const {
    Writer writer;
    auto next = changed.begin();
    const auto add_changed = [&] {
        const auto task = task_of_(*next);
        std::optional<VmSummary> shown;
        inventory_.look_at(*next, [&](const Record& record) {
            if (access::may_see(caller, record.ownership))
                shown = summary(record, rights_of(record, caller), task);
        });
        if (shown) {
            const auto json = encode_text(*shown);
            writer.add(next->str(), json, fingerprint(json));
        }
        ++next;
    };
    for (const auto& block : before.blocks) {
        const auto touched = [&] {
            return next != changed.end() && next->str() <= block->places.back().name;
        };
        if (!touched()) {
            writer.keep(block);
            continue;
        }
        for (const auto& place : block->places) {
            while (touched() && next->str() < place.name)
                add_changed();
            if (touched() && next->str() == place.name)
                add_changed();
            else
                writer.keep(*block, place);
        }
    }
    while (next != changed.end())
        add_changed();
    return writer.end(version);
}

} // namespace bhype::vm
