#pragma once

// Inside of confine(): what each system has of its own.

namespace bhype::os {

/// Throws Error(internal) with errno's words unless `good`.
void confine_check(bool good, const char* what);

/// Nobody traces the process, and it gains nothing by an exec. Before the limits.
void forbid_tracing();
/// What can only come last, since nothing can be named or opened after it.
void seal();

} // namespace bhype::os
