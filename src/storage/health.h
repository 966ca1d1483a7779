#pragma once

// What is wrong with a pool, in words, and what to do about it. Pure: no host.

#include "alert/alerts.h"
#include "host/pool_operations.h"

namespace bhype::storage {

using alert::Severity;

struct StorageFinding {
    std::string id; ///< the same as long as the same is wrong: "degraded", "device/nda1", "full"
    Severity severity = Severity::warning;
    std::string text;
    std::string advice;
};
BOOST_DESCRIBE_STRUCT(StorageFinding, (), (id, severity, text, advice))

/// Its root is, which the rest of it inherits.
bool is_encrypted(const host::PoolState& pool);
/// And its key is not loaded.
bool is_locked(const host::PoolState& pool);

/// The worst first. `percent`: of the usable room.
std::vector<StorageFinding> findings(const host::PoolState& pool, std::int64_t percent);

/// Of what file systems can hold; of the disks where that is not known.
std::int64_t percent_full(const host::Pool& pool, const host::PoolState* state);

} // namespace bhype::storage
