#pragma once

// A new VM from a snapshot of another.

#include "vm/plan.h"

namespace bhype::vm {

/// What a clone is made from. `then` is the definition that belongs to the snapshot.
struct CloneGround {
    const Record& origin;
    host::Machine then;
    bool snapshot_there = false; ///< the one that was asked for, on every disk
    bool name_taken = false;
    ByteSize available; ///< for a full clone: to POOL/bhype/vm
    ByteSize to_copy;   ///< for a full clone: what the disks take in the snapshot
};

/// A VM's definition as a snapshot holds it; throws what parse_machine() throws.
host::Machine definition_in(wire::Host& host, const Record& record, const SnapshotLabel& label);
/// The prefix and the present time in UTC: "clone-web2-20261127T030405Z".
SnapshotLabel utc_label(std::string_view prefix);

/// Problems of the request are in the decision. The clone has its own id, MACs and addresses. Unless it is a
/// full one, it shares the disks' blocks with the snapshot, which cannot be destroyed while it lives.
CreateDecision decide_clone(const CloneVm& request, const access::Caller& caller, const CloneGround& ground,
                            const Offer& offer, const network::Switches& switches);

} // namespace bhype::vm
