#pragma once

#include "lab/bhyve/vnc.h"

#include <string>

namespace bhype::lab {

/// Talks to one client until either side ends or `stop` becomes readable.
void serve_vnc_client(int client, int stop, const VncOptions& options);

/// What a client must answer to a challenge of 16 bytes: RFC 6143, section 7.2.2.
std::string vnc_response(const std::string& password, const std::string& challenge);

/// One block of DES (FIPS 46-3); both of eight bytes.
std::string des_encrypt(const std::string& key, const std::string& block);

} // namespace bhype::lab
