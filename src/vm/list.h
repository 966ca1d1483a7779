#pragma once

// The list of VMs as text: written once per change and caller, from the one before and what has changed
// since.

#include "api/endpoint.h"
#include "vm/inventory.h"

namespace bhype::vm {

/// Safe to call from several threads.
class List {
  public:
    /// `task_of`: the task at work on a VM.
    List(const Inventory& inventory, std::function<std::optional<TaskId>(const VmName&)> task_of);

    api::Reply reply(const access::Caller& caller);
    /// The same when nothing has changed since the last one for that caller, else nothing; does not block.
    std::optional<api::Reply> ready(const access::Caller& caller);

  private:
    /// Where a VM stands in a text.
    struct Place {
        std::string name;
        std::size_t begin = 0;
        std::size_t size = 0;
        std::uint64_t hash = 0;
    };
    struct Entry {
        std::uint64_t version = 0;
        std::string etag;
        std::shared_ptr<const std::string> text = std::make_shared<const std::string>();
        std::vector<Place> places; ///< in the order of names
    };
    class Writer;

    static api::Reply reply_of(const Entry& entry);
    Entry write(const access::Caller& caller, const Entry* before) const;

    const Inventory& inventory_;
    std::function<std::optional<TaskId>(const VmName&)> task_of_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<const Entry>> entries_; ///< by who sees the same
};

/// Of a text, for an ETag; `before`: of what precedes it.
std::uint64_t fingerprint(std::string_view text, std::uint64_t before = 14695981039346656037U);
std::string fingerprint_text(std::uint64_t hash);

} // namespace bhype::vm
