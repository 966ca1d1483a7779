#pragma once

// What every operation has (host/operations.h).

#include "base/json.h"

#include <chrono>

namespace bhype::host {

/// What an operation may do, and thereby who may call it (docs/architecture.md, the three rules).
enum class Effect {
    reads,      ///< changes nothing
    aside,      ///< makes something under POOL/bhype/.new/TASKID, or moves it from there in one step (rule A)
    reconciled, ///< makes or removes something that runs and carries bHype's mark (rule B)
    replaces,   ///< replaces a value and can put the old one back
    irreversible, ///< cannot be undone: only through commit() (rule C)
};

/// The result of an operation that has nothing to tell.
struct Done {
    static constexpr bool defaults_apply = true;
};
BOOST_DESCRIBE_STRUCT(Done, (), ())

#define BHYPE_OPERATION(NAME, EFFECT, SECONDS)                                                               \
    static constexpr std::string_view operation = NAME;                                                      \
    static constexpr Effect effect = Effect::EFFECT;                                                         \
    static constexpr std::chrono::seconds deadline {                                                         \
        SECONDS                                                                                              \
    }

} // namespace bhype::host
