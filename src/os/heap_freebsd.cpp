#include "os/heap.h"

namespace bhype::os {

void share_heap_among_threads() {
    // Nothing to do: pages that no longer hold anything go back within seconds (jemalloc(3),
    // opt.dirty_decay_ms).
}

} // namespace bhype::os
