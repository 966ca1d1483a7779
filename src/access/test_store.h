#pragma once

// For tests: a database in a directory of its own, and a clock that moves when told to.

#include "access/clocks.h"
#include "base/test_directory.h"
#include "store/database.h"

#include <optional>

namespace bhype::access::test {

struct Time {
    std::chrono::seconds passed{1'000'000};
    std::int64_t set_by = 0; ///< how far somebody has set the wall clock
    Clocks clocks() {
        return {[this] { return Steady::time_point{} + passed; },
                [this] { return 1'800'000'000 + passed.count() + set_by; }};
    }
};

struct TestStore {
    TestStore() { open(); }
    /// Again, as after a restart.
    void open() {
        database.reset();
        database.emplace(directory.path + "/bhype.db");
    }
    bhype::test::Directory directory;
    std::optional<store::Database> database;
};

} // namespace bhype::access::test
