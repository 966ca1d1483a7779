#pragma once

// bhype-look: reads one disk of a guest and says what is on it.
//
// The disk is hostile data, and libtsk reads it in C. So hostd gives this program one descriptor that is open
// for reading and nothing else, and it lets go of every right before it reads the first byte (os/confine.h).
// What it answers, hostd checks again.

#include <string>
#include <vector>

namespace bhype::look {

/// `arguments` are "list PARTITION PATH FROM LIMIT" or "file PARTITION PATH", PARTITION "-" when none is
/// chosen. Reads the disk from `disk` and writes to `out`: a Look, or a line with a SnapshotFileResult and
/// the file's bytes; instead of those a problem document (RFC 9457). Returns the exit status: 0, 1 when a
/// problem was written, 2 when a file's bytes broke off.
int run(const std::vector<std::string>& arguments, int disk, int out);

} // namespace bhype::look
