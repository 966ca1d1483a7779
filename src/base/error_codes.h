#pragma once

// The one table of error codes. X(name, id, HTTP status, title, meaning, what to do next).
// An id is stable for ever: scripts refer to it. The web interface shows a code under /docs/errors#ID, where
// the type of a problem document leads.
#define BHYPE_ERROR_CODES(X)                                                                                 \
    X(invalid_request, "api.invalid_request", 400, "The request is not valid JSON or not valid HTTP",        \
      "What came is not HTTP/1.1, not JSON, or its address has a broken escape. The detail names the "       \
      "place; nothing was done.",                                                                            \
      "Send a JSON object as the OpenAPI document describes it.")                                            \
    X(invalid_field, "api.invalid_field", 422, "Some fields are not valid",                                  \
      "A field is missing, unknown, of another type or against its rule. `problems` lists each field "       \
      "with its rule, all of them at once; nothing was done.",                                               \
      "Correct the fields that are named and send the request again.")                                       \
    X(too_large, "api.too_large", 413, "The request is too large",                                           \
      "The head or the body of the request is longer than this address takes.", "Send less in one request.") \
    X(unsupported_type, "api.unsupported_media_type", 415, "The body is not JSON",                           \
      "A body came with another Content-Type, or with none.", "Send Content-Type: application/json.")        \
    X(not_found, "api.not_found", 404, "There is no such thing",                                             \
      "No object has that name or number, it is gone, or it belongs to somebody else: all three are "        \
      "answered alike, so that nobody finds out names by asking.",                                           \
      "Check the name; objects that you may not see look the same as missing ones.")                         \
    X(method_not_allowed, "api.method_not_allowed", 405, "This address does not take that method",           \
      "The address exists, and the request asks of it what it cannot do.", "See the Allow header.")          \
    X(not_acceptable_origin, "access.bad_origin", 403, "The request comes from another site",                \
      "A request that changes something, or opens a console, must come from a page of this bHype. Its "      \
      "Origin header was missing or named another site.",                                                    \
      "Open the interface at its own address.")                                                              \
    X(no_session, "access.no_session", 401, "You are not logged in",                                         \
      "The request came without a session, or the session has ended: by logging out, for want of use, by "   \
      "age, or with its account.",                                                                           \
      "Log in and repeat the request.")                                                                      \
    X(bad_credentials, "access.bad_credentials", 401, "User name or password is wrong",                      \
      "PAM of the host refused the log-in. A user that does not exist is answered in the same words and "    \
      "after the same time.",                                                                                \
      "Check both; after five failures log-in waits for a while.")                                           \
    X(too_many_attempts, "access.too_many_attempts", 429, "Too many failed log-ins",                         \
      "Log-ins for this account or from this address failed too often. Others are not hindered, and "        \
      "running sessions go on.",                                                                             \
      "Wait for the time that Retry-After gives.")                                                           \
    X(forbidden, "access.forbidden", 403, "Your role does not allow this",                                   \
      "You are logged in, and your group does not allow this: wheel administers, bhype has VMs of its "      \
      "own, bhype-view looks. The detail says if it is the VM's owner who must do it.",                      \
      "Ask an administrator of the host (group wheel).")                                                     \
    X(precondition_failed, "api.precondition_failed", 412, "It was changed in the meantime",                 \
      "The request was made for a state of the object (If-Match) that somebody has changed since. "          \
      "Nothing was done, so that neither change is lost.",                                                   \
      "Read it again and repeat the change on what it is now.")                                              \
    X(key_reused, "api.idempotency_key_reused", 422, "This Idempotency-Key was used for another request",    \
      "An Idempotency-Key marks one request, so that repeating it does nothing twice. This key came "        \
      "before with other contents.",                                                                         \
      "Use a new key for a new request.")                                                                    \
    X(busy, "task.busy", 409, "Another task works on this object",                                           \
      "Something else holds this object at the moment, so that two changes do not cross.",                   \
      "Wait for that task or cancel it.")                                                                    \
    X(cancelled, "task.cancelled", 409, "The task was cancelled",                                            \
      "Somebody cancelled it, or bhyped was stopped before its work began.",                                 \
      "Nothing to do; what was begun is undone.")                                                            \
    X(interrupted, "task.interrupted", 409, "bHype stopped in the middle of the task",                       \
      "bhyped or the host went down while the task was at work. When bhyped was back, it looked at what "    \
      "the task had done so far.",                                                                           \
      "What was half made is removed, what was whole is kept: look, and repeat the command if need be.")     \
    X(needs_attention, "task.needs_attention", 409, "The task could not be finished",                        \
      "The task had done something that cannot be undone, and what was left to do failed again and "         \
      "again. bHype leaves all as it is rather than guess.",                                                 \
      "Look at the objects that the task lists.")                                                            \
    X(task_not_cancellable, "task.not_cancellable", 409, "This task can no longer be cancelled",             \
      "It has ended, or has done what cannot be undone and is finishing.", "Wait until it ends.")            \
    X(vm_name_taken, "vm.name_taken", 409, "A VM of that name exists",                                       \
      "Names of VMs are unique on a host, whoever owns them; it may be a VM that you may not see.",          \
      "Choose another name.")                                                                                \
    X(vm_not_running, "vm.not_running", 409, "The VM is not running",                                        \
      "This needs a running VM: a console, a stop, a reset.", "Start it first.")                             \
    X(vm_running, "vm.running", 409, "The VM is running",                                                    \
      "This needs a stopped VM, or it was asked to start and already runs.", "Stop it first.")               \
    X(vm_deaf, "vm.did_not_react", 409, "The guest did not react to the power button",                       \
      "ACPI's power button was pressed again and again, and in the time given the guest did not end. It "    \
      "may have no ACPI, wait for an answer on its screen, or hang. It keeps running.",                      \
      "Shut it down from inside, or use kill: the guest then loses what it has not written.")                \
    X(vm_start_failed, "vm.start_failed", 409, "bhyve did not start the VM",                                 \
      "bhyve ended at once instead of starting. Its exit status and its last lines are in the detail "       \
      "and in the VM's log.",                                                                                \
      "Read bhyve's own words in the detail.")                                                               \
    X(vm_no_switch, "vm.no_switch", 409, "The VM's switch is missing",                                       \
      "The bridge of the VM's switch is not on the host, or no network was free for it. bHype makes a "      \
      "missing bridge again within a minute.",                                                               \
      "Run `bhype doctor`.")                                                                                 \
    X(vm_file_missing, "vm.file_missing", 409, "A file that the VM needs is missing",                        \
      "The firmware, an installation CD or the VM's own vm.toml is not where it should be; the detail "      \
      "names it.",                                                                                           \
      "Put the file in its place or remove the device.")                                                     \
    X(vm_refused, "vm.refused", 409, "The VM cannot be made or started on this host as it is",               \
      "bHype looked before it changed anything: memory, vCPUs, space, files and the switch. `problems` "     \
      "lists all that is in the way.",                                                                       \
      "Each problem says what it asks for.")                                                                 \
    X(vm_definition_broken, "vm.definition_broken", 409, "The VM's definition cannot be used",               \
      "The VM's vm.toml was changed by hand or damaged and breaks a rule. A running VM goes on; until the "  \
      "file is right, bHype shows what it last knew and changes nothing.",                                   \
      "Correct the vm.toml that is named, as root; bHype reads it again within a minute.")                   \
    X(checksum, "template.checksum", 409, "The media have another checksum than the template says",          \
      "The file was read to its end, and its SHA-256 is not the template's: it is damaged, incomplete "      \
      "or another version. Nothing was made from it.",                                                       \
      "Fetch the media again, or correct the template if they changed on purpose.")                          \
    X(no_space, "storage.no_space", 409, "The pool has not enough free space",                               \
      "ZFS has no room for what was asked. VMs that run may stop as well once they write.",                  \
      "Free space in the pool.")                                                                             \
    X(below_floor, "storage.below_floor", 409, "The pool has less free space than it should keep",           \
      "What writes is not started any more, so that what runs can go on: VMs stop when the pool is full. "   \
      "Stopping, consoles and deleting go on.",                                                              \
      "Delete snapshots or VMs, or add disks; `bhype space floor` tells and sets how much stays free.")      \
    X(no_pool, "storage.no_pool", 409, "bHype has no ZFS pool yet",                                          \
      "VMs live in a ZFS pool that bHype was told to use. None was chosen yet, or the chosen one is not "    \
      "imported.",                                                                                           \
      "Run `bhype setup`.")                                                                                  \
    X(pool_exists, "storage.pool_exists", 409, "A pool of that name exists",                                 \
      "A pool was to be made under a name that an imported pool has.", "Use it, or another name.")           \
    X(pool_foreign, "storage.pool_foreign", 409, "Another system used the pool last",                        \
      "The pool was not exported by the system that had it, and two systems that use one pool at a time "    \
      "destroy it. It was not imported.",                                                                    \
      "Make sure that the other system does not use it any more, then import it with force.")                \
    X(key_wrong, "storage.key_wrong", 409, "That is not the pool's key",                                     \
      "ZFS does not open the pool with what it was given. Nothing changed.",                                 \
      "Try again. Without the right passphrase or key file what is in the pool stays closed for good.")      \
    X(secret_gone, "storage.secret_gone", 409, "The secret is not known any more",                           \
      "A secret waits in bhype-hostd's memory, once and for ten minutes: it was used, it is too old, or "    \
      "bhype-hostd was started again meanwhile.",                                                            \
      "Give it again.")                                                                                      \
    X(device_missing, "storage.device_missing", 409, "The pool has no such device",                          \
      "A device was named that is not in the pool: replaced or removed meanwhile, perhaps.",                 \
      "`bhype pool show` lists the pool's devices.")                                                         \
    X(disk_in_use, "storage.disk_in_use", 409, "A disk is in use",                                           \
      "A disk that was to be wiped for a new pool is part of a pool, mounted, or used for swap. It was "     \
      "not touched.",                                                                                        \
      "Choose another disk.")                                                                                \
    X(dataset_exists, "storage.dataset_exists", 409, "A dataset of that name exists and is not bHype's",     \
      "Where a dataset was to be made, there is one that bHype did not make. It was not touched.",           \
      "Rename or remove it, or choose another name.")                                                        \
    X(dataset_missing, "storage.dataset_missing", 409, "A dataset is missing",                               \
      "A dataset or a pool that should be there is not: removed, renamed or not imported.",                  \
      "Run `bhype doctor`.")                                                                                 \
    X(command_failed, "host.command_failed", 409, "A command of the host failed",                            \
      "One of FreeBSD's commands ended with an error that bHype has no better word for. The task's "         \
      "steps have the command as it was run, and what it printed.",                                          \
      "Its own words are in the detail.")                                                                    \
    X(command_timeout, "host.command_timeout", 409, "A command of the host did not end in time",             \
      "A command ran longer than it ever should and was ended.",                                             \
      "Look at the host: a disk or a device may hang.")                                                      \
    X(command_missing, "host.command_missing", 409, "A program is missing on the host",                      \
      "A program that bHype runs is not installed, or not where FreeBSD puts it.",                           \
      "Install the package that has it; `bhype doctor` names it.")                                           \
    X(output_unexpected, "host.output_unexpected", 409, "A command printed something unexpected",            \
      "bHype reads what FreeBSD's commands print, and this time could not: another release of FreeBSD, "     \
      "perhaps.",                                                                                            \
      "Report this with the output in the detail.")                                                          \
    X(dataset_busy, "storage.dataset_busy", 409, "A dataset or pool is in use",                              \
      "ZFS refused since something still uses it. Nothing was removed.",                                     \
      "Stop what uses it: a VM, a program that has a file open in it, a hold on a snapshot.")                \
    X(dataset_has_clones, "storage.has_clones", 409, "Other datasets are clones of it",                      \
      "Something outside of the VM was cloned from its snapshots and would go with it. Nothing was "         \
      "removed.",                                                                                            \
      "Destroy the clones that the detail names, or zfs promote them; then repeat the command.")             \
    X(snapshot_exists, "snapshot.exists", 409, "The VM has a snapshot of that name",                         \
      "Snapshots of a VM have unique names; nothing was changed.", "Choose another name, or none.")          \
    X(snapshot_in_use, "snapshot.in_use", 409, "Snapshots that would go are in use",                         \
      "They are held, or VMs and datasets are clones of them: the detail names each. Nothing was changed.",  \
      "Release what is held; delete the clones, or promote them; then repeat the command.")                  \
    X(look_unreadable, "snapshot.unreadable", 409, "What the snapshot's disk holds cannot be read here",     \
      "The disk has no file system that bHype reads (ext2 to ext4, UFS, FAT, exFAT, NTFS, ISO 9660, HFS+), " \
      "it "                                                                                                  \
      "is encrypted, or it is damaged: the detail says which. The guest's data were not touched.",           \
      "Clone the snapshot with bhype snapshot clone and look from inside of a guest.")                       \
    X(look_too_large, "snapshot.file_too_large", 409, "The file or directory is too large to be read here",  \
      "One file of at most 16G can be downloaded, and a directory must fit into the memory that the reader " \
      "may "                                                                                                 \
      "use.",                                                                                                \
      "Clone the snapshot with bhype snapshot clone and look from inside of a guest.")                       \
    X(look_limit, "snapshot.too_many_looks", 429, "Too many look into snapshots at once",                    \
      "One user reads two directories or files of snapshots at a time; the host keeps eight disks of "       \
      "snapshots "                                                                                           \
      "open.",                                                                                               \
      "Wait until a download has ended, and repeat the request.")                                            \
    X(plan_exists, "plan.exists", 409, "A plan of that name exists",                                         \
      "Names of plans are unique on a host; nothing was changed.",                                           \
      "Choose another name, or change the plan that is there.")                                              \
    X(switch_name_taken, "network.switch_exists", 409, "A switch of that name exists",                       \
      "Names of switches are unique on a host.", "Choose another name, or change the switch that is there.") \
    X(switch_in_use, "network.switch_in_use", 409, "The switch is in use",                                   \
      "VMs have NICs on it, or interfaces that bHype did not put there are members of its bridge. The "      \
      "detail names them; nothing was changed.",                                                             \
      "Move or remove those NICs first.")                                                                    \
    X(switch_refused, "network.refused", 409, "The network cannot be changed like this on this host",        \
      "bHype looked before it changed anything: interfaces, addresses, ports and what uses them. "           \
      "`problems` lists all that is in the way.",                                                            \
      "Each problem says what it asks for.")                                                                 \
    X(interface_missing, "network.no_interface", 409, "An interface is missing",                             \
      "An interface that a switch is to use is not on the host: renamed, removed, or its driver is not "     \
      "loaded.",                                                                                             \
      "Look at ifconfig -a; change the switch or bring the interface back.")                                 \
    X(interface_busy, "network.interface_busy", 409, "An interface is used for something else",              \
      "The interface has addresses of the host, or is a member of another bridge. Taking it would cut "      \
      "that off, so nothing was changed.",                                                                   \
      "Use another interface, a VLAN on it, or free it first.")                                              \
    X(port_taken, "network.port_taken", 409, "A port that bHype needs is taken",                             \
      "bHype's dnsmasq answers DHCP (port 67) and DNS (port 53) on the switches' addresses, and another "    \
      "program listens there.",                                                                              \
      "See sockstat -l -p 53,67; bind that program to its own addresses, or turn DHCP off on the switch.")   \
    X(uplink_busy, "network.uplink_waits", 409, "A change of the uplink waits to be confirmed",              \
      "The host's own addresses are being moved, and nobody else may touch those interfaces until that is "  \
      "kept or taken back. It goes back by itself when its time is over.",                                   \
      "Confirm it with bhype uplink confirm, or take it back with bhype uplink revert.")                     \
    X(uplink_over, "network.uplink_over", 409, "There is no such change of the uplink to decide on",         \
      "It was kept or taken back already, by somebody or because its time was over. The detail says which.", \
      "See bhype uplink list; make the change again if it went back too early, with more --seconds.")        \
    X(policy, "host.refused", 403, "bhype-hostd refuses this operation",                                     \
      "The root side checks each operation again, whoever asks: what lies outside of bHype's own "           \
      "datasets and folders, and what hostd.toml forbids, is not done.",                                     \
      "The host's policy is in hostd.toml; only root can change it.")                                        \
    X(hostd_away, "host.no_hostd", 503, "bhype-hostd does not answer",                                       \
      "bhyped has no rights of its own; bhype-hostd does the work on the host. It is stopped or being "      \
      "restarted; running VMs do not notice.",                                                               \
      "Run `service bhype_hostd start`.")                                                                    \
    X(vmd_away, "host.no_vmd", 503, "The VM's supervisor does not answer",                                   \
      "Each running VM has a supervisor, bhype-vmd. It was ended or hangs; the VM itself keeps running.",    \
      "Wait a few seconds; it is started again.")                                                            \
    X(result_unknown, "host.result_unknown", 503, "The outcome of an operation is not known",                \
      "The connection to bhype-hostd broke, or its answer did not come in time, while it was at work.",      \
      "bHype looks at the host and says what it found.")                                                     \
    X(database, "store.failed", 503, "The database failed",                                                  \
      "bhyped could not read or write /var/db/bhype/bhype.db: a full disk or a damaged file, most "          \
      "often.",                                                                                              \
      "Look at /var/log/bhype and at the disk's space.")                                                     \
    X(bad_configuration, "base.bad_configuration", 500, "The configuration is not valid",                    \
      "A configuration file has a line that cannot be read or a value against its rule, or a socket "        \
      "could not be made where it says.",                                                                    \
      "Correct the file and line that are named.")                                                           \
    X(overloaded, "api.overloaded", 503, "bHype has more requests than it can handle",                       \
      "More came at once than bHype works on at a time, or bhyped is just being stopped. Nothing was "       \
      "done.",                                                                                               \
      "Wait a moment and repeat the request.")                                                               \
    X(console_in_use, "console.in_use", 409, "Somebody else uses this console",                              \
      "One at a time types into a console; somebody else, or another window of yours, has it.",              \
      "Watch, or take it over.")                                                                             \
    X(console_ticket, "console.bad_ticket", 403, "The console ticket is not valid",                          \
      "The ticket is older than 30 seconds, was used before, or was given to somebody else.",                \
      "Ask for a new one; a ticket is good for one use within 30 seconds.")                                  \
    X(internal, "base.internal", 500, "bHype made a mistake",                                                \
      "Something happened that bHype's authors did not think of. Running VMs are not touched by it.",        \
      "Report this with the log's last lines.")
