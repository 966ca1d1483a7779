#include "vm/list.h"

#include "vm/show.h"

#include <fmt/format.h>

namespace bhype::vm {

namespace {

constexpr std::size_t most_entries = 64;

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
    reply.text = entry.text;
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

/// Writes a text in the order of names. What stands in the old text behind each other is copied at once.
class List::Writer {
  public:
    explicit Writer(const Entry& old) : old_(*old.text) {
        text_.reserve(old_.size() + old_.size() / 16);
        places_.reserve(old.places.size() + 16);
    }

    void keep(const Place& place) {
        if (run_end_ == 0 || place.begin != run_end_ + 1) { // a comma stands between
            begin();
            run_begin_ = place.begin;
        }
        run_end_ = place.begin + place.size;
        places_.push_back(place);
        places_.back().begin = text_.size() + (place.begin - run_begin_);
    }
    void add(const std::string& name, const std::string& json) {
        begin();
        places_.push_back({name, text_.size(), json.size(), fingerprint(json)});
        text_ += json;
    }
    Entry end(std::uint64_t version) {
        copy_run();
        text_ += ']';
        auto hash = fingerprint({});
        for (const auto& place : places_)
            hash = fingerprint({reinterpret_cast<const char*>(&place.hash), sizeof place.hash}, hash);
        return {version, fingerprint_text(hash), std::make_shared<const std::string>(std::move(text_)),
                std::move(places_)};
    }

  private:
    void copy_run() {
        text_.append(old_, run_begin_, run_end_ - run_begin_);
        run_begin_ = run_end_ = 0;
    }
    void begin() {
        copy_run();
        if (text_.size() > 1)
            text_ += ',';
    }

    const std::string& old_;
    std::string text_ = "[";
    std::vector<Place> places_;
    std::size_t run_begin_ = 0; ///< in the old text
    std::size_t run_end_ = 0;   ///< 0: there is no run
};

List::List(const Inventory& inventory, std::function<std::optional<TaskId>(const VmName&)> task_of)
    : inventory_(inventory), task_of_(std::move(task_of)) {}

std::optional<api::Reply> List::ready(const access::Caller& caller) {
    const auto version = inventory_.version();
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key_of(caller));
    return found == entries_.end() || found->second->version != version
               ? std::nullopt
               : std::optional(reply_of(*found->second));
}

api::Reply List::reply(const access::Caller& caller) {
    if (auto found = ready(caller))
        return *found;
    const auto key = key_of(caller);
    std::shared_ptr<const Entry> before;
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = entries_.find(key); found != entries_.end())
            before = found->second;
    }
    const auto entry = std::make_shared<const Entry>(write(caller, before.get()));
    const std::lock_guard lock(mutex_);
    if (entries_.size() >= most_entries)
        entries_.clear();
    entries_[key] = entry;
    return reply_of(*entry);
}

List::Entry List::write(const access::Caller& caller, const Entry* before) const {
    const Entry nothing;
    // First: what changes while the list is written makes it old.
    const auto version = inventory_.version();
    auto changed = before ? inventory_.changed_since(before->version) : std::nullopt;
    if (!changed) {
        before = &nothing;
        changed = inventory_.names();
    }
    Writer writer(*before);
    auto old = before->places.begin();
    for (const auto& name : *changed) {
        for (; old != before->places.end() && old->name < name.str(); ++old)
            writer.keep(*old);
        if (old != before->places.end() && old->name == name.str())
            ++old;
        const auto record = inventory_.find(name);
        if (record && access::may_see(caller, record->ownership))
            writer.add(name.str(),
                       encode_text(summary(show(*record, rights_of(*record, caller), task_of_(name)))));
    }
    for (; old != before->places.end(); ++old)
        writer.keep(*old);
    return writer.end(version);
}

} // namespace bhype::vm
