#pragma once

#include <sys/types.h>

namespace bhype::os {

struct Peer {
    uid_t uid = 0;
    gid_t gid = 0;
    pid_t pid = 0; ///< 0 when the system does not tell (another PID namespace)
};

/// Who connected a unix stream socket, as the kernel saw it at connect(2): unix(4) LOCAL_PEERCRED, unix(7)
/// SO_PEERCRED. Throws Error(internal).
Peer peer_of(int socket);

} // namespace bhype::os
