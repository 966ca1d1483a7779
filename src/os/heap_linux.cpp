#include "os/heap.h"

#include <malloc.h>

namespace bhype::os {

void share_heap_among_threads() {
    // Else each thread keeps what its largest answer took (mallopt(3)).
    ::mallopt(M_ARENA_MAX, 1);
}

} // namespace bhype::os
