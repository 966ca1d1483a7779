#pragma once

#include "base/fd.h"

#include <string>

namespace bhype::os {

/// A pseudo-terminal in raw mode: what goes in at one end comes out at the other unchanged. Keeping `slave`
/// open keeps the master from reading EIO while nobody else has the slave open.
struct Pty {
    Fd master;        ///< close-on-exec, non-blocking
    Fd slave;         ///< close-on-exec
    std::string path; ///< of the slave, for bhyve's -l com1
};

/// Throws Error(internal) when the system has none left. Never makes it the controlling terminal.
Pty open_pty();

/// Leaves the terminal and process group of whoever started us: setsid(2). Already a session leader: done.
void become_session();

} // namespace bhype::os
