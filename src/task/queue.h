#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace bhype::task {

/// Which task runs next: a lane per user, a lock per object. Not thread-safe.
///
/// Tasks on one object run one at a time, in the order of their numbers, whoever asked for them. Of the lanes
/// that have something to run the one with the fewest running tasks is served, then the one that has waited
/// longest; one lane never holds all workers, unless there is only one.
class Queue {
  public:
    struct Item {
        std::int64_t seq = 0; ///< unique; smaller is older
        std::string lane;
        std::string object; ///< empty: no lock
        bool operator==(const Item&) const = default;
    };

    explicit Queue(std::size_t workers);
    void push(const Item& item);
    /// Takes the next one that may run and locks its object.
    std::optional<Item> take();
    /// After an item that was taken has ended.
    void release(const Item& item);
    /// False when it is not waiting.
    bool remove(const Item& item);
    std::size_t waiting() const;

  private:
    struct Lane {
        std::map<std::int64_t, Item> waiting;
        std::size_t running = 0;
        std::uint64_t served = 0; ///< turn in which it was last served
    };
    bool may_run(const Item& item) const;
    void forget(const Item& item);

    const std::size_t most_of_a_lane_;
    std::map<std::string, Lane> lanes_;
    std::map<std::string, std::set<std::int64_t>> waiting_for_; ///< by object
    std::set<std::string> locked_;
    std::uint64_t turn_ = 0;
};

} // namespace bhype::task
