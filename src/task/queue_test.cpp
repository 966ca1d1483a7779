#include "task/queue.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace bhype::task {
namespace {

using Item = Queue::Item;

TEST(Queue, ServesLanesInTurn) {
    Queue queue(3);
    for (int i = 1; i <= 100; ++i)
        queue.push({i, "ann", "vm/a" + std::to_string(i)});
    queue.push({101, "ben", "vm/b"});
    EXPECT_EQ(queue.take()->seq, 1);
    EXPECT_EQ(queue.take()->seq, 101);
    EXPECT_EQ(queue.take()->seq, 2);
}

TEST(Queue, NoLaneHoldsAllWorkers) {
    Queue queue(3);
    for (int i = 1; i <= 100; ++i)
        queue.push({i, "ann", "vm/a" + std::to_string(i)});
    const auto first = queue.take();
    EXPECT_TRUE(queue.take());
    EXPECT_FALSE(queue.take()) << "the third worker is for others";
    queue.push({101, "ben", "vm/b"});
    EXPECT_EQ(queue.take()->seq, 101);
    queue.release(*first);
    EXPECT_EQ(queue.take()->seq, 3);
    Queue lone(1);
    lone.push({1, "ann", "vm/a"});
    EXPECT_TRUE(lone.take());
}

TEST(Queue, OneAtATimeForAnObjectInTheOrderOfArrival) {
    Queue queue(8);
    queue.push({1, "ann", "vm/x"});
    queue.push({2, "ben", "vm/x"});
    queue.push({3, "ann", "vm/x"});
    queue.push({4, "ann", "vm/y"});
    const auto first = queue.take();
    EXPECT_EQ(first->seq, 1);
    const auto other = queue.take();
    EXPECT_EQ(other->seq, 4) << "what waits for an object does not hold up its lane";
    EXPECT_FALSE(queue.take());
    queue.release(*first);
    const auto second = queue.take();
    EXPECT_EQ(second->seq, 2);
    EXPECT_FALSE(queue.take());
    queue.release(*second);
    EXPECT_EQ(queue.take()->seq, 3);
    EXPECT_EQ(queue.waiting(), 0u);
}

TEST(Queue, RemovedItemsUnblockTheirObject) {
    Queue queue(4);
    queue.push({1, "ann", "vm/x"});
    queue.push({2, "ben", "vm/x"});
    EXPECT_TRUE(queue.remove({1, "ann", "vm/x"}));
    EXPECT_FALSE(queue.remove({1, "ann", "vm/x"}));
    const auto item = queue.take();
    EXPECT_EQ(item->seq, 2);
    EXPECT_FALSE(queue.remove(*item)) << "it runs";
}

TEST(Queue, WithoutObjectThereIsNoLock) {
    Queue queue(4);
    queue.push({1, "ann", ""});
    queue.push({2, "ben", ""});
    EXPECT_TRUE(queue.take());
    EXPECT_TRUE(queue.take());
}

/// Whatever comes in whatever order: all is served, never two of one object, never out of order on one.
TEST(Queue, HoldsItsRulesForRandomLoads) {
    std::mt19937 random(7);
    for (int round = 0; round < 200; ++round) {
        const std::size_t workers = 1 + random() % 5;
        Queue queue(workers);
        std::vector<Item> running;
        std::map<std::string, std::int64_t> last;
        std::int64_t seq = 0;
        int served = 0;
        int removed = 0;
        std::vector<Item> all;
        while (served + removed < 60) {
            if (seq < 60 && random() % 2 == 0) {
                const Item item{++seq, "user" + std::to_string(random() % 3),
                                "vm/" + std::to_string(random() % 4)};
                queue.push(item);
                all.push_back(item);
            }
            if (!all.empty() && random() % 20 == 0 && queue.remove(all[random() % all.size()]))
                ++removed;
            if (running.size() < workers) {
                if (const auto item = queue.take()) {
                    for (const auto& other : running)
                        ASSERT_NE(other.object, item->object);
                    ASSERT_GT(item->seq, last[item->object]);
                    last[item->object] = item->seq;
                    running.push_back(*item);
                } else {
                    ASSERT_TRUE(!running.empty() || queue.waiting() == 0) << "stuck";
                }
            }
            if (!running.empty() && random() % 3 == 0) {
                const auto at = random() % running.size();
                queue.release(running[at]);
                running.erase(running.begin() + static_cast<std::ptrdiff_t>(at));
                ++served;
            }
        }
    }
}

} // namespace
} // namespace bhype::task
