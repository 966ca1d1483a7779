#pragma once

namespace bhype::os {

/// For programs with many threads of which any may once answer something large: the heap keeps no more than
/// one such answer. To be called before the first thread.
void share_heap_among_threads();

} // namespace bhype::os
