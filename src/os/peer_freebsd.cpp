#include "os/peer.h"

#include "base/error.h"

#include <sys/param.h>
#include <sys/socket.h>
#include <sys/ucred.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace bhype::os {

Peer peer_of(int socket) {
    xucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_LOCAL, LOCAL_PEERCRED, &credentials, &size) != 0)
        throw Error(Code::internal, std::string("LOCAL_PEERCRED: ") + std::strerror(errno));
    if (credentials.cr_version != XUCRED_VERSION || credentials.cr_ngroups < 1)
        throw Error(Code::internal, "LOCAL_PEERCRED: unknown version of struct xucred");
    return {credentials.cr_uid, credentials.cr_groups[0], credentials.cr_pid};
}

} // namespace bhype::os
