#pragma once

#include <string>
#include <vector>

namespace bhype::lab {

/// Interfaces that the machine's kernel need not have: a tap with a process behind it that passes frames on
/// to and from other interfaces. The process is in the caller's network namespace and ends with the lab.

/// A VLAN: frames of `tap` are tagged (IEEE 802.1Q) on `parent`, the interface's index. Returns the process.
int start_vlan_forwarder(const std::string& tap, int parent, unsigned tag);

/// A lagg(4): frames go by the ports of the interface as Interfaces has them. Returns the process; it looks
/// again at SIGHUP and when a link changes.
int start_lagg_forwarder(const std::string& tap);

/// The process is to look again, or to end.
void notify_forwarder(int process);
void stop_forwarder(int process);

} // namespace bhype::lab
