#pragma once

// The list of VMs as text: written once per change and caller, in blocks, of which those are written anew in
// which something has changed.

#include "api/endpoint.h"
#include "vm/inventory.h"

namespace bhype::vm {

/// Safe to call from several threads.
class List {
  public:
    /// `task_of`: the task at work on a VM.
    List(const Inventory& inventory, std::function<std::optional<TaskId>(const VmName&)> task_of);

    api::Reply reply(const access::Caller& caller);
    /// The same when nothing or little has changed since the last one for that caller, else nothing; does not
    /// block.
    std::optional<api::Reply> ready(const access::Caller& caller);

  private:
    /// Where a VM stands in a block.
    struct Place {
        std::string name;
        std::size_t begin = 0;
        std::size_t size = 0;
        std::uint64_t hash = 0;
    };
    /// Some VMs, one behind the other in the order of names, with commas between.
    struct Block {
        std::string text;
        std::vector<Place> places; ///< at least one
        std::uint64_t hash = 0;    ///< the sum of theirs
    };
    struct Entry {
        std::uint64_t version = 0;
        std::string etag;
        std::vector<std::shared_ptr<const Block>> blocks;
        std::shared_ptr<const http::Parts> parts;
    };
    class Writer;

    static api::Reply reply_of(const Entry& entry);
    Entry write(const access::Caller& caller, const Entry& before, const std::set<VmName>& changed,
                std::uint64_t version) const;
    std::shared_ptr<const Entry> last(const std::string& key) const;
    api::Reply keep(const std::string& key, Entry entry);

    const Inventory& inventory_;
    std::function<std::optional<TaskId>(const VmName&)> task_of_;
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<const Entry>> entries_; ///< by who sees the same
};

/// Of a text, for an ETag; `before`: of what precedes it.
std::uint64_t fingerprint(std::string_view text, std::uint64_t before = 14695981039346656037U);
std::string fingerprint_text(std::uint64_t hash);

} // namespace bhype::vm
