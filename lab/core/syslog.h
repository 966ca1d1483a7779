#pragma once

namespace bhype::lab {

/// What syslogd(8) does for bHype: /dev/log and /var/run/log are read, lines go to /var/log/messages, those
/// of the auth facilities to /var/log/auth.log. Returns the socket.
int listen_for_syslog();

/// Writes one waiting message.
void write_syslog(int socket);

} // namespace bhype::lab
