#pragma once

// For tests: a database in a directory of its own, and a clock that moves when told to.

#include "access/clocks.h"
#include "store/database.h"

#include <cstdlib>
#include <filesystem>
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
    TestStore() {
        std::string name = "/tmp/bhype-access-XXXXXX";
        path = ::mkdtemp(name.data());
        open();
    }
    ~TestStore() {
        database.reset();
        std::filesystem::remove_all(path);
    }
    /// Again, as after a restart.
    void open() {
        database.reset();
        database.emplace(path + "/bhype.db");
    }
    std::string path;
    std::optional<store::Database> database;
};

} // namespace bhype::access::test
