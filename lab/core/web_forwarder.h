#pragma once

namespace bhype::lab {

/// Passes each connection that comes in at `listener`, a socket of the machine's network, on to port 443 of
/// the lab's. Never returns.
[[noreturn]] void forward_web(int listener);

} // namespace bhype::lab
