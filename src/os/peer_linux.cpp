#include "os/peer.h"

#include "base/error.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace bhype::os {

Peer peer_of(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        throw Error(Code::internal, std::string("SO_PEERCRED: ") + std::strerror(errno));
    return {credentials.uid, credentials.gid, credentials.pid};
}

} // namespace bhype::os
